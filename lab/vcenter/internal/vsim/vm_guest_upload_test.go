// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/guest/guestops"
)

// upload returns the URL to which a file is sent.
func (g *inGuests) upload(path string, size int) (string, error) {
	response, err := methods.InitiateFileTransferToGuest(g.Context(), g.client, &types.InitiateFileTransferToGuest{
		This: *g.managers.FileManager, Vm: g.vm.Reference(), Auth: g.auth, GuestFilePath: path, FileSize: int64(size), Overwrite: true,
		FileAttributes: &types.GuestPosixFileAttributes{}})
	if err != nil {
		return "", err
	}
	return response.Returnval, nil
}

// copied waits for the end of a copy and returns its result.
func (g *inGuests) copied(pid int64) string {
	g.Helper()
	g.eventually("ended", func() bool {
		list := must(g.list(pid))(g)
		return len(list) == 1 && list[0].EndTime != nil
	})
	_, text := g.get(must(g.transfer(fmt.Sprintf("%s/%d", guestops.CopyPath, pid)))(g).Url)
	return text
}

// packed returns an archive with one file, and the file's content.
func packed(t *testing.T) (archive, content []byte) {
	t.Helper()
	content = bytes.Repeat([]byte("0123456789"), 20_000)
	var buffer bytes.Buffer
	writer := tar.NewWriter(&buffer)
	header := &tar.Header{Name: "file", Mode: 0o600, Size: int64(len(content)), Uid: os.Getuid(), Gid: os.Getgid(), Typeflag: tar.TypeReg}
	if err := writer.WriteHeader(header); err != nil {
		t.Fatal(err)
	}
	must(writer.Write(content))(t)
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes(), content
}

func TestAFileIsSentToAGuestAndReadFromIt(t *testing.T) {
	g := guestOperations(t, true)
	g.powerOn()
	archive, content := packed(t)
	pid := must(g.start(guestops.CopyPath, fmt.Sprintf(`{"action": "unpack", "path": "/tmp", "size": %d}`, len(archive))))(t)
	path := fmt.Sprintf("%s/%d/archive", guestops.CopyPath, pid)
	address := must(g.upload(path, len(archive)))(t)
	if status, _ := g.get(address); status != http.StatusMethodNotAllowed {
		t.Errorf("the URL of an upload can be read: %d", status)
	}
	if status, text := g.request(http.MethodPut, address, bytes.NewReader(archive[:1024])); status != http.StatusBadRequest {
		t.Errorf("another size than announced: %d %s", status, text)
	}
	if status, text := g.request(http.MethodPut, address, bytes.NewReader(archive)); status != http.StatusOK {
		t.Fatalf("%d: %s", status, text)
	}
	if status, _ := g.request(http.MethodPut, address, bytes.NewReader(archive)); status != http.StatusNotFound {
		t.Errorf("the URL can be used again: %d", status)
	}
	if text := g.copied(pid); !strings.Contains(text, `"rc":0,`) {
		t.Errorf("unpacked: %s", text)
	}
	pid = must(g.start(guestops.CopyPath, `{"action": "pack", "path": "/tmp/file"}`))(t)
	path = fmt.Sprintf("%s/%d/archive", guestops.CopyPath, pid)
	var file types.FileTransferInformation
	g.eventually("packed", func() bool {
		var err error
		file, err = g.transfer(path)
		return err == nil
	})
	status, text := g.get(file.Url)
	if status != http.StatusOK || int64(len(text)) != file.Size || !strings.Contains(text, string(content)) {
		t.Errorf("%d, %d bytes", status, len(text))
	}
}

func TestAnUploadThatTheGuestRefusesFails(t *testing.T) {
	g := guestOperations(t, true)
	_, err := g.upload("/etc/passwd", 1)
	expectFault[*types.InvalidPowerState](g, err, "")
	g.powerOn()
	_, err = g.upload("/etc/passwd", 1)
	if fault := expectFault[*types.FileNotFound](g, err, "/gantry/copy"); fault.File != "/etc/passwd" {
		t.Errorf("the file is %q", fault.File)
	}
	content := bytes.Repeat([]byte("no archive"), 100_000)
	pid := must(g.start(guestops.CopyPath, fmt.Sprintf(`{"action": "unpack", "path": "/", "size": %d}`, len(content))))(t)
	address := must(g.upload(fmt.Sprintf("%s/%d/archive", guestops.CopyPath, pid), len(content)))(t)
	if status, text := g.request(http.MethodPut, address, bytes.NewReader(content)); status != http.StatusInternalServerError {
		t.Errorf("%d: %s", status, text)
	}
	if text := g.copied(pid); !strings.Contains(text, "invalid tar header") {
		t.Errorf("unpacked: %s", text)
	}
}

// slowly is a request whose body goes on when it is told to.
type slowly struct {
	begin []byte
	goOn  func()
	end   []byte
}

// Read implements io.Reader.
func (s *slowly) Read(into []byte) (int, error) {
	if len(s.begin) == 0 && s.goOn != nil {
		s.goOn()
		s.begin, s.goOn, s.end = s.end, nil, nil
	}
	if len(s.begin) == 0 {
		return 0, io.EOF
	}
	size := copy(into, s.begin)
	s.begin = s.begin[size:]
	return size, nil
}

func TestAnUploadIsAbortedWhenTheVMIsMoved(t *testing.T) {
	g := guestOperations(t, true)
	g.powerOn()
	archive, _ := packed(t)
	pid := must(g.start(guestops.CopyPath, fmt.Sprintf(`{"action": "unpack", "path": "/tmp", "size": %d}`, len(archive))))(t)
	address := must(g.upload(fmt.Sprintf("%s/%d/archive", guestops.CopyPath, pid), len(archive)))(t)
	move := func() {
		from := *g.read(g.vm).Runtime.Host
		for host := range g.server.nfcHosts {
			if host != from {
				spec := types.VirtualMachineRelocateSpec{Host: &host}
				g.result(g.vm.Relocate(t.Context(), spec, types.VirtualMachineMovePriorityDefaultPriority))
				return
			}
		}
	}
	body := &slowly{archive[:1024], move, archive[1024:]}
	status, text := g.request(http.MethodPut, address, body, func(r *http.Request) { r.ContentLength = int64(len(archive)) })
	if status != http.StatusInternalServerError || !strings.Contains(text, "powered off or moved") {
		t.Errorf("%d: %s", status, text)
	}
}
