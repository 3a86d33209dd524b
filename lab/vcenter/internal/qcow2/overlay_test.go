// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package qcow2

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func qemu(t *testing.T, program string, arguments ...string) {
	t.Helper()
	if output, err := exec.Command(program, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v: %s", program, arguments, err, output)
	}
}

// An independent reader checks the files.
func TestAnOverlayReadsAsItsParentUntilWritten(t *testing.T) {
	for _, size := range []int64{1 << 20, 3<<20 + 512, 5 << 30} {
		directory := t.TempDir()
		base := filepath.Join(directory, "base-flat.vmdk")
		if err := os.WriteFile(base, bytes.Repeat([]byte("gantry"), 50_000), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(base, size); err != nil {
			t.Fatal(err)
		}
		overlay := filepath.Join(directory, "overlay-delta.vmdk")
		if err := Create(overlay, size, "base-flat.vmdk", "raw"); err != nil {
			t.Fatal(err)
		}
		qemu(t, "qemu-img", "check", "-q", "-f", "qcow2", overlay)
		qemu(t, "qemu-img", "compare", "-q", "-f", "qcow2", "-F", "raw", overlay, base)
		if untouched, err := Untouched(overlay); err != nil || !untouched {
			t.Errorf("%d bytes: untouched %v, %v", size, untouched, err)
		}
		qemu(t, "qemu-io", "-f", "qcow2", "-c", "write 0 512", overlay)
		if untouched, err := Untouched(overlay); err != nil || untouched {
			t.Errorf("%d bytes, written to: untouched %v, %v", size, untouched, err)
		}
	}
}

func TestAnOverlayOfAnOverlay(t *testing.T) {
	directory := t.TempDir()
	if err := os.WriteFile(filepath.Join(directory, "base"), make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	first, second := filepath.Join(directory, "first"), filepath.Join(directory, "second")
	if err := Create(first, 1<<20, "base", "raw"); err != nil {
		t.Fatal(err)
	}
	if err := Create(second, 1<<20, "first", "qcow2"); err != nil {
		t.Fatal(err)
	}
	qemu(t, "qemu-io", "-f", "qcow2", "-c", "write -P 7 4096 512", first)
	qemu(t, "qemu-io", "-f", "qcow2", "-c", "read -P 7 4096 512", second)
}

func TestAnOverlayNeverReplacesAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "taken")
	if err := os.WriteFile(path, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Create(path, 1<<20, "base", "raw"); !os.IsExist(err) {
		t.Errorf("got %v", err)
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "data" {
		t.Errorf("the file is now %q, %v", content, err)
	}
}

func TestUntouchedRefusesOtherFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "raw")
	if err := os.WriteFile(path, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Untouched(path); err == nil {
		t.Error("a raw file passed for an overlay")
	}
}
