// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The part of HGFS by which the VMX reads the results of programs and pages of the log. Other files do not exist, and nothing can
// be written.

package guestops

import (
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
}

// file is a file that can be read.
type file interface {
	io.ReaderAt
	size() int64
	modified() time.Time
}

// files answers packets of HGFS.
type files struct {
	lookUp     func(path string) (file, error)
	operations map[int32]func(*hgfs.Packet) (any, error)

	mu       sync.Mutex
	sessions []uint64
	handles  []handle
	last     uint32
}

func newFiles(lookUp func(path string) (file, error)) *files {
	f := &files{lookUp: lookUp}
	f.operations = map[int32]func(*hgfs.Packet) (any, error){
		hgfs.OpCreateSessionV4:  f.createSession,
		hgfs.OpDestroySessionV4: f.destroySession,
		hgfs.OpGetattrV2:        f.attributes,
		hgfs.OpOpen:             f.open,
		hgfs.OpOpenV3:           f.openV3,
		hgfs.OpReadV3:           f.read,
		hgfs.OpClose:            f.close,
	}
	return f
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
	f.mu.Lock()
	defer f.mu.Unlock()
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
	f.handles = slices.DeleteFunc(f.handles, func(opened handle) bool { return opened.session == session })
}

// find returns the file with a path, as HGFS needs it.
func (f *files) find(path string) (file, error) {
	found, err := f.lookUp(path)
	var refusal *Refusal
	if errors.As(err, &refusal) && refusal.Code == vix.FileAccessError {
		return nil, status(hgfs.StatusAccessDenied, "%w", err)
	}
	if err != nil {
		return nil, status(hgfs.StatusNoSuchFileOrDir, "%w", err)
	}
	return found, nil
}

func (f *files) attributes(packet *hgfs.Packet) (any, error) {
	request := new(hgfs.RequestGetattrV2)
	if err := hgfs.UnmarshalBinary(packet.Payload, request); err != nil {
		return nil, err
	}
	found, err := f.find(request.FileName.Path())
	if err != nil {
		return nil, err
	}
	return &hgfs.ReplyGetattrV2{Attr: hgfs.AttrV2{Mask: hgfs.AttrValidType | hgfs.AttrValidSize | hgfs.AttrValidOwnerPerms,
		Type: hgfs.FileTypeRegular, Size: uint64(found.size()), OwnerPerms: hgfs.PermRead}}, nil
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
	if mode != hgfs.OpenModeReadOnly {
		return 0, status(hgfs.StatusAccessDenied, "files can only be read")
	}
	if _, err := f.find(path); err != nil {
		return 0, err
	}
	if len(f.handles) == mostHandles {
		f.handles = f.handles[1:]
	}
	f.last++
	f.handles = append(f.handles, handle{f.last, packet.SessionID, path})
	return f.last, nil
}

func (f *files) read(packet *hgfs.Packet) (any, error) {
	request := new(hgfs.RequestReadV3)
	if err := hgfs.UnmarshalBinary(packet.Payload, request); err != nil {
		return nil, err
	}
	index := f.indexOf(packet, request.Handle)
	if index < 0 {
		return nil, &hgfs.Status{Code: hgfs.StatusInvalidHandle}
	}
	found, err := f.find(f.handles[index].path)
	if err != nil {
		return nil, err
	}
	if request.Offset > uint64(found.size()) {
		return &hgfs.ReplyReadV3{}, nil
	}
	content := make([]byte, min(request.RequiredSize, hgfs.LargePacketMax))
	size, err := found.ReadAt(content, int64(request.Offset))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return &hgfs.ReplyReadV3{ActualSize: uint32(size), Payload: content[:size]}, nil
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
	f.handles = slices.Delete(f.handles, index, index+1)
	return &hgfs.ReplyClose{}, nil
}

func (f *files) indexOf(packet *hgfs.Packet, number uint32) int {
	return slices.IndexFunc(f.handles, func(opened handle) bool {
		return opened.number == number && opened.session == packet.SessionID
	})
}
