// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The part of HGFS by which the VMX reads the result of a program or a page of the log, and reads or writes the archive of a
// program. Other files do not exist.

package guestops

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/vmware/govmomi/toolbox/hgfs"
	"github.com/vmware/govmomi/toolbox/vix"
)

// mostSessions and mostHandles limit what the VMX can open. It closes both; what it has lost makes room for new ones.
const (
	mostSessions = 16
	mostHandles  = 32
)

// handle is an open file.
type handle struct {
	number  uint32
	session uint64
	path    string
	archive *archive // nil: the file is a result or a page
}

// close says that the client has closed the file.
func (h handle) close() {
	if h.archive != nil {
		h.archive.leave()
	}
}

// file is a file that can be read as often as a client wants.
type file interface {
	io.ReaderAt
	size() int64
	modified() time.Time
}

// files answers packets of HGFS.
type files struct {
	programs   *programs
	lookUp     func(path string) (file, error)
	operations map[int32]func(*hgfs.Packet) (any, error)

	mu       sync.Mutex
	sessions []uint64
	handles  []handle
	last     uint32
}

func newFiles(programs *programs, lookUp func(path string) (file, error)) *files {
	f := &files{programs: programs, lookUp: lookUp}
	f.operations = map[int32]func(*hgfs.Packet) (any, error){
		hgfs.OpCreateSessionV4:  f.locked(f.createSession),
		hgfs.OpDestroySessionV4: f.locked(f.destroySession),
		hgfs.OpGetattrV2:        f.locked(f.attributes),
		hgfs.OpSetattrV2:        f.setAttributes,
		hgfs.OpOpen:             f.locked(f.open),
		hgfs.OpOpenV3:           f.locked(f.openV3),
		hgfs.OpReadV3:           f.read,
		hgfs.OpWriteV3:          f.write,
		hgfs.OpClose:            f.locked(f.close),
	}
	return f
}

// locked returns an operation that holds the lock. Those that wait for a program do not.
func (f *files) locked(operation func(*hgfs.Packet) (any, error)) func(*hgfs.Packet) (any, error) {
	return func(packet *hgfs.Packet) (any, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		return operation(packet)
	}
}

func status(code uint32, format string, arguments ...any) error {
	return &hgfs.Status{Code: code, Err: fmt.Errorf(format, arguments...)}
}

// dispatch answers a packet. The library trusts the sizes in its header, which are checked here.
func (f *files) dispatch(data []byte) ([]byte, error) {
	request := &hgfs.Packet{}
	size := binary.Size(request.Header)
	if err := request.Header.UnmarshalBinary(data); err != nil {
		return nil, refuse(vix.InvalidArg, "The packet of HGFS is invalid: %v.", err)
	}
	if request.HeaderSize < uint32(size) || request.PacketSize < request.HeaderSize || uint64(request.PacketSize) > uint64(len(data)) {
		return nil, refuse(vix.InvalidArg, "The packet of HGFS has %d bytes; its header announces %d, and %d for itself.", len(data),
			request.PacketSize, request.HeaderSize)
	}
	request.Payload = data[request.HeaderSize:request.PacketSize]
	operation, known := f.operations[request.Op]
	if !known {
		return request.Reply(nil, status(hgfs.StatusOperationNotSupported, "the operation %d is not supported", request.Op))
	}
	return request.Reply(operation(request))
}

func (f *files) createSession(packet *hgfs.Packet) (any, error) {
	if err := hgfs.UnmarshalBinary(packet.Payload, new(hgfs.RequestCreateSessionV4)); err != nil {
		return nil, err
	}
	if len(f.sessions) == mostSessions {
		f.end(f.sessions[0])
	}
	reply := &hgfs.ReplyCreateSessionV4{SessionID: rand.Uint64() >> 1, MaxPacketSize: hgfs.LargePacketMax, Flags: 1} // 1: the size is valid
	for operation := range f.operations {
		reply.Capabilities = append(reply.Capabilities, hgfs.Capability{Op: operation, Flags: 1})
	}
	reply.NumCapabilities = uint32(len(reply.Capabilities))
	f.sessions = append(f.sessions, reply.SessionID)
	return reply, nil
}

