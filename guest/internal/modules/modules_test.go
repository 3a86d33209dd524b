// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package modules

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gantry.invalid/guest/internal/packed"
)

const text = `scsi_mod -
pvscsi scsi_mod pci:v000015ADd000007C0sv*sd*bc*sc*i*
base -
virtio base
virtio_pci virtio,base pci:v00001AF4d*sv*sd*bc*sc*i*
balloon - dmi:*:svnVMware*:*
squashfs built-in
`

func newLoader(t *testing.T, insert func(name string) error) *Loader {
	t.Helper()
	names, table, err := parseTable(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return &Loader{
		directory: "/lib/modules", names: names, table: table, done: map[string]error{},
		insert: func(path string) error { return insert(strings.TrimSuffix(filepath.Base(path), ".ko")) },
	}
}

func TestLoadInsertsDependenciesFirstAndEachOnce(t *testing.T) {
	var inserted []string
	loader := newLoader(t, func(name string) error { inserted = append(inserted, name); return nil })
	for _, name := range []string{"virtio_pci", "virtio", "virtio_pci"} {
		if err := loader.Load(name); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(inserted, " "); got != "base virtio virtio_pci" {
		t.Errorf("got %s", got)
	}
}

func TestLoadReturnsTheFirstFailureAgain(t *testing.T) {
	broken := errors.New("broken")
	tries := 0
	loader := newLoader(t, func(name string) error {
		if name == "base" {
			tries++
			return broken
		}
		t.Errorf("%s was inserted", name)
		return nil
	})
	for range 2 {
		if err := loader.Load("virtio_pci"); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	}
	if tries != 1 {
		t.Errorf("%d tries", tries)
	}
}

func TestLoadOfAnUnknownModule(t *testing.T) {
	loader := newLoader(t, func(string) error { return nil })
	if err := loader.Load("nvidia"); err == nil || !strings.Contains(err.Error(), "nvidia") {
		t.Errorf("got %v", err)
	}
}

func TestLoadOfAModuleThatIsBuiltIntoTheKernelInsertsNothing(t *testing.T) {
	loader := newLoader(t, func(name string) error { t.Errorf("%s was inserted", name); return nil })
	if err := loader.Load("squashfs"); err != nil {
		t.Error(err)
	}
}

func TestDiscardRemovesWhatOnlyTheDiscardedNeed(t *testing.T) {
	loader := newLoader(t, func(string) error { return nil })
	loader.directory = t.TempDir()
	for _, name := range loader.names {
		if err := os.WriteFile(loader.path(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := loader.Discard("virtio_pci", "squashfs", "unknown"); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(loader.directory)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, entry := range entries {
		left = append(left, strings.TrimSuffix(entry.Name(), ".ko"))
	}
	if got := strings.Join(left, " "); got != "balloon pvscsi scsi_mod squashfs" {
		t.Errorf("left are %s", got)
	}
	if err := loader.Load("virtio_pci"); err == nil || !strings.Contains(err.Error(), "virtio_pci was discarded") {
		t.Errorf("got %v", err)
	}
	if err := loader.Load("pvscsi"); err != nil {
		t.Error(err)
	}
	if err := loader.Discard("balloon", "virtio_pci"); err != nil {
		t.Error(err)
	}
}

func TestDiscardKeepsWhatIsLoadedOrNeeded(t *testing.T) {
	loader := newLoader(t, func(string) error { return nil })
	loader.directory = t.TempDir()
	if err := os.WriteFile(loader.path("virtio"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := loader.Load("virtio_pci"); err != nil {
		t.Fatal(err)
	}
	// virtio is a dependency of another module, and virtio_pci is loaded: neither is removed.
	if err := loader.Discard("virtio_pci"); err != nil {
		t.Error(err)
	}
	if err := loader.Discard("virtio"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(loader.path("virtio")); err != nil {
		t.Error(err)
	}
}

func TestACompressedModuleIsUnpackedAndDiscarded(t *testing.T) {
	loader := newLoader(t, nil)
	loader.directory = t.TempDir()
	var compressed bytes.Buffer
	writer := gzip.NewWriter(&compressed)
	_, err := writer.Write([]byte("the module"))
	path := filepath.Join(loader.directory, "base.ko.gz")
	if err := errors.Join(err, writer.Close(), os.WriteFile(path, compressed.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	if loader.path("base") != path {
		t.Errorf("its file is %s", loader.path("base"))
	}
	if content, err := packed.Read(path); err != nil || string(content) != "the module" {
		t.Errorf("%q, %v", content, err)
	}
	for _, name := range []string{"virtio", "virtio_pci"} {
		if err := os.WriteFile(loader.path(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := loader.Discard("virtio_pci"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestLoadAliasLoadsTheModulesThatMatchTheDevice(t *testing.T) {
	for modalias, want := range map[string]string{
		"pci:v000015ADd000007C0sv000015ADsd000007C0bc01sc07i00":      "scsi_mod pvscsi",
		"pci:v00008086d00001237sv00001AF4sd00001100bc06sc00i00":      "",
		"dmi:bvnVMW:bd1/1/2020:svnVMware,Inc.:pnVMware7,1:rvrN/A:cN": "balloon",
		"": "",
	} {
		var inserted []string
		loader := newLoader(t, func(name string) error { inserted = append(inserted, name); return nil })
		if err := loader.LoadAlias(modalias); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(inserted, " "); got != want {
			t.Errorf("%q loads %q, want %q", modalias, got, want)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"*", "", true}, {"a*c", "abc", true}, {"a*c", "abcd", false}, {"a*b*c", "a/b/b/c", true},
		{"a?c", "abc", true}, {"a?c", "ac", false}, {"*ab", "aab", true}, {"a**", "a", true}, {"b", "ab", false},
	} {
		if got := matches(test.pattern, test.text); got != test.want {
			t.Errorf("%q on %q: %v", test.pattern, test.text, got)
		}
	}
}

func TestParseTableRefusesDamage(t *testing.T) {
	if _, _, err := parseTable(strings.NewReader("alone\n")); err == nil {
		t.Error("no error")
	}
}
