// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package tools implements VMware's guest tools protocol: it reports addresses, and handles shutdown, restart, time and backup
// requests of the host. The channels are those of the VMware backdoor or of the lab's port.
package tools

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/vmware/govmomi/toolbox"

	"gantry.invalid/guest/guestops"
)

// errNoQuiescing is the answer to every request to freeze the file systems for a snapshot.
var errNoQuiescing = errors.New("this container VM offers no quiesced snapshots")

// quiesceRequests are the requests of a quiesced snapshot (open-vm-tools: vmBackup.h).
var quiesceRequests = []string{"vmbackup.start", "vmbackup.startWithOpts", "vmbackup.abort", "vmbackup.snapshotDone",
	"vmbackup.snapshotCompleted"}

// Handlers are called with the requests of the host.
type Handlers struct {
	Halt, Reboot func()
	// Announce is called when the channel is opened again, after a move or a resume: the host has forgotten what it was told.
	// The name and the status must be sent again; the library sends the addresses.
	Announce func()
	// Clock is set to the time of the host when the channel is opened, and when the host asks for it.
	Clock *Clock
	// GuestOperations answers guest operations.
	GuestOperations *guestops.Server
}

// Start starts handling requests of the host on the TCLO channel.
func Start(in toolbox.Channel, rpci *RPCI, handlers Handlers) error {
	service := toolbox.NewService(reopening{in}, &replies{rpci: rpci})
	service.Power.Halt.Handler = func() error {
		handlers.Halt()
		return nil
	}
	service.Power.Reboot.Handler = func() error {
		handlers.Reboot()
		return nil
	}
	service.Power.Resume.Handler = func() error {
		handlers.Clock.follow()
		return nil
	}
	opened := false // used by the library's only goroutine
	service.RegisterHandler("reset", func(arguments []byte) ([]byte, error) {
		again := opened
		opened = true
		go func() { // the host waits for the answer
			handlers.Clock.follow()
			if again {
				handlers.Announce()
			}
		}()
		return service.Reset(arguments)
	})
	service.RegisterHandler("Time_Synchronize", func(arguments []byte) ([]byte, error) {
		return nil, handlers.Clock.Synchronize(string(bytes.TrimRight(arguments, "\x00")) == "1")
	})
	for _, name := range quiesceRequests {
		service.RegisterHandler(name, func([]byte) ([]byte, error) { return []byte(errNoQuiescing.Error()), errNoQuiescing })
	}
	// This replaces the library's server, which gives access to all files and programs of the machine.
	service.RegisterHandler(guestops.RelayedCommand, func(arguments []byte) ([]byte, error) {
		return handlers.GuestOperations.Dispatch(arguments), nil
	})
	if err := service.Start(); err != nil {
		return fmt.Errorf("start the guest tools: %w", err)
	}
	return nil
}
