// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// One powered-on VM, from start to exit. The QEMU process that it runs in changes with each move.

package hypervisor

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// instance is filled in by Start, then read by everyone; what changes later is behind mu.
type instance struct {
	id, name string
	alive    context.Context // ends with the wish to end the VM, and by that what it waits for
	cancel   context.CancelFunc
	booted   func() // releases the start slot; may be called many times

	settled chan struct{} // closed when the start has succeeded or failed
	started bool          // which of both; read after settled is closed
	exited  chan struct{} // closed when process, taps and record are gone

	placed sync.RWMutex // held while the VM moves, and by what must not be lost in a move

	mu            sync.Mutex
	qemu          *qemu // where it runs now; nil until it is started
	ended         bool  // that process has ended: there will be no other one
	toolsSeen     bool  // the guest has sent its network: what tools running means here
	shutdownAsked bool
	killed        bool
}

// current is the process that the VM runs in.
func (i *instance) current() *qemu {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.qemu
}

// handOver makes a process that of the VM. It returns false if the VM has ended meanwhile.
func (i *instance) handOver(to *qemu) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ended {
		return false
	}
	i.qemu = to
	return true
}

// successor is the process that a VM has been handed over to; nil: the process that ended was its last.
func (i *instance) successor(of *qemu) *qemu {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.qemu != of {
		return i.qemu
	}
	i.ended = true
	return nil
}

// speech is what the guest says, through all the processes that the VM runs in, without a break between them: the
// first part of a line may come from one, and the rest from the next.
type speech struct {
	instance *instance
	from     *qemu
}

func (s *speech) Read(buffer []byte) (int, error) {
	for {
		n, err := s.from.channel.Read(buffer)
		if n > 0 || err == nil {
			return n, nil
		}
		next := s.instance.successor(s.from)
		if next == nil {
			return 0, err
		}
		close(s.from.drained)
		s.from = next
	}
}

// attend passes on the guest's messages, waits for QEMU's exit, cleans up, and reports it.
func (h *Hypervisor) attend(i *instance) {
	log := slog.With("vm", i.name, "id", i.id)
	guest := &speech{i, i.current()}
	spoken := false
	err := readGuest(guest,
		func(message guestMessage) {
			spoken = true
			h.handleGuest(i, message)
		},
		func(err error) {
			if spoken { // before, it is the firmware's console
				log.Warn("the guest sent what is no message", "error", err)
			}
		})
	if err != nil {
		log.Warn("the guest's channel broke", "error", err)
	}
	last := guest.from
	waitErr := last.process.Wait()
	i.booted()
	if err := last.cleanup.run(); err != nil {
		log.Error("a stopped machine was not cleaned up", "error", err)
	}
	reason := i.exitReason(last, waitErr)
	if strings.HasPrefix(reason, machine.OffCrashed) {
		log.Error("machine crashed", "reason", reason, "qemu", tail(last.errorLogPath()), "console", last.consolePath())
	} else {
		log.Info("machine is off", "reason", reason)
	}
	h.remove(i)
	// Before the report: a caller that waits for the exit may hold a lock that the receiver of the report needs.
	close(i.exited)
	h.events.Off(i.id, reason)
}

func (h *Hypervisor) handleGuest(i *instance, message guestMessage) {
	for key, value := range message.Set {
		if key == machine.StatusKey {
			i.booted()
		}
		h.events.Set(i.id, key, value)
	}
	if message.Guest != nil {
		i.mu.Lock()
		i.toolsSeen = true
		i.mu.Unlock()
		h.events.Guest(i.id, message.Guest.info())
	}
}

// kill powers off the VM without asking the guest, and returns when it has ended. A move in progress is aborted.
func (i *instance) kill() error {
	i.mu.Lock()
	i.killed = true
	i.mu.Unlock()
	i.cancel()
	<-i.settled
	if !i.started {
		return nil // the failed start has cleaned up
	}
	i.placed.RLock()
	defer i.placed.RUnlock()
	return i.current().quit(i.exited)
}

// pressPowerButton asks the guest to shut down: by the channel if its tools listen there, otherwise by ACPI.
func (i *instance) pressPowerButton() error {
	<-i.settled
	if !i.started {
		return fmt.Errorf("VM %s did not start", i.name)
	}
	i.placed.RLock()
	defer i.placed.RUnlock()
	i.mu.Lock()
	tools, q := i.toolsSeen, i.qemu
	i.shutdownAsked = tools
	i.mu.Unlock()
	if tools {
		return q.say(shutdownRequest)
	}
	ctx, cancel := context.WithTimeout(context.Background(), commandDeadline)
	defer cancel()
	return q.monitor.execute(ctx, "system_powerdown", nil)
}

// say sends a line to the guest on its channel.
func (q *qemu) say(line string) error {
	if err := q.channel.SetWriteDeadline(time.Now().Add(commandDeadline)); err != nil {
		return err
	}
	_, err := io.WriteString(q.channel, line)
	return err
}

// info returns the VM's process. It has none while the VM waits for its start slot.
func (i *instance) info() (machine.Info, bool) {
	select {
	case <-i.settled:
	default:
		return machine.Info{}, false
	}
	if !i.started {
		return machine.Info{}, false
	}
	q := i.current()
	cpuSeconds, err := q.cpuSeconds()
	if err != nil {
		return machine.Info{}, false // it has just ended
	}
	return machine.Info{PID: q.process.Process.Pid, CPUSeconds: cpuSeconds, Console: q.consolePath()}, true
}

// exitReason returns the reason for machine.Events.Off, with the cause of a crash.
func (i *instance) exitReason(last *qemu, waitErr error) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	last.mu.Lock()
	defer last.mu.Unlock()
	switch {
	case i.killed:
		return machine.OffKilled
	case waitErr != nil:
		return machine.OffCrashed + ": QEMU: " + waitErr.Error()
	case last.shutdown.Data.Reason == "guest-shutdown":
		return machine.OffGuest
	case last.shutdown.Data.Reason == "guest-reset":
		return machine.OffReset
	default:
		return machine.OffCrashed + fmt.Sprintf(": QEMU ended for the reason %q", last.shutdown.Data.Reason)
	}
}
