// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The VMX's side of HGFS: reading and writing a file of the guest.

package relay

import (
	"context"
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/vmware/govmomi/toolbox/hgfs"
	"github.com/vmware/govmomi/toolbox/vix"
)

// chunkBytes is how much of a file one packet carries: the largest packet less its headers.
const chunkBytes = hgfs.LargePacketMax - 256

// session is a session of HGFS.
type session struct {
	guest Guest
	id    uint64
}

// ReadFile writes a file of the guest.
func (g Guest) ReadFile(ctx context.Context, path string, to io.Writer) error {
	return g.withFile(ctx, path, hgfs.OpenModeReadOnly, func(s *session, handle uint32) error { return s.read(ctx, handle, to) })
}

// WriteFile sends a file to the guest.
func (g Guest) WriteFile(ctx context.Context, path string, from io.Reader) error {
	return g.withFile(ctx, path, hgfs.OpenModeWriteOnly, func(s *session, handle uint32) error { return s.write(ctx, handle, from) })
}

// withFile opens a file of the guest, and closes it afterwards.
func (g Guest) withFile(ctx context.Context, path string, mode int32, use func(s *session, handle uint32) error) error {
	s := &session{guest: g}
	var created hgfs.ReplyCreateSessionV4
	if err := s.send(ctx, hgfs.OpCreateSessionV4, &hgfs.RequestCreateSessionV4{MaxPacketSize: hgfs.LargePacketMax}, &created); err != nil {
		return err
	}
	s.id = created.SessionID
	err := s.openAnd(ctx, path, mode, use)
	return errors.Join(err, s.send(ctx, hgfs.OpDestroySessionV4, &hgfs.RequestDestroySessionV4{}, &hgfs.ReplyDestroySessionV4{}))
}

func (s *session) openAnd(ctx context.Context, path string, mode int32, use func(s *session, handle uint32) error) error {
	request := &hgfs.RequestOpenV3{OpenMode: mode, DesiredLock: hgfs.LockNone}
	request.FileName.FromString(path)
	var opened hgfs.ReplyOpenV3
	if err := s.send(ctx, hgfs.OpOpenV3, request, &opened); err != nil {
		return err
	}
	err := use(s, opened.Handle)
	return errors.Join(err, s.send(ctx, hgfs.OpClose, &hgfs.RequestClose{Handle: opened.Handle}, &hgfs.ReplyClose{}))
}

func (s *session) write(ctx context.Context, handle uint32, from io.Reader) error {
	chunk := make([]byte, chunkBytes)
	for offset := uint64(0); ; {
		size, err := io.ReadFull(from, chunk)
		if size > 0 {
			request := &hgfs.RequestWriteV3{Handle: handle, Offset: offset, RequiredSize: uint32(size), Payload: chunk[:size]}
			if err := s.send(ctx, hgfs.OpWriteV3, request, &hgfs.ReplyWriteV3{}); err != nil {
				return err
			}
			offset += uint64(size)
		}
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		}
	}
}

func (s *session) read(ctx context.Context, handle uint32, to io.Writer) error {
	for offset := uint64(0); ; {
		var read hgfs.ReplyReadV3
		err := s.send(ctx, hgfs.OpReadV3, &hgfs.RequestReadV3{Handle: handle, Offset: offset, RequiredSize: chunkBytes}, &read)
		if err != nil {
			return err
		}
		if read.ActualSize == 0 {
			return nil
		}
		if _, err := to.Write(read.Payload); err != nil {
			return err
		}
		offset += uint64(len(read.Payload))
	}
}

// packet is a packet as a body of a command.
type packet []byte

func (p packet) MarshalBinary() ([]byte, error) {
	command := &vix.CommandHgfsSendPacket{Packet: p}
	command.Body.PacketSize = uint32(len(p))
	return command.MarshalBinary()
}

func (s *session) send(ctx context.Context, operation int32, body, reply any) error {
	content, err := hgfs.MarshalBinary(body)
	if err != nil {
		return err
	}
	request := &hgfs.Packet{Payload: content, Header: hgfs.Header{Version: hgfs.HeaderVersion, Dummy: hgfs.OpNewHeader, Op: operation,
		Flags: hgfs.PacketFlagRequest, SessionID: s.id}}
	request.HeaderSize = uint32(binary.Size(request.Header))
	encoded, err := request.MarshalBinary()
	if err != nil {
		return err
	}
	answer, err := s.guest.call(ctx, vix.HgfsSendPacketCommand, packet(encoded), vix.CommandGuestReturnsBinary)
	if err != nil {
		return err
	}
	return decodePacket(answer, reply)
}

func decodePacket(data []byte, reply any) error {
	var answer hgfs.Header
	if err := answer.UnmarshalBinary(data); err != nil {
		return err
	}
	switch answer.Status {
	case hgfs.StatusSuccess:
	case hgfs.StatusNoSuchFileOrDir:
		return fs.ErrNotExist
	default:
		return fmt.Errorf("HGFS refused the operation %d with the status %d", answer.Op, answer.Status)
	}
	if int(answer.HeaderSize) > len(data) {
		return fmt.Errorf("an answer of HGFS has %d bytes, and a header of %d", len(data), answer.HeaderSize)
	}
	if decoder, ok := reply.(encoding.BinaryUnmarshaler); ok {
		return decoder.UnmarshalBinary(data[answer.HeaderSize:])
	}
	return hgfs.UnmarshalBinary(data[answer.HeaderSize:], reply)
}
