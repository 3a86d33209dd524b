// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package disks

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/xfs"
)

const (
	diskBytes = 4 << 20
	wanted    = "aa"
	id        = "8d0c0000-0000-4000-8000-000000000001"
)

// fakeSysfs is a directory with a sysfs tree and device files.
type fakeSysfs struct {
	t      *testing.T
	root   string
	finder *Finder
	wake   chan struct{}
}

func newFakeSysfs(t *testing.T) *fakeSysfs {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "sys/block"), 0o755); err != nil {
		t.Fatal(err)
	}
	wake := make(chan struct{}, 1)
	finder := &Finder{Sys: filepath.Join(root, "sys"), Dev: filepath.Join(root), Wake: wake}
	return &fakeSysfs{t: t, root: root, finder: finder, wake: wake}
}

// add creates a disk at a SCSI address like 0:0:1:0, with content at the given offsets.
func (b *fakeSysfs) add(name, address string, contents map[int64][]byte) {
	b.t.Helper()
	device := filepath.Join(b.root, "sys/devices/pci", address)
	directory := filepath.Join(b.root, "sys/block", name)
	file := filepath.Join(b.root, name)
	steps := []error{
		os.MkdirAll(device, 0o755),
		os.MkdirAll(directory, 0o755),
		os.WriteFile(filepath.Join(directory, "size"), fmt.Appendf(nil, "%d\n", diskBytes/sectorBytes), 0o644),
		os.Symlink(device, filepath.Join(directory, "device")),
		os.WriteFile(file, nil, 0o644),
		os.Truncate(file, diskBytes),
	}
	disk, err := os.OpenFile(file, os.O_RDWR, 0)
	steps = append(steps, err)
	for offset, content := range contents {
		_, err := disk.WriteAt(content, offset)
		steps = append(steps, err)
	}
	if err := errors.Join(append(steps, disk.Close())...); err != nil {
		b.t.Fatal(err)
	}
}

func footer(disk string) map[int64][]byte {
	return map[int64][]byte{diskBytes - footerBytes: []byte(footerMagic + `{"disk": "` + disk + `", "digest": "sha256:1"}`)}
}

func ext4With(t *testing.T, uuid string) map[int64][]byte {
	block := make([]byte, 1024)
	binary.LittleEndian.PutUint16(block[0x38:], 0xef53)
	raw, err := hex.DecodeString(strings.ReplaceAll(uuid, "-", ""))
	if err != nil {
		t.Fatal(err)
	}
	copy(block[0x68:], raw)
	return map[int64][]byte{1024: block}
}

func assertFailure(t *testing.T, err error, code failure.Code, words ...string) {
	t.Helper()
	var failed *failure.Failure
	if !errors.As(err, &failed) || failed.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
	for _, word := range words {
		if !strings.Contains(failed.Message, word) {
			t.Errorf("%q is not in %q", word, failed.Message)
		}
	}
}

func TestListNumbersUnitsOfTheFirstController(t *testing.T) {
	b := newFakeSysfs(t)
	b.add("sda", "3:0:5:0", nil)
	b.add("sdb", "2:0:1:0", nil)
	b.add("loop0", "2:0:2:0", nil)
	found, err := b.finder.List()
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 2 || found[0].Unit != -1 || found[1].Unit != 1 || found[1].Size != diskBytes {
		t.Errorf("got %+v", found)
	}
}

func TestFindImageFindsByContentNotByOrder(t *testing.T) {
	b := newFakeSysfs(t)
	b.add("sda", "0:0:0:0", footer("bb"))
	b.add("sdb", "0:0:1:0", footer(wanted))
	disk, err := b.finder.FindImage(context.Background(), wanted)
	if err != nil || disk.Name != "sdb" {
		t.Errorf("got %+v, %v", disk, err)
	}
}

func TestFindImageWaitsForALateDisk(t *testing.T) {
	b := newFakeSysfs(t)
	go func() {
		b.add("sda", "0:0:0:0", footer(wanted))
		b.wake <- struct{}{}
	}()
	disk, err := b.finder.FindImage(context.Background(), wanted)
	if err != nil || disk.Name != "sda" {
		t.Errorf("got %+v, %v", disk, err)
	}
}

func TestFindImageFailsWhenNoMoreDisksAppear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFakeSysfs(t)
		b.finder.Wake = nil
		began := time.Now()
		_, err := b.finder.FindImage(context.Background(), wanted)
		assertFailure(t, err, failure.ImageDiskMissing, "there are no disks")
		if took := time.Since(began); took != quiet {
			t.Errorf("took %v", took)
		}
	})
}

