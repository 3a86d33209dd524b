// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The message protocol of the backdoor (open-vm-tools: message.c). A payload is transferred as a whole if the hypervisor offers
// that for the message, as ESXi does, and otherwise by words. vmw-guestinfo has the same protocol, but garbles the last three
// bytes of a message that is sent by words.

package backdoor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/vmware/vmw-guestinfo/bdoor"
)

// The protocols of channels.
const (
	rpciProtocol = 0x49435052
	tcloProtocol = 0x4f4c4354
)

// The subcommands of the message protocol.
const (
	messageOpen = iota
	messageSendSize
	messageSendPayload
	messageReceiveSize
	messageReceivePayload
	messageReceiveStatus
	messageClose
)

// The bits of a status.
const (
	statusSuccess    = 0x01
	statusReceive    = 0x02 // the host has a message
	statusCheckpoint = 0x10 // the VM was moved meanwhile; the transfer begins again
	statusWhole      = 0x80 // the payload can be transferred as a whole
)

const wordBytes = 4

var (
	errNotOpen    = errors.New("the channel is not open")
	errCheckpoint = errors.New("the VM was moved during the transfer")
)

// messages is a channel. Its methods must be called on the thread that may do port I/O.
type messages struct {
	protocol uint32
	isOpen   bool
	id       uint16
	cookie   bdoor.UInt64
}

// call does one subcommand and returns the registers after it and its status.
func (m *messages) call(subcommand uint16, value uint32) (*bdoor.BackdoorProto, uint16) {
	registers := &bdoor.BackdoorProto{}
	registers.BX.AsUInt32().SetWord(value)
	registers.CX.AsUInt32().High, registers.CX.AsUInt32().Low = subcommand, bdoor.CommandMessage
	registers.DX.AsUInt32().High = m.id
	registers.SI.AsUInt32().SetWord(m.cookie.High.Word())
	registers.DI.AsUInt32().SetWord(m.cookie.Low.Word())
	after := registers.InOut()
	return after, after.CX.AsUInt32().High
}

// Start opens the channel.
func (m *messages) Start() error {
	*m = messages{protocol: m.protocol}
	after, status := m.call(messageOpen, m.protocol|bdoor.CommandFlagCookie)
	if status&statusSuccess == 0 {
		return fmt.Errorf("the hypervisor opens no channel (status %#x)", status)
	}
	m.isOpen, m.id = true, after.DX.AsUInt32().High
	m.cookie.High.SetWord(after.SI.AsUInt32().Word())
	m.cookie.Low.SetWord(after.DI.AsUInt32().Word())
	return nil
}

// Stop closes the channel.
func (m *messages) Stop() error {
	if !m.isOpen {
		return nil
	}
	_, status := m.call(messageClose, 0)
	*m = messages{protocol: m.protocol}
	if status&statusSuccess == 0 {
		return fmt.Errorf("the hypervisor does not close the channel (status %#x)", status)
	}
	return nil
}

// Send sends a message, which may be empty.
func (m *messages) Send(message []byte) error {
	for {
		if err := m.send(message); !errors.Is(err, errCheckpoint) {
			return err
		}
	}
}

func (m *messages) send(message []byte) error {
	if !m.isOpen {
		return errNotOpen
	}
	_, status := m.call(messageSendSize, uint32(len(message)))
	if err := failure(status, "the size of a message"); err != nil || len(message) == 0 {
		return err
	}
	if status&statusWhole != 0 {
		return failure(m.sendWhole(message), "a message")
	}
	for rest := message; len(rest) > 0; {
		var word [wordBytes]byte
		rest = rest[copy(word[:], rest):]
		_, status := m.call(messageSendPayload, binary.LittleEndian.Uint32(word[:]))
		if err := failure(status, "a word of a message"); err != nil {
			return err
		}
	}
	return nil
}

// whole returns the registers for the transfer of a whole payload.
func (m *messages) whole(payload []byte) *bdoor.BackdoorProto {
	registers := &bdoor.BackdoorProto{}
	registers.BX.AsUInt32().Low, registers.BX.AsUInt32().High = bdoor.CommandHighBWMessage, statusSuccess
	registers.CX.AsUInt32().SetWord(uint32(len(payload)))
	registers.DX.AsUInt32().High = m.id
	return registers
}

func (m *messages) sendWhole(payload []byte) (status uint16) {
	registers := m.whole(payload)
	registers.BP.AsUInt32().SetWord(m.cookie.High.Word())
	registers.DI.AsUInt32().SetWord(m.cookie.Low.Word())
	registers.SI.SetPointer(unsafe.Pointer(unsafe.SliceData(payload)))
	status = registers.HighBandwidthOut().BX.AsUInt32().High
	runtime.KeepAlive(payload)
	return status
}

func (m *messages) receiveWhole(payload []byte) (status uint16) {
	registers := m.whole(payload)
	registers.SI.AsUInt32().SetWord(m.cookie.High.Word())
	registers.BP.AsUInt32().SetWord(m.cookie.Low.Word())
	registers.DI.SetPointer(unsafe.Pointer(unsafe.SliceData(payload)))
	status = registers.HighBandwidthIn().BX.AsUInt32().High
	runtime.KeepAlive(payload)
	return status
}

// Receive returns the next message of the host, or nil if it has none.
func (m *messages) Receive() ([]byte, error) {
	for {
		message, err := m.receive()
		if !errors.Is(err, errCheckpoint) {
			return message, err
		}
	}
}

func (m *messages) receive() ([]byte, error) {
	if !m.isOpen {
		return nil, errNotOpen
	}
	after, status := m.call(messageReceiveSize, 0)
	if err := failure(status, "whether the host has a message"); err != nil || status&statusReceive == 0 {
		return nil, err
	}
	if kind := after.DX.AsUInt32().High; kind != messageSendSize {
		return nil, fmt.Errorf("the hypervisor answers with the subcommand %d instead of the size of its message", kind)
	}
	message := make([]byte, after.BX.AsUInt32().Word())
	err := m.receivePayload(message, status&statusWhole != 0)
	if errors.Is(err, errCheckpoint) {
		return nil, err
	}
	if err != nil {
		// The host keeps its message then. The error of the payload is the one to report.
		m.call(messageReceivePayload, 0)
		return nil, err
	}
	_, status = m.call(messageReceiveStatus, statusSuccess)
	return message, failure(status, "that a message has arrived")
}

func (m *messages) receivePayload(message []byte, whole bool) error {
	if len(message) == 0 {
		return nil
	}
	if whole {
		return failure(m.receiveWhole(message), "a message of the host")
	}
	for rest := message; len(rest) > 0; {
		after, status := m.call(messageReceivePayload, statusSuccess)
		if err := failure(status, "a word of a message of the host"); err != nil {
			return err
		}
		if kind := after.DX.AsUInt32().High; kind != messageSendPayload {
			return fmt.Errorf("the hypervisor answers with the subcommand %d instead of a word of its message", kind)
		}
		var word [wordBytes]byte
		binary.LittleEndian.PutUint32(word[:], after.BX.AsUInt32().Word())
		rest = rest[copy(rest, word[:]):]
	}
	return nil
}

// failure returns the error of a status, if it is one.
func failure(status uint16, what string) error {
	switch {
	case status&statusSuccess != 0:
		return nil
	case status&statusCheckpoint != 0:
		return errCheckpoint
	}
	return fmt.Errorf("the hypervisor does not transfer %s (status %#x)", what, status)
}
