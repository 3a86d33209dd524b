// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package uevent listens to the kernel's device events, so that no code has to poll for devices.
package uevent

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	kernelGroup = 1
	maxMessage  = 16 << 10
)

// Event is a device event.
type Event struct {
	Action    string
	Subsystem string
	Modalias  string
}

// Hub reads events from the kernel's socket and wakes the subscribers of their subsystems.
type Hub struct {
	socket int

	mu          sync.Mutex
	subscribers map[string][]chan struct{}
}

// Listen opens the socket. Events are queued from then on.
func Listen() (*Hub, error) {
	socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, fmt.Errorf("uevent socket: %w", err)
	}
	if err := unix.Bind(socket, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: kernelGroup}); err != nil {
		_ = unix.Close(socket)
		return nil, fmt.Errorf("bind uevent socket: %w", err)
	}
	return &Hub{socket: socket, subscribers: map[string][]chan struct{}{}}, nil
}

// Subscribe returns a channel that receives a value after a device of the subsystem has appeared or changed. Callers must
// check for devices before they wait: several events may cause one wake-up.
func (h *Hub) Subscribe(subsystem string) <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	wake := make(chan struct{}, 1)
	h.subscribers[subsystem] = append(h.subscribers[subsystem], wake)
	return wake
}

// Run calls handle with each event, then wakes the subscribers. It returns when the socket fails.
func (h *Hub) Run(handle func(Event)) error {
	buffer := make([]byte, maxMessage)
	for {
		size, _, err := unix.Recvfrom(h.socket, buffer, 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ENOBUFS):
			// Events were lost: wake all subscribers.
			h.wakeAll()
			continue
		case err != nil:
			return fmt.Errorf("read uevents: %w", err)
		}
		event := parse(buffer[:size])
		handle(event)
		if event.Action == "add" || event.Action == "change" {
			h.wake(event.Subsystem)
		}
	}
}

func (h *Hub) wake(subsystem string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, wake := range h.subscribers[subsystem] {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}

func (h *Hub) wakeAll() {
	h.mu.Lock()
	subsystems := make([]string, 0, len(h.subscribers))
	for subsystem := range h.subscribers {
		subsystems = append(subsystems, subsystem)
	}
	h.mu.Unlock()
	for _, subsystem := range subsystems {
		h.wake(subsystem)
	}
}

func parse(message []byte) Event {
	var event Event
	for field := range bytes.SplitSeq(message, []byte{0}) {
		name, value, _ := strings.Cut(string(field), "=")
		switch name {
		case "ACTION":
			event.Action = value
		case "SUBSYSTEM":
			event.Subsystem = value
		case "MODALIAS":
			event.Modalias = value
		}
	}
	return event
}