func TestFindImageReportsTheDisksThatExist(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFakeSysfs(t)
		b.finder.Wake = nil
		b.add("sda", "0:0:0:0", footer("bb"))
		_, err := b.finder.FindImage(context.Background(), wanted)
		assertFailure(t, err, failure.ImageDiskMismatch, "sda", "bb", wanted)
	})
}

func TestFindScratchPrefersItsOwnFileSystemWhereverItIs(t *testing.T) {
	b := newFakeSysfs(t)
	b.add("sda", "0:0:1:0", nil)
	b.add("sdb", "0:0:9:0", ext4With(t, id))
	scratch, err := b.finder.FindScratch(context.Background(), id, 1)
	if err != nil || scratch.Disk.Name != "sdb" || scratch.Kind == nil {
		t.Errorf("got %+v, %v", scratch, err)
	}
}

func TestFindScratchTakesABlankDiskAtTheUnit(t *testing.T) {
	b := newFakeSysfs(t)
	b.add("sda", "0:0:0:0", nil)
	b.add("sdb", "0:0:1:0", nil)
	scratch, err := b.finder.FindScratch(context.Background(), id, 1)
	if err != nil || scratch.Disk.Name != "sdb" || scratch.Kind != nil {
		t.Errorf("got %+v, %v", scratch, err)
	}
}

func TestFindScratchTakesADiskWhoseFormattingWasInterrupted(t *testing.T) {
	b := newFakeSysfs(t)
	b.add("sda", "0:0:1:0", map[int64][]byte{0: []byte("GANTRYFORMAT1\n" + id), 8192: {1}})
	scratch, err := b.finder.FindScratch(context.Background(), id, 1)
	if err != nil || scratch.Kind != nil {
		t.Errorf("got %+v, %v", scratch, err)
	}
}

func TestFindScratchRefusesForeignDisks(t *testing.T) {
	other := "11111111-2222-4333-8444-555555555555"
	cases := map[string]struct {
		contents map[int64][]byte
		word     string
	}{
		"another file system":         {ext4With(t, other), other},
		"data":                        {map[int64][]byte{3 << 20: {1}}, "data near byte"},
		"formatting for another UUID": {map[int64][]byte{0: []byte("GANTRYFORMAT1\n" + other)}, "data near byte 0"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			b := newFakeSysfs(t)
			b.add("sda", "0:0:1:0", test.contents)
			_, err := b.finder.FindScratch(context.Background(), id, 1)
			assertFailure(t, err, failure.ScratchForeign, "sda", test.word, id)
		})
	}
}

func TestFindScratchWithoutADisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFakeSysfs(t)
		b.finder.Wake = nil
		b.add("sda", "0:0:0:0", nil)
		_, err := b.finder.FindScratch(context.Background(), id, 1)
		assertFailure(t, err, failure.ScratchMissing, "unit 1", "sda (unit 0")
	})
}

func TestFindVolumeWithoutAUnitTakesOnlyItsOwnFileSystem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFakeSysfs(t)
		b.finder.Wake = nil
		b.add("sda", "0:0:2:0", nil)
		_, err := b.finder.FindVolume(context.Background(), id, nil)
		assertFailure(t, err, failure.VolumeMissing, id, "sda (unit 2")
		b.add("sdb", "1:0:4:0", ext4With(t, id))
		volume, err := b.finder.FindVolume(context.Background(), id, nil)
		if err != nil || volume.Disk.Name != "sdb" || volume.Kind == nil {
			t.Errorf("got %+v, %v", volume, err)
		}
	})
}

func TestFindVolumeRefusesForeignDisks(t *testing.T) {
	b := newFakeSysfs(t)
	unit := 2
	b.add("sda", "0:0:2:0", map[int64][]byte{3 << 20: {1}})
	_, err := b.finder.FindVolume(context.Background(), id, &unit)
	assertFailure(t, err, failure.VolumeForeign, "sda", "the volume's file system "+id)
}

func TestFindVolumeFindsAnyFileSystem(t *testing.T) {
	b := newFakeSysfs(t)
	superblock := make([]byte, 512)
	copy(superblock, "XFSB")
	copy(superblock[108:], xfs.LabelOf(id))
	b.add("sda", "0:0:2:0", map[int64][]byte{0: superblock})
	volume, err := b.finder.FindVolume(context.Background(), id, nil)
	if err != nil || volume.Kind == nil || volume.Kind.Name != "xfs" {
		t.Errorf("got %+v, %v", volume, err)
	}
	unit := 2
	_, err = b.finder.FindVolume(context.Background(), "11111111-2222-4333-8444-555555555555", &unit)
	assertFailure(t, err, failure.VolumeForeign, "the XFS file system "+xfs.LabelOf(id))
}

