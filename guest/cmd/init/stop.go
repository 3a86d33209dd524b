// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"sync"
	"time"

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
	// released is closed by a request after the container has ended.
	released chan struct{}

	mu         sync.Mutex
	asked      bool
	reboot     bool
	ended      bool
	isReleased bool
}

func newStopper(console *console) *stopper {
	booting, cancel := context.WithCancel(context.Background())
	return &stopper{console: console, booting: booting, cancel: cancel, requested: make(chan struct{}),
		released: make(chan struct{})}
}

// request requests a stop for the given reason. Only the first request has an effect on the container. After the container has
// ended, a request releases the machine.
func (s *stopper) request(reason string, reboot bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended && !s.isReleased {
		s.isReleased = true
		close(s.released)
	}
	if s.asked {
		return
	}
	s.asked, s.reboot = true, reboot
	s.console.logf("stop requested by %s", reason)
	s.cancel()
	close(s.requested)
}

// containerEnded records that the container has ended, before its end is published.
func (s *stopper) containerEnded() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
}

// lingering returns how long the machine stays on after its last report.
func (s *stopper) lingering() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.reboot:
		return 0
	case s.asked:
		return lingerStopped
	}
	return lingerEnded
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
