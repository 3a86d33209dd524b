// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"sync"

	"golang.org/x/sys/unix"
)

// stopper handles every request to stop: power button, guest tools, the host's channel, Ctrl-Alt-Del.
type stopper struct {
	console *console
	// booting is canceled by a stop request, which ends the boot.
	booting context.Context
	cancel  context.CancelFunc
	// requested is closed when a stop is requested.
	requested chan struct{}

	mu     sync.Mutex
	asked  bool
	reboot bool
}

func newStopper(console *console) *stopper {
	booting, cancel := context.WithCancel(context.Background())
	return &stopper{console: console, booting: booting, cancel: cancel, requested: make(chan struct{})}
}

// request requests a stop for the given reason. Only the first request has an effect.
func (s *stopper) request(reason string, reboot bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked {
		return
	}
	s.asked, s.reboot = true, reboot
	s.console.logf("stop requested by %s", reason)
	s.cancel()
	close(s.requested)
}

// command returns the reboot command at the end: power off or restart.
func (s *stopper) command() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reboot {
		return unix.LINUX_REBOOT_CMD_RESTART
	}
	return unix.LINUX_REBOOT_CMD_POWER_OFF
}