func TestFindVolumeTakesACopyAtItsUnitOnly(t *testing.T) {
	const origin = "11111111-2222-4333-8444-555555555555"
	synctest.Test(t, func(t *testing.T) {
		b := newFakeSysfs(t)
		b.finder.Wake = nil
		unit := 3
		b.add("sda", "0:0:2:0", ext4With(t, origin))
		_, err := b.finder.FindVolume(context.Background(), id, &unit, origin)
		assertFailure(t, err, failure.VolumeMissing, id, "none at unit 3")
		b.add("sdb", "0:0:3:0", ext4With(t, origin))
		copied, err := b.finder.FindVolume(context.Background(), id, &unit, "99999999-2222-4333-8444-555555555555", origin)
		if err != nil || copied.Disk.Name != "sdb" || copied.Kind == nil || !copied.Copied {
			t.Errorf("got %+v, %v", copied, err)
		}
		_, err = b.finder.FindVolume(context.Background(), id, &unit)
		assertFailure(t, err, failure.VolumeForeign, "sdb", origin)
		b.add("sdc", "0:0:9:0", ext4With(t, id))
		own, err := b.finder.FindVolume(context.Background(), id, &unit, origin)
		if err != nil || own.Disk.Name != "sdc" || own.Copied {
			t.Errorf("got %+v, %v", own, err)
		}
	})
}

func TestFindVolumeFormatsACopyOfADiskWhoseFormattingWasInterrupted(t *testing.T) {
	const origin = "11111111-2222-4333-8444-555555555555"
	b := newFakeSysfs(t)
	unit := 2
	b.add("sda", "0:0:2:0", map[int64][]byte{0: []byte("GANTRYFORMAT1\n" + origin), 8192: {1}})
	volume, err := b.finder.FindVolume(context.Background(), id, &unit, origin)
	if err != nil || volume.Kind != nil {
		t.Errorf("got %+v, %v", volume, err)
	}
}

func TestFindVolumeDoesNotChooseBetweenCopies(t *testing.T) {
	b := newFakeSysfs(t)
	unit := 2
	b.add("sda", "0:0:2:0", ext4With(t, id))
	b.add("sdb", "0:0:3:0", ext4With(t, id))
	_, err := b.finder.FindVolume(context.Background(), id, &unit)
	assertFailure(t, err, failure.VolumeForeign, "sda, sdb all hold the volume's file system "+id)
}

func TestIsBlankLooksAtBothEndsAndBetween(t *testing.T) {
	const size = 64 << 20
	for name, test := range map[string]struct {
		at    int64
		blank bool
	}{
		"first byte":          {0, false},
		"end of the begin":    {blankBegin - 1, false},
		"last byte":           {size - 1, false},
		"begin of the end":    {size - blankEnd, false},
		"in a sample":         {size/blankSamples*5 + 100, false},
		"between the samples": {size/blankSamples*5 + blankSample + 100, true},
	} {
		t.Run(name, func(t *testing.T) {
			content := make([]byte, size)
			content[test.at] = 1
			_, blank, err := IsBlank(bytes.NewReader(content), size)
			if err != nil || blank != test.blank {
				t.Errorf("blank is %v, %v", blank, err)
			}
		})
	}
}

func TestIsBlankOfAnOddSize(t *testing.T) {
	for _, size := range []int64{1, 4095, blankBegin, blankBegin + 1, 3*blankBegin - 512} {
		_, blank, err := IsBlank(bytes.NewReader(make([]byte, size)), size)
		if err != nil || !blank {
			t.Errorf("%d bytes: blank is %v, %v", size, blank, err)
		}
	}
}

func TestReadFooterOfOtherContent(t *testing.T) {
	for name, content := range map[string][]byte{
		"too small": make([]byte, 100), "zeros": make([]byte, 8192),
	} {
		if _, err := ReadFooter(bytes.NewReader(content), int64(len(content))); !errors.Is(err, errNoFooter) {
			t.Errorf("%s: %v", name, err)
		}
	}
	damaged := append(make([]byte, 4096), []byte(footerMagic+"{")...)
	damaged = append(damaged, make([]byte, 8192-len(damaged))...)
	if _, err := ReadFooter(bytes.NewReader(damaged), 8192); err == nil || errors.Is(err, errNoFooter) {
		t.Errorf("damaged: %v", err)
	}
}
