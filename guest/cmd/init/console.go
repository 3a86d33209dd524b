// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"io"
	"sync"

	"golang.org/x/sys/unix"
)

// queued is the number of pieces of output that may wait for the console.
const queued = 64

// console is the last resort for diagnosis: it shows init's messages and a copy of the container's output. If the console is
// slower than the container, it drops output instead of slowing the container down. The log has all output.
type console struct {
	pieces chan []byte

	mu      sync.Mutex
	pending sync.WaitGroup
	dropped int
}

func newConsole(port io.Writer) *console {
	console := &console{pieces: make(chan []byte, queued)}
	go func() {
		for piece := range console.pieces {
			// An error of the console cannot be reported anywhere.
			_, _ = port.Write(piece)
			console.pending.Done()
		}
	}()
	return console
}

// logf writes a message of init's own, with the time since boot.
func (c *console) logf(format string, args ...any) {
	var up unix.Timespec
	// The error is ignored: every Linux has this clock.
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &up)
	message := fmt.Sprintf("gantry[%d.%02d]: "+format+"\n", append([]any{up.Sec, up.Nsec / 1e7}, args...)...)
	c.pending.Add(1)
	c.pieces <- []byte(message)
}

// Write queues a copy of the container's output if the queue is not full.
func (c *console) Write(output []byte) (int, error) {
	piece := append([]byte{}, output...)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dropped > 0 {
		piece = append(fmt.Appendf(nil, "\n[%d bytes are only in the log]\n", c.dropped), piece...)
	}
	c.pending.Add(1)
	select {
	case c.pieces <- piece:
		c.dropped = 0
	default:
		c.pending.Done()
		c.dropped += len(output)
	}
	return len(output), nil
}

// drain waits until all queued output is written.
func (c *console) drain() { c.pending.Wait() }
