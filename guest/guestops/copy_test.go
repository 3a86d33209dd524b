// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package guestops_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/toolbox/vix"

	"gantry.invalid/guest/guestops"
)

func copyPath(pid int64) string { return fmt.Sprintf("%s/%d", guestops.CopyPath, pid) }

func archivePath(pid int64) string { return copyPath(pid) + "/archive" }

func (w *world) copy(format string, arguments ...any) int64 {
	w.t.Helper()
	return w.startProgram(guestops.CopyPath, fmt.Sprintf(format, arguments...))
}

// archiveOf returns an archive with one file.
func archiveOf(t *testing.T, name string, content []byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	archive := tar.NewWriter(&packed)
	header := &tar.Header{Name: name, Mode: 0o640, Size: int64(len(content)), Uid: os.Getuid(), Gid: os.Getgid(), Typeflag: tar.TypeReg}
	if err := archive.WriteHeader(header); err != nil {
		t.Fatal(err)
	}
	_, err := archive.Write(content)
	if err = errors.Join(err, archive.Close()); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// awaitArchive waits until an archive can be read, and returns its size.
func (w *world) awaitArchive(pid int64) int64 {
	w.t.Helper()
	for range 1000 {
		file, err := w.guest.InitiateTransfer(w.t.Context(), archivePath(pid))
		if err == nil {
			return file.Size
		}
		expectCode(w.t, err, vix.FileAccessError)
		time.Sleep(5 * time.Millisecond)
	}
	w.t.Fatalf("the archive of %d does not appear", pid)
	return 0
}

func TestCopyInAndOut(t *testing.T) {
	w := newWorld(t, 1<<20)
	content := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	sent := archiveOf(t, "file", content)
	pid := w.copy(`{"action": "unpack", "path": "/", "size": %d}`, len(sent))
	if err := w.guest.InitiateUpload(t.Context(), archivePath(pid), true); err != nil {
		t.Fatal(err)
	}
	if err := w.guest.WriteFile(t.Context(), archivePath(pid), bytes.NewReader(sent)); err != nil {
		t.Fatal(err)
	}
	if result := w.resultAt(pid, copyPath(pid)); result.RC != 0 || result.Error != nil {
		t.Fatalf("unpacked: %+v", result)
	}
	if found, err := os.ReadFile(filepath.Join(w.root, "file")); err != nil || !bytes.Equal(found, content) {
		t.Fatalf("the file has %d bytes, %v", len(found), err)
	}

	pid = w.copy(`{"action": "list", "path": "/file", "user": "nobody"}`)
	lines := strings.Split(strings.TrimSpace(string(w.resultAt(pid, copyPath(pid)).Stdout)), "\n")
	if len(lines) != 2 || lines[0] != `{"path":"/file","uid":65534,"gid":65534}` || !strings.Contains(lines[1], `"size":320000`) {
		t.Errorf("the listing is %q", lines)
	}

	pid = w.copy(`{"action": "pack", "path": "/file"}`)
	size := w.awaitArchive(pid)
	var received bytes.Buffer
	if err := w.guest.ReadFile(t.Context(), archivePath(pid), &received); err != nil || int64(received.Len()) != size {
		t.Fatalf("%d bytes instead of %d: %v", received.Len(), size, err)
	}
	archive := tar.NewReader(&received)
	header, err := archive.Next()
	if err != nil || header.Name != "file" || header.Mode != 0o640 {
		t.Fatalf("%+v, %v", header, err)
	}
	if found, err := io.ReadAll(archive); err != nil || !bytes.Equal(found, content) {
		t.Errorf("the packed file has %d bytes, %v", len(found), err)
	}
	if result := w.resultAt(pid, copyPath(pid)); result.RC != 0 || result.Error != nil {
		t.Errorf("packed: %+v", result)
	}
}

func TestBrokenUploadLeavesTheOldFile(t *testing.T) {
	w := newWorld(t, 1<<20)
	old := filepath.Join(w.root, "file")
	if err := os.WriteFile(old, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	sent := archiveOf(t, "file", bytes.Repeat([]byte("new"), 100_000))
	pid := w.copy(`{"action": "unpack", "path": "/", "size": %d}`, len(sent))
	if err := w.guest.WriteFile(t.Context(), archivePath(pid), bytes.NewReader(sent[:len(sent)/2])); err != nil {
		t.Fatal(err)
	}
	result := w.resultAt(pid, copyPath(pid))
	if result.RC != 1 || result.Error == nil || result.Error.Code != "copy_failed" {
		t.Errorf("%+v", result)
	}
	entries, err := os.ReadDir(w.root)
	if err != nil || len(entries) != 1 {
		t.Errorf("the directory has %v, %v", entries, err)
	}
	if content, err := os.ReadFile(old); err != nil || string(content) != "old" {
		t.Errorf("the file has %q, %v", content, err)
	}
}

func TestCopyFailures(t *testing.T) {
	w := newWorld(t, 1<<20)
	pid := w.copy(`{"action": "pack", "path": "/absent/file"}`)
	result := w.resultAt(pid, copyPath(pid))
	if result.RC != 1 || result.Error == nil || result.Error.Message != "/absent: no such file or directory" {
		t.Errorf("%+v", result.Error)
	}
	for _, arguments := range []string{`{"action": "shell", "path": "/"}`, `{"action": "list", "path": "x"}`, `{"path": "/"}`,
		`{"action": "unpack", "path": "/", "size": -1}`, `{"action": "list", "path": "/", "timeout": -1}`,
		`{"action": "list", "path": "/\u0000"}`, `{"action": "list", "path": "/", "command": ["sh"]}`} {
		_, err := w.guest.StartProgram(t.Context(), guestops.CopyPath, arguments, "", nil)
		expectCode(t, err, vix.InvalidArg)
	}
	// The files of a copy exist for its own pid, direction and time only.
	_, err := w.guest.InitiateTransfer(t.Context(), archivePath(pid))
	expectCode(t, err, vix.FileNotFound)
	_, err = w.guest.InitiateTransfer(t.Context(), resultPath(pid))
	expectCode(t, err, vix.FileNotFound)
	upload := w.copy(`{"action": "unpack", "path": "/", "size": 1}`)
	_, err = w.guest.InitiateTransfer(t.Context(), archivePath(upload))
	expectCode(t, err, vix.FileAccessError)
	if err := w.guest.ReadFile(t.Context(), archivePath(upload), io.Discard); err == nil {
		t.Error("an upload can be read")
	}
	if err := w.guest.Terminate(t.Context(), upload); err != nil {
		t.Fatal(err)
	}
	if ended := w.ended(upload); ended.Name != guestops.CopyPath || ended.ExitCode != 137 {
		t.Errorf("%+v", ended)
	}
	expectCode(t, w.guest.InitiateUpload(t.Context(), archivePath(upload), true), vix.FileNotFound)
	late := w.copy(`{"action": "unpack", "path": "/", "size": 1, "timeout": 0.01}`)
	if result := w.resultAt(late, copyPath(late)); !result.TimedOut || result.RC != 137 || result.Error != nil {
		t.Errorf("%+v", result)
	}
	expectCode(t, w.guest.InitiateUpload(t.Context(), copyPath(upload), true), vix.FileNotFound)
}
