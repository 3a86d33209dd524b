// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package source

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gantry.invalid/guest/internal/disks"
	"gantry.invalid/guest/record"
)

const (
	containerID = "8d0c0000-0000-4000-8000-000000000001"
	thisVM      = "42190000-0000-0000-0000-000000000001"
	document    = `{"version": 1}`
)

// writeScratch makes a disk with a record and the superblock of an ext4 file system.
func writeScratch(t *testing.T, kept record.Record, volume string) *disks.Finder {
	t.Helper()
	root := t.TempDir()
	directory := filepath.Join(root, "sys/block/sdb")
	superblock := make([]byte, 1024)
	binary.LittleEndian.PutUint16(superblock[0x38:], 0xef53)
	uuid, err := hex.DecodeString(strings.ReplaceAll(volume, "-", ""))
	if err != nil {
		t.Fatal(err)
	}
	copy(superblock[0x68:], uuid)
	first, _, err := kept.Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		os.MkdirAll(directory, 0o755),
		os.WriteFile(filepath.Join(directory, "size"), []byte("8\n"), 0o644),
		os.WriteFile(filepath.Join(root, "sdb"), append(append(first, superblock...), make([]byte, 2048)...), 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return &disks.Finder{Sys: filepath.Join(root, "sys"), Dev: root}
}

func ownRecord() record.Record {
	return record.Record{
		ID: containerID, Machine: thisVM, Spec: record.Digest([]byte(document)), Status: record.Status{State: record.Started},
	}
}

func holding(content string, err error) func(disks.Disk) ([]byte, error) {
	return func(disk disks.Disk) ([]byte, error) {
		if disk.Name != "sdb" {
			return nil, fmt.Errorf("%s was mounted", disk.Name)
		}
		return []byte(content), err
	}
}

func TestTheKeptDocumentOfThisMachineIsRead(t *testing.T) {
	kept := Kept{Finder: writeScratch(t, ownRecord(), containerID), Machine: thisVM, Document: holding(document, nil)}
	got, err := kept.Read(context.Background())
	if err != nil || string(got) != document {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestADiskThatIsNotCertainlyTheContainersOwnIsNotMounted(t *testing.T) {
	mounted := func(disks.Disk) ([]byte, error) {
		t.Error("it was mounted")
		return nil, nil
	}
	other := "42190000-0000-0000-0000-000000000002"
	for name, kept := range map[string]Kept{
		"a copy in a clone":             {Finder: writeScratch(t, ownRecord(), containerID), Machine: other},
		"a machine without identity":    {Finder: writeScratch(t, ownRecord(), containerID)},
		"another file system":           {Finder: writeScratch(t, ownRecord(), other), Machine: thisVM},
		"a record without a machine":    {Finder: writeScratch(t, record.Record{ID: containerID}, containerID), Machine: thisVM},
		"a record without any identity": {Finder: writeScratch(t, record.Record{}, containerID)},
	} {
		kept.Document = mounted
		if got, err := kept.Read(context.Background()); !errors.Is(err, ErrAbsent) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func TestADocumentThatIsNotThatOfTheLastStartIsNotUsed(t *testing.T) {
	for name, read := range map[string]func(disks.Disk) ([]byte, error){
		"an earlier one": holding(`{"version": 0}`, nil),
		"none":           holding("", fmt.Errorf("open: %w", fs.ErrNotExist)),
	} {
		kept := Kept{Finder: writeScratch(t, ownRecord(), containerID), Machine: thisVM, Document: read}
		if got, err := kept.Read(context.Background()); !errors.Is(err, ErrAbsent) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func TestADiskThatCannotBeMountedIsReported(t *testing.T) {
	broken := errors.New("structure needs cleaning")
	kept := Kept{Finder: writeScratch(t, ownRecord(), containerID), Machine: thisVM, Document: holding("", broken)}
	if _, err := kept.Read(context.Background()); !errors.Is(err, broken) || !strings.Contains(err.Error(), "sdb") {
		t.Errorf("got %v", err)
	}
}
