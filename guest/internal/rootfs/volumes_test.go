// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package rootfs

import (
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"gantry.invalid/guest/internal/spec"
)

// directories returns a source with files and an empty volume.
func directories(t *testing.T) (source, volume string) {
	source, volume = filepath.Join(t.TempDir(), "source"), t.TempDir()
	old := time.Unix(1_000_000_000, 0)
	for _, err := range []error{
		os.MkdirAll(filepath.Join(source, "sub"), 0o700),
		os.WriteFile(filepath.Join(source, "sub/file"), []byte("content"), 0o600),
		os.Link(filepath.Join(source, "sub/file"), filepath.Join(source, "second")),
		os.Symlink("sub/file", filepath.Join(source, "link")),
		syscall.Mkfifo(filepath.Join(source, "fifo"), 0o622),
		os.Chmod(filepath.Join(source, "fifo"), 0o622),
		syscall.Chmod(filepath.Join(source, "sub/file"), 0o4751),
		syscall.Chmod(source, 0o1770),
		os.Chtimes(filepath.Join(source, "sub"), old, old),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return source, volume
}

func TestANewVolumeGetsTheFilesOfTheImage(t *testing.T) {
	source, volume := directories(t)
	if err := fillVolume(volume, source); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(volume, dataName)
	for name, want := range map[string]os.FileMode{
		"": os.ModeDir | os.ModeSticky | 0o770, "sub": os.ModeDir | 0o700, "sub/file": os.ModeSetuid | 0o751,
		"link": os.ModeSymlink | 0o777, "fifo": os.ModeNamedPipe | 0o622,
	} {
		info, err := os.Lstat(filepath.Join(data, name))
		if err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	sub, err := os.Stat(filepath.Join(data, "sub"))
	if err != nil || sub.ModTime().Unix() != 1_000_000_000 {
		t.Errorf("times: %v, %v", sub, err)
	}
	one, _ := os.Stat(filepath.Join(data, "sub/file"))
	other, _ := os.Stat(filepath.Join(data, "second"))
	if !os.SameFile(one, other) {
		t.Error("the hard link is a copy")
	}
	if content, err := os.ReadFile(filepath.Join(data, "link")); err != nil || string(content) != "content" {
		t.Errorf("got %q, %v", content, err)
	}
}

func TestAVolumeWithDataIsNotFilledAgain(t *testing.T) {
	source, volume := directories(t)
	if err := os.Mkdir(filepath.Join(volume, dataName), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := fillVolume(volume, source); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(filepath.Join(volume, dataName)); err != nil || len(entries) != 0 {
		t.Errorf("got %v, %v", entries, err)
	}
}

func TestAnInterruptedCopyIsRepeated(t *testing.T) {
	source, volume := directories(t)
	for _, err := range []error{
		os.Mkdir(filepath.Join(volume, fillingName), 0o755),
		os.WriteFile(filepath.Join(volume, fillingName, "half"), nil, 0o600),
		fillVolume(volume, source),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(volume, dataName, "half")); !os.IsNotExist(err) {
		t.Errorf("the former copy is still there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(volume, dataName, "second")); err != nil {
		t.Error(err)
	}
}

func TestMountsAreSortedWithParentsFirst(t *testing.T) {
	wanted := &spec.Spec{
		Tmpfs:   []spec.Tmpfs{{Target: "/data/cache"}, {Target: "/a"}},
		Volumes: []spec.Volume{{Target: "/data/"}, {Target: "/a/b"}},
	}
	var targets []string
	for _, mount := range sortedMounts(wanted) {
		targets = append(targets, mount.target)
	}
	if want := []string{"/a", "/a/b", "/data", "/data/cache"}; !slices.Equal(targets, want) {
		t.Errorf("got %v", targets)
	}
}
