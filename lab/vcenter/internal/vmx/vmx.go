// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package vmx plays the VMX, ESXi's process of a VM, for the guest's tools: it answers their requests (RPCI) and sends them its
// own (TCLO). The frames are those of the guest's port.
package vmx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strconv"
	"sync"
	"time"

	"gantry.invalid/guest/port"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// longestBacklog is how many lines wait for a guest that does not read its port. The tools wait for each reply.
const longestBacklog = 64

var errBacklog = errors.New("the guest does not read its port")

// Events receives what the guest reports. It is called without locks of the VMX.
type Events struct {
	Set   func(key, value string)
	Guest func(machine.GuestInfo)
}

// The requests of the VMX.
const (
	Halt   = "OS_Halt"
	Reboot = "OS_Reboot"
	// QuiesceStart begins a quiesced snapshot.
	QuiesceStart = "vmbackup.start 1"
	// SynchronizeTime lets the guest set its clock, but not back.
	SynchronizeTime = "Time_Synchronize 0"
)

// greeting has the requests that the VMX sends when the guest has opened the TCLO channel.
var greeting = []string{"reset", "Set_Option synctime 0", "Capabilities_Register"}

// VMX is the host's side of a VM's port.
type VMX struct {
	write  func([]byte) error
	events Events
	failed func(error) // called with errors of write

	outgoing chan []byte // lines for the guest

	delivery sync.Mutex // held while what the guest reports is changed and passed on, so that reports keep their order

	mu          sync.Mutex
	values      map[string]string // guestinfo.*
	info        machine.GuestInfo
	stateChange bool              // the guest handles power operations
	servesFiles bool              // the guest answers HGFS, which guest operations need
	questions   int               // what the tools offer is asked for that many times; 0: not now
	channels    map[uint32]string // the protocols of the open channels
	tclo        uint32            // the last TCLO channel; 0: none
	outstanding *request
	queue       []*request
	heartbeat   time.Time // of the last poll or answer
}

// request is a request of the VMX.
type request struct {
	command string
	repeat  bool        // after a reset; the greeting is not
	reply   chan []byte // capacity 1
}

func newRequest(command string) *request {
	return &request{command: command, repeat: true, reply: make(chan []byte, 1)}
}

// New returns the VMX of a VM whose guestinfo.* keys have these values. write writes to the port.
func New(values map[string]string, write func([]byte) error, events Events, failed func(error)) *VMX {
	own := maps.Clone(values)
	if own == nil {
		own = map[string]string{}
	}
	return &VMX{write: write, events: events, failed: failed, outgoing: make(chan []byte, longestBacklog), values: own,
		channels: map[uint32]string{}}
}

// Fork returns the VMX of a VM whose guest is a copy of this one's, with guestinfo.* keys of its own. The guest's channels must
// be reset.
func (v *VMX) Fork(values map[string]string, write func([]byte) error, events Events, failed func(error)) *VMX {
	v.mu.Lock()
	defer v.mu.Unlock()
	forked := New(values, write, events, failed)
	forked.stateChange, forked.servesFiles = v.stateChange, v.servesFiles
	return forked
}

// Serve handles the frames of the guest until the stream ends. Invalid lines are skipped.
// What comes before the first valid line is the output of firmware.
func (v *VMX) Serve(stream io.Reader, garbled func(error)) error {
	ended := make(chan struct{})
	defer close(ended)
	go v.writeAll(ended)
	spoken := false
	return port.Read(stream,
		func(frame port.Frame) {
			spoken = true
			v.handle(frame)
		},
		func(err error) {
			if spoken {
				garbled(err)
			}
		})
}

// CanShutDown returns whether the guest handles power operations.
func (v *VMX) CanShutDown() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.stateChange
}

// Heartbeat returns when the tools were last heard of. The time is zero if they never were.
func (v *VMX) Heartbeat() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.heartbeat
}

// Ask sends a request to the guest, and does not wait for the answer. If the VM is moved before the answer, it is repeated.
func (v *VMX) Ask(command string) {
	v.enqueue(newRequest(command))
}

// Request sends a request to the guest and returns its answer.
func (v *VMX) Request(ctx context.Context, command string) (string, error) {
	r := newRequest(command)
	v.enqueue(r)
	select {
	case reply := <-r.reply:
		return string(reply), nil
	case <-ctx.Done():
		v.withdraw(r)
		return "", fmt.Errorf("the guest tools do not answer %q: %w", command, ctx.Err())
	}
}

// report changes what the guest has reported, and passes it on.
func (v *VMX) report(change func(*machine.GuestInfo)) {
	v.delivery.Lock()
	defer v.delivery.Unlock()
	v.mu.Lock()
	change(&v.info)
	info := v.info
	v.mu.Unlock()
	v.events.Guest(info)
}

