// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package datastore

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

// An independent program writes the chain and reads the export.
func TestAnExportHasTheContentOfTheChain(t *testing.T) {
	directory := t.TempDir()
	stores, err := Open(directory, []Size{{Name: "shared0", Capacity: 1 << 40}})
	if err != nil {
		t.Fatal(err)
	}
	base, child, top := Path{"shared0", "base.vmdk"}, Path{"shared0", "child.vmdk"}, Path{"shared0", "top.vmdk"}
	const size = int64(600 << 20) // more than one grain table and one level 2 table of an overlay
	if err := stores.CreateDisk(base, size, true, NewUUID()); err != nil {
		t.Fatal(err)
	}
	data := func(name string) string { return filepath.Join(directory, "shared0", name) }
	qemu(t, "qemu-io", "-f", "raw", "-c", "write -P 1 0 200k", "-c", "write -P 2 599m 4k", data("base-flat.vmdk"))
	if err := stores.CreateChild(child, base, NewUUID()); err != nil {
		t.Fatal(err)
	}
	qemu(t, "qemu-io", "-f", "qcow2", "-c", "write -P 3 70k 5k", "-c", "write -z 128k 64k", "-c", "write -P 4 540m 100k", data("child-delta.vmdk"))
	if err := stores.CreateChild(top, child, NewUUID()); err != nil {
		t.Fatal(err)
	}
	qemu(t, "qemu-io", "-f", "qcow2", "-c", "write -P 5 540m 512", data("top-delta.vmdk"))
	for place, file := range map[Path]string{base: "base-flat.vmdk", child: "child-delta.vmdk", top: "top-delta.vmdk"} {
		var stream bytes.Buffer
		if err := stores.ExportDisk(place, &stream); err != nil {
			t.Fatalf("%s: %v", place, err)
		}
		if stream.Len() > 2<<20 {
			t.Errorf("%s: %d bytes: holes are written, too", place, stream.Len())
		}
		exported, format := filepath.Join(t.TempDir(), "export.vmdk"), FormatQcow2
		if err := os.WriteFile(exported, stream.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if place == base {
			format = FormatRaw
		}
		qemu(t, "qemu-img", "compare", "-f", "vmdk", "-F", format, exported, data(file))
	}
}
