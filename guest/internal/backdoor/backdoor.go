// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package backdoor is VMware's backdoor: an I/O port that the hypervisor watches, with channels to the VMX and the time of the
// host.
package backdoor

import (
	"errors"
	"runtime"
	"time"

	"github.com/vmware/govmomi/toolbox"
	"github.com/vmware/vmw-guestinfo/bdoor"
	"github.com/vmware/vmw-guestinfo/vmcheck"
)

// getTimeFull is the command for the time of the host (open-vm-tools: BDOOR_CMD_GETTIMEFULL).
const getTimeFull = 46

// ErrNone means that there is no backdoor.
var ErrNone = errors.New("there is no VMware backdoor")

// Backdoor is the open port. Linux permits port I/O to single threads, and a Go program that does it on another thread is
// killed, so one locked thread does it all.
type Backdoor struct {
	calls chan func()
}

// Open gets the permission for port I/O and looks for the hypervisor behind the port. It crashes where there is no VMware
// hypervisor: platform.IsVMware must be asked first.
func Open() (*Backdoor, error) {
	b := &Backdoor{calls: make(chan func())}
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: no other goroutine may get a thread with this permission
		there, err := vmcheck.IsVirtualWorld(false)
		if err == nil && !there {
			err = ErrNone
		}
		result <- err
		if err != nil {
			return
		}
		for call := range b.calls {
			call()
		}
	}()
	if err := <-result; err != nil {
		return nil, err
	}
	return b, nil
}

func (b *Backdoor) do(call func()) {
	done := make(chan struct{})
	b.calls <- func() {
		defer close(done)
		call()
	}
	<-done
}

// RPCI returns a channel for requests of the guest.
func (b *Backdoor) RPCI() toolbox.Channel { return channel{b, &messages{protocol: rpciProtocol}} }

// TCLO returns a channel for requests of the host.
func (b *Backdoor) TCLO() toolbox.Channel { return channel{b, &messages{protocol: tcloProtocol}} }

// HostTime returns the time of the host.
func (b *Backdoor) HostTime() (now time.Time, err error) {
	b.do(func() {
		request := &bdoor.BackdoorProto{}
		request.CX.AsUInt32().SetWord(getTimeFull)
		answer := request.InOut()
		if answer.AX.AsUInt32().Word() != uint32(bdoor.BackdoorMagic) {
			err = errors.New("the hypervisor does not tell the time")
			return
		}
		seconds := uint64(answer.SI.AsUInt32().Word())<<32 | uint64(answer.DX.AsUInt32().Word())
		now = time.Unix(int64(seconds), int64(answer.BX.AsUInt32().Word())*int64(time.Microsecond))
	})
	return now, err
}

// channel does the port I/O of a channel on the thread of the backdoor.
type channel struct {
	backdoor *Backdoor
	channel  *messages
}

func (c channel) Start() (err error) {
	c.backdoor.do(func() { err = c.channel.Start() })
	return err
}

func (c channel) Stop() (err error) {
	c.backdoor.do(func() { err = c.channel.Stop() })
	return err
}

func (c channel) Send(message []byte) (err error) {
	c.backdoor.do(func() { err = c.channel.Send(message) })
	return err
}

func (c channel) Receive() (message []byte, err error) {
	c.backdoor.do(func() { message, err = c.channel.Receive() })
	return message, err
}