func (f *files) destroySession(packet *hgfs.Packet) (any, error) {
	if err := f.checkSession(packet); err != nil {
		return nil, err
	}
	f.end(packet.SessionID)
	return &hgfs.ReplyDestroySessionV4{}, nil
}

func (f *files) checkSession(packet *hgfs.Packet) error {
	if !slices.Contains(f.sessions, packet.SessionID) {
		return status(hgfs.StatusStaleSession, "there is no session %d", packet.SessionID)
	}
	return nil
}

// end removes a session and its handles.
func (f *files) end(session uint64) {
	f.sessions = slices.DeleteFunc(f.sessions, func(id uint64) bool { return id == session })
	f.handles = slices.DeleteFunc(f.handles, func(opened handle) bool {
		if opened.session == session {
			opened.close()
		}
		return opened.session == session
	})
}

// hgfsError returns an error as HGFS needs it.
func hgfsError(err error) error {
	var refusal *Refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal) && refusal.Code == vix.FileAccessError:
		return status(hgfs.StatusAccessDenied, "%w", err)
	}
	return status(hgfs.StatusNoSuchFileOrDir, "%w", err)
}

// find returns the archive with a path, or nil if it is another file, and the size of what can be read.
func (f *files) find(path string, isUpload bool) (*archive, int64, error) {
	if found, err := f.programs.archive(path); err == nil {
		size, err := found.access(path, isUpload)
		return found, size, hgfsError(err)
	}
	found, err := f.lookUp(path)
	if err != nil {
		return nil, 0, hgfsError(err)
	}
	if isUpload {
		return nil, 0, status(hgfs.StatusAccessDenied, "the file %q can only be read", path)
	}
	return nil, found.size(), nil
}

func (f *files) attributes(packet *hgfs.Packet) (any, error) {
	request := new(hgfs.RequestGetattrV2)
	if err := hgfs.UnmarshalBinary(packet.Payload, request); err != nil {
		return nil, err
	}
	path := request.FileName.Path()
	permissions := uint8(hgfs.PermRead)
	_, size, err := f.find(path, false)
	if err != nil {
		if _, _, uploadErr := f.find(path, true); uploadErr != nil {
			return nil, err
		}
		permissions = hgfs.PermWrite
	}
	return &hgfs.ReplyGetattrV2{Attr: hgfs.AttrV2{Mask: hgfs.AttrValidType | hgfs.AttrValidSize | hgfs.AttrValidOwnerPerms,
		Type: hgfs.FileTypeRegular, Size: uint64(size), OwnerPerms: permissions}}, nil
}

// setAttributes accepts what a client of the API sets for a file that it sends. An archive has no attributes: those of the files
// are in it.
func (f *files) setAttributes(packet *hgfs.Packet) (any, error) {
	request := new(hgfs.RequestSetattrV2)
	if err := hgfs.UnmarshalBinary(packet.Payload, request); err != nil {
		return nil, err
	}
	return &hgfs.ReplySetattrV2{}, nil
}

func (f *files) open(packet *hgfs.Packet) (any, error) {
	request := new(hgfs.RequestOpen)
	if err := hgfs.UnmarshalBinary(packet.Payload, request); err != nil {
		return nil, err
	}
	number, err := f.openPath(packet, request.FileName.Path(), request.OpenMode)
	return &hgfs.ReplyOpen{Handle: number}, err
}

func (f *files) openV3(packet *hgfs.Packet) (any, error) {
	request := new(hgfs.RequestOpenV3)
	if err := hgfs.UnmarshalBinary(packet.Payload, request); err != nil {
		return nil, err
	}
	number, err := f.openPath(packet, request.FileName.Path(), request.OpenMode)
	return &hgfs.ReplyOpenV3{Handle: number}, err
}

