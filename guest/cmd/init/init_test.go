// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// slow is a console port that blocks until it is released.
type slow struct {
	gate chan struct{}
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *slow) Write(data []byte) (int, error) {
	<-s.gate
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(data)
}

func TestASlowConsoleDropsOutputInsteadOfBlocking(t *testing.T) {
	port := &slow{gate: make(chan struct{})}
	console := newConsole(port)
	for range 10 * queued {
		if size, err := console.Write([]byte("0123456789")); err != nil || size != 10 {
			t.Fatalf("wrote %d, %v", size, err)
		}
	}
	close(port.gate)
	console.drain()
	if _, err := console.Write([]byte("the end")); err != nil {
		t.Fatal(err)
	}
	console.drain()
	got := port.text.String()
	if !strings.Contains(got, "bytes are only in the log]") || !strings.HasSuffix(got, "the end") {
		t.Errorf("got %q", got[max(0, len(got)-100):])
	}
}

func TestOnlyTheFirstStopRequestIsHandledAndCancelsTheBoot(t *testing.T) {
	stop := newStopper(newConsole(&bytes.Buffer{}))
	if stop.booting.Err() != nil || stop.command() != unix.LINUX_REBOOT_CMD_POWER_OFF {
		t.Error("stopping from the beginning")
	}
	stop.request("first", true)
	stop.request("second", false)
	select {
	case <-stop.requested:
	default:
		t.Error("not reported")
	}
	if stop.booting.Err() == nil {
		t.Error("still booting")
	}
	if stop.command() != unix.LINUX_REBOOT_CMD_RESTART {
		t.Error("the second request counted")
	}
}

func TestARequestAfterTheEndReleasesTheMachine(t *testing.T) {
	stop := newStopper(newConsole(&bytes.Buffer{}))
	if stop.lingering() != lingerEnded {
		t.Error("a container that ends by itself")
	}
	stop.request("a stop", false)
	select {
	case <-stop.released:
		t.Fatal("released by the request that stops the container")
	default:
	}
	if stop.lingering() != lingerStopped {
		t.Error("a container that was stopped")
	}
	stop.containerEnded()
	stop.request("the record", false)
	stop.request("the record again", false)
	select {
	case <-stop.released:
	default:
		t.Error("not released")
	}
}

func TestAMachineThatRestartsDoesNotLinger(t *testing.T) {
	stop := newStopper(newConsole(&bytes.Buffer{}))
	stop.containerEnded()
	stop.request("a restart", true)
	if stop.lingering() != 0 {
		t.Errorf("it lingers for %v", stop.lingering())
	}
}
