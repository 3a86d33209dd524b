// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package rootfs

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestTheDocumentIsReplacedAsAWholeAndOnlyRootReadsIt(t *testing.T) {
	directory := t.TempDir()
	for _, document := range []string{`{"version": 1, "name": "a longer one"}`, `{"version": 1}`} {
		if err := KeepDocument(directory, []byte(document)); err != nil {
			t.Fatal(err)
		}
		got, err := DocumentBefore(directory)
		if err != nil || string(got) != document {
			t.Errorf("got %q, %v", got, err)
		}
	}
	entries, err := os.ReadDir(directory)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files, %v", len(entries), err)
	}
	info, err := os.Stat(filepath.Join(directory, documentName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", info, err)
	}
}

func TestAnUnchangedDocumentIsNotWrittenAgain(t *testing.T) {
	directory := t.TempDir()
	if err := KeepDocument(directory, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(filepath.Join(directory, documentName))
	if err != nil {
		t.Fatal(err)
	}
	if err := KeepDocument(directory, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(filepath.Join(directory, documentName))
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("it was replaced, %v", err)
	}
}

func TestADocumentThatCannotBeKeptIsReported(t *testing.T) {
	if err := KeepDocument(filepath.Join(t.TempDir(), "missing"), []byte("{}")); err == nil {
		t.Error("no error")
	}
}

func TestTheTableOfNamesIsKeptBesideTheDocument(t *testing.T) {
	directory := t.TempDir()
	if _, err := KeptNames(directory); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a table: %v", err)
	}
	if err := KeepDocument(directory, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"first", "second"} {
		if err := KeepNames(directory, []byte(table)); err != nil {
			t.Fatal(err)
		}
		if kept, err := KeptNames(directory); err != nil || string(kept) != table {
			t.Errorf("kept %q, %v", kept, err)
		}
	}
}
