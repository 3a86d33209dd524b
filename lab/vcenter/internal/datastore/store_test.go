// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package datastore

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const mib = 1 << 20

func newStores(t *testing.T, capacity int64) *Stores {
	t.Helper()
	stores, err := Open(t.TempDir(), []Size{{"shared0", capacity}, {"other", capacity}})
	if err != nil {
		t.Fatal(err)
	}
	return stores
}

func at(relative string) Path { return Path{"shared0", relative} }

func do(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestPathsAreRead(t *testing.T) {
	for text, want := range map[string]Path{
		"[shared0] a/b.vmdk": at("a/b.vmdk"), "[shared0]": at(""), "[shared0]a": at("a"), "[shared 0] a": {"shared 0", "a"},
		"[shared0] /a//b/": at("a/b"), "[shared0] ../../x": at("x"),
	} {
		if got, err := ParsePath(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "a/b", "[] a", "[shared0", "shared0] a"} {
		if got, err := ParsePath(text); !errors.Is(err, ErrPath) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	if text := at("a").Join("b").String(); text != "[shared0] a/b" {
		t.Errorf("got %q", text)
	}
}

func TestNoPathLeavesItsStore(t *testing.T) {
	stores := newStores(t, mib)
	for _, relative := range []string{"../other/x", "a/../../x", "a\x00b"} {
		if _, file, err := stores.Locate(at(relative)); !errors.Is(err, ErrPath) {
			t.Errorf("%q is %s, %v", relative, file, err)
		}
	}
	if err := stores.Remove(at("")); !errors.Is(err, ErrPath) {
		t.Errorf("a whole datastore: %v", err)
	}
	if _, _, err := stores.Locate(Path{"none", "x"}); !errors.Is(err, ErrPath) {
		t.Errorf("an unknown datastore: %v", err)
	}
}

func TestSpaceIsCountedAndEnforced(t *testing.T) {
	stores := newStores(t, 10*mib)
	store := stores.Named("shared0")
	do(t, stores.Upload(at("a"), bytes.NewReader(make([]byte, 4*mib))))
	if free := store.Free(); free != 6*mib {
		t.Errorf("%d free", free)
	}
	if err := stores.Upload(at("b"), bytes.NewReader(make([]byte, 7*mib))); !errors.Is(err, ErrNoSpace) {
		t.Errorf("too large a file: %v", err)
	}
	if free := store.Free(); free != 6*mib {
		t.Errorf("%d free after a failure", free)
	}
	do(t, store.SetFree(mib))
	if err := stores.Upload(at("b"), bytes.NewReader(make([]byte, 2*mib))); !errors.Is(err, ErrNoSpace) {
		t.Errorf("beyond what was left: %v", err)
	}
	do(t, stores.Remove(at("a")))
	if free := store.Free(); free != 5*mib {
		t.Errorf("%d free after removing", free)
	}
	do(t, store.SetFree(10*mib))
	for _, free := range []int64{-1, 10*mib + 1} {
		if store.SetFree(free) == nil {
			t.Errorf("%d free was accepted", free)
		}
	}
	// A thick disk takes its size at once, a thin one nothing.
	do(t, stores.CreateDisk(at("thin.vmdk"), 8*mib, true, "u"))
	do(t, stores.CreateDisk(at("thick.vmdk"), 8*mib, false, "u"))
	if free := store.Free(); free > 2*mib || free < mib {
		t.Errorf("%d free beside a thick disk", free)
	}
	do(t, store.Rescan())
	if free := store.Free(); free > 2*mib {
		t.Errorf("%d free after counting again", free)
	}
	do(t, stores.RemoveDisk(at("thick.vmdk")), stores.RemoveDisk(at("thin.vmdk")))
	if free := store.Free(); free != 10*mib {
		t.Errorf("%d free at the end", free)
	}
}

func TestFilesAreMovedAndCopied(t *testing.T) {
	stores := newStores(t, 10*mib)
	do(t, stores.MakeFolder(at("a/b"), true), stores.WriteFile(at("a/b/x"), []byte("content")))
	if err := stores.WriteFile(at("a/b/x"), nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("twice: %v", err)
	}
	do(t, stores.CopyFile(at("a/b/x"), Path{"other", "y"}, false), stores.Move(at("a/b/x"), at("a/z"), false))
	if err := stores.CopyFile(at("a/z"), Path{"other", "y"}, false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another: %v", err)
	}
	do(t, stores.CopyFile(at("a/z"), Path{"other", "y"}, true))
	if err := stores.Move(at("a/z"), Path{"other", "z"}, false); !errors.Is(err, ErrPath) {
		t.Errorf("to another datastore: %v", err)
	}
	_, file, _ := stores.Locate(Path{"other", "y"})
	if content, err := os.ReadFile(file); err != nil || string(content) != "content" {
		t.Errorf("copied %q, %v", content, err)
	}
	// A folder that is not empty stays.
	do(t, stores.RemoveFolder(at("a")), stores.RemoveFolder(at("a/b")), stores.RemoveFolder(at("none")))
	if _, _, err := stores.Locate(at("a/z")); err != nil {
		t.Error(err)
	}
	for want, expected := range map[string]Path{"a_1": at("a"), "c": at("c")} {
		if made, err := stores.MakeUniqueFolder(expected); err != nil || made != at(want) {
			t.Errorf("made %v, %v", made, err)
		}
	}
}

func TestADisksFilesAreReadBack(t *testing.T) {
	stores := newStores(t, 100*mib)
	do(t, stores.CreateDisk(at("base.vmdk"), 64*mib, true, "id 1"), stores.CreateChild(at("top.vmdk"), at("base.vmdk"), "id 2"))
	chain, err := stores.Chain(at("top.vmdk"))
	do(t, err)
	if len(chain) != 2 || chain[0].Format != FormatQcow2 || chain[0].UUID != "id 2" || chain[0].Capacity != 64*mib ||
		chain[1].Path != at("base.vmdk") || chain[1].Format != FormatRaw || chain[1].Parent != nil || filepath.Base(chain[1].Data) != "base-flat.vmdk" {
		t.Errorf("chain %+v", chain)
	}
	for _, name := range []string{"base.vmdk", "top.vmdk"} {
		if err := stores.CreateDisk(at(name), mib, true, "u"); !errors.Is(err, fs.ErrExist) {
			t.Errorf("over %s: %v", name, err)
		}
	}
	if err := stores.GrowDisk(at("top.vmdk"), 65*mib); err == nil {
		t.Error("a child was grown")
	}
	if err := stores.CreateDisk(at("x"), mib, true, "u"); !errors.Is(err, ErrPath) {
		t.Errorf("without .vmdk: %v", err)
	}
	do(t, stores.WriteFile(at("large.vmdk"), bytes.Repeat([]byte("x"), 100_000)))
	if _, err := stores.Disk(at("large.vmdk")); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is no descriptor: %v", err)
	}
	do(t, stores.Move(at("base-flat.vmdk"), at("elsewhere"), false))
	if _, err := stores.Chain(at("top.vmdk")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("with its base's data gone: %v", err)
	}
}

func TestALoopOfDisksIsFound(t *testing.T) {
	stores := newStores(t, 100*mib)
	do(t, stores.CreateDisk(at("a.vmdk"), mib, true, "u"), stores.CreateChild(at("b.vmdk"), at("a.vmdk"), "u"))
	_, file, _ := stores.Locate(at("b.vmdk"))
	content, err := os.ReadFile(file)
	do(t, err, os.WriteFile(file, bytes.ReplaceAll(content, []byte("/a.vmdk"), []byte("/b.vmdk")), 0o600))
	if _, err := stores.Chain(at("b.vmdk")); err == nil || !strings.Contains(err.Error(), "chain of more than") {
		t.Errorf("got %v", err)
	}
}

func TestACopyKeepsHoles(t *testing.T) {
	stores := newStores(t, 100*mib)
	do(t, stores.CreateDisk(at("a.vmdk"), 1<<40, true, "u"))
	disk, err := stores.Disk(at("a.vmdk"))
	do(t, err)
	file, err := os.OpenFile(disk.Data, os.O_WRONLY, 0)
	do(t, err)
	for _, offset := range []int64{0, 1 << 30, 1<<40 - 7} {
		_, err := file.WriteAt([]byte("content"), offset)
		do(t, err)
	}
	do(t, file.Close(), stores.CopyDisk(at("a.vmdk"), at("b.vmdk"), true, "v"))
	copied, err := stores.Disk(at("b.vmdk"))
	do(t, err)
	file, err = os.Open(copied.Data)
	do(t, err)
	defer file.Close()
	for _, offset := range []int64{0, 1 << 30, 1<<40 - 7} {
		got := make([]byte, 7)
		if _, err := file.ReadAt(got, offset); err != nil || string(got) != "content" {
			t.Errorf("at %d: %q, %v", offset, got, err)
		}
	}
	info, err := file.Stat()
	do(t, err)
	if info.Size() != 1<<40 || Allocated(info) > mib {
		t.Errorf("%d bytes, of them %d real", info.Size(), Allocated(info))
	}
}

func TestDisksOfTheSameContent(t *testing.T) {
	stores := newStores(t, 100*mib)
	do(t, stores.CreateDisk(at("a.vmdk"), 3*mib/2, true, "u"), stores.CreateDisk(at("longer.vmdk"), 2*mib, true, "u"))
	disk, err := stores.Disk(at("a.vmdk"))
	do(t, err, stores.CreateDisk(at("empty.vmdk"), 3*mib/2, true, "u"))
	file, err := os.OpenFile(disk.Data, os.O_WRONLY, 0)
	do(t, err)
	_, err = file.WriteAt([]byte("content"), 3*mib/2-7)
	do(t, err, file.Close(), stores.CopyDisk(at("a.vmdk"), at("same.vmdk"), false, "v"), stores.CreateChild(at("child.vmdk"), at("a.vmdk"), "w"))
	for name, want := range map[string]bool{"same": true, "a": true, "empty": false, "longer": false, "child": false} {
		if same, err := stores.SameContent(at("a.vmdk"), at(name+".vmdk")); err != nil || same != want {
			t.Errorf("%s: %t, %v", name, same, err)
		}
	}
	if _, err := stores.SameContent(at("a.vmdk"), at("none.vmdk")); err == nil {
		t.Error("a missing disk is no error")
	}
}
