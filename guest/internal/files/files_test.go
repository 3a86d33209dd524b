// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package files

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const delivery = magic + `{"salt":"00ff","sizes":[5,0,6]}` + "\nhelloworld!"

func digestOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

// keepDelivery stores a delivery in two parts.
func keepDelivery(t *testing.T, store Store, content string) {
	t.Helper()
	half := len(content) / 2
	for _, step := range []func() error{
		store.Begin,
		func() error { return store.Append([]byte(content[:half])) },
		func() error { return store.Append([]byte(content[half:])) },
		store.Finish,
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestADeliveryIsKeptAndUnpacked(t *testing.T) {
	store, into := Store{t.TempDir()}, filepath.Join(t.TempDir(), "files")
	if has, err := store.Has(digestOf(delivery)); has || err != nil {
		t.Fatalf("before: %v, %v", has, err)
	}
	keepDelivery(t, store, delivery)
	if has, err := store.Has(digestOf(delivery)); !has || err != nil {
		t.Fatalf("after: %v, %v", has, err)
	}
	if has, err := store.Has(digestOf("other")); has || err != nil {
		t.Errorf("another one: %v, %v", has, err)
	}
	if err := store.Unpack(3, into); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"0": "hello", "1": "", "2": "world!"} {
		content, err := os.ReadFile(filepath.Join(into, name))
		if err != nil || string(content) != want {
			t.Errorf("%s: %q, %v", name, content, err)
		}
		if info, err := os.Stat(filepath.Join(into, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestClearRemovesEverything(t *testing.T) {
	store := Store{t.TempDir()}
	keepDelivery(t, store, delivery)
	if err := store.Begin(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := store.Clear(); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := os.ReadDir(store.Directory); err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
}

func TestAnUnfinishedDeliveryIsNotUsed(t *testing.T) {
	store := Store{t.TempDir()}
	keepDelivery(t, store, delivery)
	if err := store.Begin(); err != nil {
		t.Fatal(err)
	}
	if err := store.Append([]byte("oth")); err != nil {
		t.Fatal(err)
	}
	if has, err := store.Has(digestOf(delivery)); !has || err != nil {
		t.Errorf("%v, %v", has, err)
	}
}

func TestADamagedDeliveryIsRefused(t *testing.T) {
	for name, invalid := range map[string]struct{ content, said string }{
		"no magic":  {"GANTRY", "unknown format"},
		"no header": {magic, "header"},
		"no JSON":   {magic + "x\n", "header"},
		"too few":   {magic + `{"sizes":[1]}` + "\nx", "1 files were delivered, and the document has 3"},
		"too short": {strings.TrimSuffix(delivery, "!"), "ends after 5 bytes of a file of 6"},
	} {
		store := Store{t.TempDir()}
		keepDelivery(t, store, invalid.content)
		if err := store.Unpack(3, t.TempDir()); err == nil || !strings.Contains(err.Error(), invalid.said) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOnlyFilesWithAnotherContentAreReplacedAsAWhole(t *testing.T) {
	store, into := Store{t.TempDir()}, filepath.Join(t.TempDir(), "files")
	keepDelivery(t, store, delivery)
	if err := store.Unpack(3, into); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(into, "2"), 0o640); err != nil {
		t.Fatal(err)
	}
	open, err := os.Open(filepath.Join(into, "2"))
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	keepDelivery(t, store, magic+`{"salt":"00ff","sizes":[5,0,5]}`+"\nhelloother")
	replaced, err := store.Replace(3, into)
	if err != nil || len(replaced) != 1 || replaced[0].Number != 2 {
		t.Fatalf("%v, %v", replaced, err)
	}
	content, err := os.ReadFile(filepath.Join(into, "2"))
	if err != nil || string(content) != "other" {
		t.Errorf("%q, %v", content, err)
	}
	if info, err := os.Stat(filepath.Join(into, "2")); err != nil || info.Mode().Perm() != 0o640 || os.SameFile(info, replaced[0].Before) {
		t.Errorf("%v, %v", info, err)
	}
	// Whoever reads the file meanwhile has one content or the other.
	if info, err := open.Stat(); err != nil || !os.SameFile(info, replaced[0].Before) || info.Size() != 6 {
		t.Errorf("%v, %v", info, err)
	}
	if again, err := store.Replace(3, into); err != nil || len(again) != 0 {
		t.Errorf("again: %v, %v", again, err)
	}
	// The file that was replaced is kept: the kernel would mount nothing over one that is gone.
	if info, err := os.Stat(filepath.Join(KeptDirectory(into), "0")); err != nil || !os.SameFile(info, replaced[0].Before) {
		t.Errorf("%v, %v", info, err)
	}
	if left, err := os.ReadDir(filepath.Dir(into)); err != nil || len(left) != 2 {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestTheContentsThatWereReplacedHaveALimit(t *testing.T) {
	store, into := Store{t.TempDir()}, filepath.Join(t.TempDir(), "files")
	keepContent := func(content string) {
		keepDelivery(t, store, fmt.Sprintf("%s{\"salt\":\"00ff\",\"sizes\":[%d]}\n%s", magic, len(content), content))
	}
	keepContent(strings.Repeat("a", maxKept-1))
	if err := store.Unpack(1, into); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		content string
		want    bool
	}{{"b", true}, {"c", false}} {
		keepContent(step.content)
		if _, err := store.Replace(1, into); err != nil {
			t.Fatal(err)
		}
		if got, err := HasRoom(into); err != nil || got != step.want {
			t.Errorf("with %s: %v, %v", step.content, got, err)
		}
	}
}

func TestADamagedDeliveryReplacesNothing(t *testing.T) {
	store, into := Store{t.TempDir()}, filepath.Join(t.TempDir(), "files")
	keepDelivery(t, store, delivery)
	if err := store.Unpack(3, into); err != nil {
		t.Fatal(err)
	}
	keepDelivery(t, store, magic+`{"salt":"00ff","sizes":[5,0,9]}`+"\nHELLOother")
	if replaced, err := store.Replace(3, into); err == nil || len(replaced) != 0 {
		t.Errorf("%v, %v", replaced, err)
	}
	if content, err := os.ReadFile(filepath.Join(into, "0")); err != nil || string(content) != "hello" {
		t.Errorf("%q, %v", content, err)
	}
}