// Reset closes all channels, as ESXi does at a move and at a resume. The guest then opens them again and reports everything
// again, which the VMX has forgotten; and it is asked to set its clock, which stood still.
func (v *VMX) Reset() {
	tools := v.CanShutDown()
	if tools {
		v.report(func(info *machine.GuestInfo) { *info = machine.GuestInfo{} })
	}
	v.mu.Lock()
	v.channels, v.tclo = map[uint32]string{}, 0
	v.requeue()
	if tools {
		v.queue = append(v.queue, newRequest(SynchronizeTime))
	}
	v.mu.Unlock()
	v.send(port.Frame{Kind: port.Closed, Channel: port.AllChannels})
}

// Restarted forgets a guest that has restarted, except its guestinfo.* keys.
func (v *VMX) Restarted() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.info, v.stateChange, v.heartbeat = machine.GuestInfo{}, false, time.Time{}
	v.channels, v.tclo, v.outstanding, v.queue = map[uint32]string{}, 0, nil, nil
}

// requeue puts requests that must be repeated at the head of the queue, and drops those of an earlier greeting. The caller
// holds the lock.
func (v *VMX) requeue() {
	pending := v.queue
	if v.outstanding != nil {
		pending = append([]*request{v.outstanding}, pending...)
	}
	v.outstanding, v.queue = nil, nil
	for _, r := range pending {
		if r.repeat {
			v.queue = append(v.queue, r)
		}
	}
}

func (v *VMX) enqueue(r *request) {
	v.mu.Lock()
	v.queue = append(v.queue, r)
	v.mu.Unlock()
	v.sendNext()
}

func (v *VMX) withdraw(r *request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for index, queued := range v.queue {
		if queued == r {
			v.queue = append(v.queue[:index], v.queue[index+1:]...)
			return
		}
	}
}

// sendNext sends the first request of the queue if the guest can take one.
func (v *VMX) sendNext() {
	v.mu.Lock()
	if v.tclo == 0 || v.outstanding != nil || len(v.queue) == 0 {
		v.mu.Unlock()
		return
	}
	v.outstanding, v.queue = v.queue[0], v.queue[1:]
	frame := port.Frame{Kind: port.Message, Channel: v.tclo, Payload: []byte(v.outstanding.command)}
	v.mu.Unlock()
	v.send(frame)
}

// send sends a frame without waiting for the guest. A guest that does not read its port loses it, as the tools do not.
func (v *VMX) send(frame port.Frame) {
	select {
	case v.outgoing <- frame.Encode():
	default:
		v.failed(errBacklog)
	}
}

func (v *VMX) writeAll(ended <-chan struct{}) {
	for {
		select {
		case line := <-v.outgoing:
			if err := v.write(line); err != nil {
				v.failed(err)
			}
		case <-ended:
			return
		}
	}
}

func (v *VMX) handle(frame port.Frame) {
	switch frame.Kind {
	case port.Open:
		v.open(frame.Channel, string(frame.Payload))
		return
	case port.Time:
		v.send(port.Frame{Kind: port.Time, Payload: strconv.AppendInt(nil, time.Now().UnixNano(), 10)})
		return
	}
	protocol := v.protocolOf(frame.Channel)
	switch {
	case frame.Kind == port.Closed:
		v.close(frame.Channel)
	case protocol == "": // the guest does not know yet that it was closed
		v.send(port.Frame{Kind: port.Closed, Channel: frame.Channel})
	case protocol == port.RPCI:
		v.send(port.Frame{Kind: port.Message, Channel: frame.Channel, Payload: v.answer(frame.Payload)})
	case frame.Kind == port.Message:
		v.takeReply(frame.Payload)
	}
}

func (v *VMX) open(channel uint32, protocol string) {
	if channel == port.AllChannels || protocol != port.RPCI && protocol != port.TCLO {
		v.send(port.Frame{Kind: port.Closed, Channel: channel})
		return
	}
	v.mu.Lock()
	v.channels[channel] = protocol
	if protocol == port.TCLO {
		v.tclo, v.heartbeat = channel, time.Now()
		v.requeue()
		first := []*request{}
		for _, command := range greeting {
			first = append(first, &request{command: command, reply: make(chan []byte, 1)})
		}
		v.queue = append(first, v.queue...)
	}
	v.mu.Unlock()
	v.send(port.Frame{Kind: port.Open, Channel: channel})
	v.sendNext()
}

func (v *VMX) close(channel uint32) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.channels, channel)
	if v.tclo == channel {
		v.tclo = 0
		v.requeue()
	}
}

// protocolOf returns the protocol of a channel, or nothing if it is not open.
func (v *VMX) protocolOf(channel uint32) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	protocol := v.channels[channel]
	if protocol == port.TCLO {
		v.heartbeat = time.Now()
		if v.tclo != channel {
			return "" // the guest has opened another one
		}
	}
	return protocol
}

func (v *VMX) takeReply(reply []byte) {
	v.mu.Lock()
	answered := v.outstanding
	v.outstanding = nil
	v.mu.Unlock()
	if answered != nil {
		answered.reply <- reply
	}
	v.sendNext()
}
