// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package tree_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gantry.invalid/guest/tree"
)

// world creates a tree with a directory, a file, links and a FIFO.
func world(t *testing.T) tree.Tree {
	t.Helper()
	root := t.TempDir()
	err := errors.Join(
		os.MkdirAll(filepath.Join(root, "srv/site/empty"), 0o755),
		os.WriteFile(filepath.Join(root, "srv/site/index"), []byte("hello"), 0o644),
		os.Chmod(filepath.Join(root, "srv/site/index"), 0o640|os.ModeSetuid),
		os.Symlink("index", filepath.Join(root, "srv/site/link")),
		os.Symlink("/srv/site", filepath.Join(root, "www")),
		os.Symlink("../../../../../../../../etc", filepath.Join(root, "srv/out")),
		os.Symlink("loop", filepath.Join(root, "loop")),
		syscall.Mkfifo(filepath.Join(root, "srv/site/fifo"), 0o600),
	)
	if err != nil {
		t.Fatal(err)
	}
	return tree.Tree{Root: root}
}

func TestResolve(t *testing.T) {
	w := world(t)
	for path, expected := range map[string]string{
		"/www/index": "/srv/site/index", "/srv/./site//index": "/srv/site/index", "/www": "/srv/site", "/srv/site/new": "/srv/site/new",
		"/../..": "/", "/srv/site/..": "/srv", "/srv/site/...": "/srv/site/...", "/srv/out": "/etc",
	} {
		if found, err := w.Resolve(path, true); found != expected || err != nil {
			t.Errorf("%s leads to %s, %v", path, found, err)
		}
	}
	if found, err := w.Resolve("/www/link", false); found != "/srv/site/link" || err != nil {
		t.Errorf("a link that is not followed leads to %s, %v", found, err)
	}
	for path, expected := range map[string]error{
		"/absent/file": os.ErrNotExist, "/loop": syscall.ELOOP, "/www/index/below": syscall.ENOTDIR, "/absent/../srv": os.ErrNotExist,
		"/srv/out/passwd": os.ErrNotExist,
	} {
		if found, err := w.Resolve(path, true); !errors.Is(err, expected) {
			t.Errorf("%s leads to %s, %v", path, found, err)
		}
	}
	for _, path := range []string{"", "relative", "/nul\x00", "/\xff"} {
		if _, err := w.Resolve(path, true); err == nil {
			t.Errorf("%q is resolved", path)
		}
	}
}

func list(t *testing.T, w tree.Tree, path string, recursive bool) (entries []tree.Entry) {
	t.Helper()
	var text bytes.Buffer
	if err := w.List(path, recursive, &text); err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(&text)
	for {
		var entry tree.Entry
		if err := decoder.Decode(&entry); errors.Is(err, io.EOF) {
			return entries
		} else if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry)
	}
}

func TestList(t *testing.T) {
	w := world(t)
	var lines []string
	for _, entry := range list(t, w, "/srv/site", true) {
		lines = append(lines, entry.Path+":"+entry.Kind+":"+entry.Link)
		if entry.Path == "index" && (entry.Mode != 0o4640 || entry.Size != 5 ||
			entry.SHA256 != "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824") {
			t.Errorf("%+v", entry)
		}
	}
	if text := strings.Join(lines, " "); text != ":directory: empty:directory: fifo:other: index:file: link:symlink:index" {
		t.Errorf("the listing is %s", text)
	}
	if entries := list(t, w, "/srv", false); len(entries) != 1 || entries[0].Kind != tree.Directory {
		t.Errorf("%+v", entries)
	}
	if entries := list(t, w, "/absent", true); len(entries) != 0 {
		t.Errorf("%+v", entries)
	}
}

