// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package filesystems

import (
	"os"
	"path/filepath"
	"testing"

	"gantry.invalid/guest/internal/spec"
)

func TestEachFileSystemOfTheDocumentIsKnown(t *testing.T) {
	for _, name := range spec.FileSystems {
		if kind, err := Named(name); err != nil || kind.Name != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	if kind, err := Named(""); err != nil || kind.Name != spec.FileSystemExt4 {
		t.Errorf("the default is %+v, %v", kind, err)
	}
	if kind, err := Named("btrfs"); err == nil {
		t.Errorf("got %+v", kind)
	}
}

func TestTheTemplateOfXFSIsChosenBySize(t *testing.T) {
	directory := t.TempDir()
	for _, name := range []string{"300.gz", "1200.gz", "4800.gz"} {
		if err := os.WriteFile(filepath.Join(directory, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if path, err := xfsTemplate(directory, 2000<<20); err != nil || filepath.Base(path) != "1200.gz" {
		t.Errorf("%s, %v", path, err)
	}
	if path, err := xfsTemplate(directory, 299<<20); err == nil {
		t.Errorf("got %s", path)
	}
}