func (f *files) openPath(packet *hgfs.Packet, path string, mode int32) (uint32, error) {
	if err := f.checkSession(packet); err != nil {
		return 0, err
	}
	if mode != hgfs.OpenModeReadOnly && mode != hgfs.OpenModeWriteOnly {
		return 0, status(hgfs.StatusAccessDenied, "a file can be read only or written only")
	}
	found, _, err := f.find(path, mode == hgfs.OpenModeWriteOnly)
	if err != nil {
		return 0, err
	}
	if len(f.handles) == mostHandles {
		f.handles[0].close()
		f.handles = f.handles[1:]
	}
	f.last++
	f.handles = append(f.handles, handle{f.last, packet.SessionID, path, found})
	return f.last, nil
}

func (f *files) read(packet *hgfs.Packet) (any, error) {
	request := new(hgfs.RequestReadV3)
	if err := hgfs.UnmarshalBinary(packet.Payload, request); err != nil {
		return nil, err
	}
	opened, err := f.handle(packet, request.Handle)
	if err != nil {
		return nil, err
	}
	size := int(min(request.RequiredSize, hgfs.LargePacketMax))
	var content []byte
	if opened.archive != nil {
		content, err = opened.archive.readAt(request.Offset, size)
	} else {
		content, err = f.readFile(opened.path, request.Offset, size)
	}
	if err != nil {
		return nil, err
	}
	return &hgfs.ReplyReadV3{ActualSize: uint32(len(content)), Payload: content}, nil
}

func (f *files) readFile(path string, offset uint64, most int) ([]byte, error) {
	found, err := f.lookUp(path)
	if err != nil {
		return nil, hgfsError(err)
	}
	if offset > uint64(found.size()) {
		return nil, nil
	}
	content := make([]byte, most)
	size, err := found.ReadAt(content, int64(offset))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return content[:size], nil
}

func (f *files) write(packet *hgfs.Packet) (any, error) {
	request := new(hgfs.RequestWriteV3)
	if err := hgfs.UnmarshalBinary(packet.Payload, request); err != nil {
		return nil, err
	}
	opened, err := f.handle(packet, request.Handle)
	if err != nil {
		return nil, err
	}
	if opened.archive == nil || int(request.RequiredSize) > len(request.Payload) {
		return nil, status(hgfs.StatusAccessDenied, "the file %q cannot be written like this", opened.path)
	}
	content := bytes.Clone(request.Payload[:request.RequiredSize])
	if err := opened.archive.writeAt(request.Offset, content); err != nil {
		return nil, err
	}
	return &hgfs.ReplyWriteV3{ActualSize: request.RequiredSize}, nil
}

// handle returns an open file.
func (f *files) handle(packet *hgfs.Packet, number uint32) (handle, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	index := f.indexOf(packet, number)
	if index < 0 {
		return handle{}, &hgfs.Status{Code: hgfs.StatusInvalidHandle}
	}
	return f.handles[index], nil
}

func (f *files) close(packet *hgfs.Packet) (any, error) {
	request := new(hgfs.RequestClose)
	if err := hgfs.UnmarshalBinary(packet.Payload, request); err != nil {
		return nil, err
	}
	index := f.indexOf(packet, request.Handle)
	if index < 0 {
		return nil, &hgfs.Status{Code: hgfs.StatusInvalidHandle}
	}
	f.handles[index].close()
	f.handles = slices.Delete(f.handles, index, index+1)
	return &hgfs.ReplyClose{}, nil
}

func (f *files) indexOf(packet *hgfs.Packet, number uint32) int {
	return slices.IndexFunc(f.handles, func(opened handle) bool {
		return opened.number == number && opened.session == packet.SessionID
	})
}