func TestAListingEndsWhenItIsToEnd(t *testing.T) {
	w := world(t)
	ended, checks := errors.New("it is to end"), 0
	for most := range 3 {
		w.Check = func() error {
			if checks++; checks > most {
				return ended
			}
			return nil
		}
		checks = 0
		if err := w.List("/srv/site/index", true, io.Discard); !errors.Is(err, ended) {
			t.Errorf("after %d checks: %v", most, err)
		}
	}
}

func TestPackAndUnpack(t *testing.T) {
	w := world(t)
	size, err := w.PackedSize("/srv/site")
	var packed bytes.Buffer
	if err = errors.Join(err, w.Pack("/srv/site", size, &packed)); err != nil {
		t.Fatal(err)
	}
	if int64(packed.Len()) != size {
		t.Errorf("the archive has %d bytes; %d were expected", packed.Len(), size)
	}
	if err := w.Unpack("/copy", size, bytes.NewReader(packed.Bytes())); err != nil {
		t.Fatal(err)
	}
	before, after := list(t, w, "/srv/site", true), list(t, w, "/copy", true)
	if len(after) != len(before)-1 { // without the FIFO
		t.Fatalf("%+v", after)
	}
	for index, entry := range append(before[:2:2], before[3:]...) {
		if after[index] != entry {
			t.Errorf("%+v became %+v", entry, after[index])
		}
	}
	// A file that changes meanwhile is not packed in part.
	if err := w.Pack("/srv/site", size-512, io.Discard); err == nil || !strings.Contains(err.Error(), "has changed") {
		t.Errorf("a smaller size: %v", err)
	}
	if err := w.Pack("/srv/site", size+512, io.Discard); err == nil || !strings.Contains(err.Error(), "has changed") {
		t.Errorf("a larger size: %v", err)
	}
}

// archive returns an archive of these entries.
func archive(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var packed bytes.Buffer
	writer := tar.NewWriter(&packed)
	for _, header := range headers {
		header.Uid, header.Gid = os.Getuid(), os.Getgid()
		if err := writer.WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
		if _, err := writer.Write(make([]byte, header.Size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func TestUnpackLeavesNothingWhenItFails(t *testing.T) {
	fresh := tar.Header{Name: "new/file", Typeflag: tar.TypeReg, Size: 600}
	folder := tar.Header{Name: "new", Typeflag: tar.TypeDir}
	for name, content := range map[string][]byte{
		"not in a directory": archive(t, fresh),
		"over a directory":   archive(t, folder, fresh, tar.Header{Name: "empty", Typeflag: tar.TypeReg}),
		"over a file":        archive(t, folder, fresh, tar.Header{Name: "index", Typeflag: tar.TypeDir}),
		"through a link":     archive(t, folder, fresh, tar.Header{Name: "link/file", Typeflag: tar.TypeReg}),
		"a device":           archive(t, folder, fresh, tar.Header{Name: "null", Typeflag: tar.TypeChar}),
		"a hard link":        archive(t, folder, fresh, tar.Header{Name: "hard", Typeflag: tar.TypeLink, Linkname: "index"}),
		"truncated":          archive(t, folder, fresh)[:1200],
		"no archive":         bytes.Repeat([]byte("x"), 2000),
	} {
		w := world(t)
		before := list(t, w, "/", true)
		if err := w.Unpack("/srv/site", int64(len(content)), bytes.NewReader(content)); err == nil {
			t.Errorf("%s: unpacked", name)
		}
		if after := list(t, w, "/", true); len(after) != len(before) {
			t.Errorf("%s: %+v", name, after)
		}
	}
	w := world(t)
	content := archive(t, folder, fresh)
	if err := w.Unpack("/srv/site", int64(len(content))+1, bytes.NewReader(content)); err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("another size: %v", err)
	}
	// What points outside is below the top.
	content = archive(t, tar.Header{Name: "../../index", Typeflag: tar.TypeReg})
	if err := w.Unpack("/srv/site", int64(len(content)), bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	if entry := list(t, w, "/srv/site/index", false)[0]; entry.Size != 0 {
		t.Errorf("%+v", entry)
	}
}
