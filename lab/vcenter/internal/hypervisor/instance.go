// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// A powered-on VM, from start to exit. Each migration moves it to another QEMU process.

package hypervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"gantry.invalid/lab/vcenter/internal/machine"
	"gantry.invalid/lab/vcenter/internal/vmx"
)

// instance is a powered-on VM. Start sets its fields; fields that change later are guarded by mu.
type instance struct {
	id, name string
	alive    context.Context // canceled when the VM is to be ended, which aborts a start or a migration
	cancel   context.CancelFunc
	booted   func() // releases the start slot; may be called many times

	settled chan struct{} // closed when the start has succeeded or failed
	started bool          // the start has succeeded; valid after settled is closed
	exited  chan struct{} // closed when process, taps and process record are removed

	vmx         *vmx.VMX     // the host's side of the guest's port
	restart     atomic.Int32 // noRestart and so on
	restarts    atomic.Int32 // how often the guest has restarted
	restartLock sync.Mutex   // held while a process is told what a reset does
	moveLock    sync.RWMutex // locked during a migration; read-locked by operations that need the current process

	mu        sync.Mutex
	qemu      *qemu // the current process; nil until it is started
	ended     bool  // the last process has ended
	killed    bool
	suspended *suspension // nil: the VM runs
}

// The values of instance.restart.
const (
	noRestart        = iota
	restartRequested // the guest has been asked to restart
	restartBegun     // it was reset, and its tools do not run yet
)

// current returns the process that the VM runs in.
func (i *instance) current() *qemu {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.qemu
}

// handOver sets the process that the VM runs in. It returns false if the VM has ended meanwhile.
func (i *instance) handOver(to *qemu) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ended {
		return false
	}
	i.qemu = to
	return true
}

// successor returns the process that the VM has been handed over to after another, or nil if that was the last one. It waits
// while the VM is suspended.
func (i *instance) successor(of *qemu) *qemu {
	if suspended := i.suspension(); suspended != nil {
		of.finish()
		<-suspended.ended
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.qemu != of {
		return i.qemu
	}
	i.ended = true
	return nil
}

// guestOutput reads the output of the guest from all processes of the VM as one stream: a line may begin in one process and
// end in the next.
type guestOutput struct {
	instance *instance
	from     *qemu
}

func (o *guestOutput) Read(buffer []byte) (int, error) {
	for {
		n, err := o.from.channel.Read(buffer)
		if n > 0 || err == nil {
			return n, nil
		}
		next := o.instance.successor(o.from)
		if next == nil {
			if errors.Is(err, unix.ECONNRESET) {
				err = io.EOF // QEMU ended before it had given the guest all that was sent to it
			}
			return 0, err
		}
		o.from.finish()
		o.from = next
	}
}

// supervise passes on the guest's messages, waits for QEMU's exit, cleans up, and reports the exit.
func (h *Hypervisor) supervise(i *instance) {
	log := slog.With("vm", i.name, "id", i.id)
	guest := &guestOutput{i, i.current()}
	err := i.vmx.Serve(guest, func(err error) { log.Warn("the guest sent an invalid message", "error", err) })
	if err != nil {
		log.Warn("the guest's port failed", "error", err)
	}
	last := guest.from
	i.booted()
	var waitErr error
	if i.suspension() == nil { // the process of a suspended VM has ended before
		waitErr = last.process.Wait()
		if err := last.cleanup.run(); err != nil {
			log.Error("the clean-up of a stopped VM failed", "error", err)
		}
	}
	reason := i.exitReason(last, waitErr)
	if strings.HasPrefix(reason, machine.OffCrashed) {
		log.Error("VM crashed", "reason", reason, "qemu", tail(last.errorLogPath()), "console", tail(last.consolePath()))
	} else {
		log.Info("VM is off", "reason", reason)
	}
	h.remove(i)
	// This is closed before the exit is reported: a caller that waits for it may hold a lock that the receiver of the report
	// needs.
	close(i.exited)
	h.events.Off(i.id, reason)
}

// guestEvents passes on what the guest reports.
func (h *Hypervisor) guestEvents(i *instance) vmx.Events {
	return vmx.Events{
		Set: func(key, value string) {
			if key == machine.StatusKey {
				i.booted()
			}
			h.events.Set(i.id, key, value)
		},
		Guest: func(info machine.GuestInfo) {
			i.endRestart()
			h.events.Guest(i.id, info)
		},
	}
}

// write writes to the guest's port, in whatever process the VM runs. What is written to a process that the VM is leaving is
// lost; the port is reset then.
func (i *instance) write(line []byte) error {
	channel := i.current().channel
	if err := channel.SetWriteDeadline(time.Now().Add(commandDeadline)); err != nil {
		return err
	}
	_, err := channel.Write(line)
	return err
}

func (i *instance) writeFailed(err error) {
	slog.Debug("a message to a guest was lost", "vm", i.name, "id", i.id, "error", err)
}

// awaitStart returns when the VM has started, or an error if it could not.
func (i *instance) awaitStart() error {
	<-i.settled
	if !i.started {
		return fmt.Errorf("VM %s did not start", i.name)
	}
	return nil
}

// kill powers off the VM without a shutdown of the guest, and returns when it has ended. It aborts a migration in progress.
func (i *instance) kill() error {
	i.mu.Lock()
	i.killed = true
	i.mu.Unlock()
	i.cancel()
	<-i.settled
	if !i.started {
		return nil // the failed start has cleaned up
	}
	i.moveLock.RLock()
	defer i.moveLock.RUnlock()
	if suspended := i.suspension(); suspended != nil {
		return i.discard(suspended)
	}
	return i.current().quit(i.exited)
}

// pressPowerButton asks the guest to shut down: by its tools if they run, otherwise by ACPI.
func (i *instance) pressPowerButton() error {
	if err := i.awaitStart(); err != nil {
		return err
	}
	if i.vmx.CanShutDown() {
		i.vmx.Ask(vmx.Halt)
		return nil
	}
	i.moveLock.RLock()
	defer i.moveLock.RUnlock()
	ctx, cancel := context.WithTimeout(context.Background(), commandDeadline)
	defer cancel()
	return i.current().monitor.execute(ctx, "system_powerdown", nil)
}

// restartGuest asks the tools of the guest to restart it. The process continues then, whereas it ends if a guest resets itself
// without being asked.
func (i *instance) restartGuest() error {
	if err := i.awaitStart(); err != nil {
		return err
	}
	if !i.vmx.CanShutDown() {
		return fmt.Errorf("the guest tools of VM %s do not run", i.name)
	}
	i.moveLock.RLock()
	defer i.moveLock.RUnlock()
	i.restartLock.Lock()
	err := i.current().atReset(resetContinues)
	if err == nil {
		i.restart.Store(restartRequested)
	}
	i.restartLock.Unlock()
	if err != nil {
		return err
	}
	i.vmx.Ask(vmx.Reboot)
	return nil
}

// keepRestart prepares another process of the VM for a restart that has been requested and has not happened yet.
func (i *instance) keepRestart(q *qemu) error {
	if i.restart.Load() == noRestart {
		return nil
	}
	return q.atReset(resetContinues)
}

// processOf returns a process in which the VM will run.
func (h *Hypervisor) processOf(i *instance, q *qemu) *qemu {
	q.reset = func() { h.wasReset(i) }
	return q
}

// firmwareResets is how long after the reset of a guest the firmware may reset the machine again, as SeaBIOS does several times.
const firmwareResets = 10 * time.Second

// wasReset is called when the guest has been reset in a process. The first reset is that of the guest which was asked to restart.
// The caller receives the answers of the monitor.
func (h *Hypervisor) wasReset(i *instance) {
	if !i.restart.CompareAndSwap(restartRequested, restartBegun) {
		return
	}
	i.vmx.Restarted()
	begun := i.restarts.Add(1)
	time.AfterFunc(firmwareResets, func() {
		if i.restarts.Load() == begun {
			i.endRestart()
		}
	})
	go h.events.Restarted(i.id)
}

// endRestart has the next reset end the process again: its tools run, or the firmware has had its time.
func (i *instance) endRestart() {
	if i.restart.Load() != restartBegun {
		return
	}
	i.restartLock.Lock()
	defer i.restartLock.Unlock()
	if !i.restart.CompareAndSwap(restartBegun, noRestart) {
		return
	}
	if err := i.current().atReset(resetEnds); err != nil && !errors.Is(err, errMonitorClosed) {
		slog.Error("a later reset of the guest may remain unnoticed", "vm", i.name, "id", i.id, "error", err)
	}
}

// quiesce asks the guest to freeze its file systems for a snapshot.
func (i *instance) quiesce() error {
	if err := i.awaitStart(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(i.alive, quiesceDeadline)
	defer cancel()
	answer, err := i.vmx.Request(ctx, vmx.QuiesceStart)
	if err != nil {
		return err
	}
	if refusal, refused := strings.CutPrefix(answer, "ERR "); refused {
		return errors.New(refusal)
	}
	// The lab takes no snapshots of running VMs, so it would not thaw the guest.
	return fmt.Errorf("the guest tools answer %q, which the lab does not support", answer)
}

// hasProcess returns whether the VM has started. It has no process while it waits for its start slot.
func (i *instance) hasProcess() bool {
	select {
	case <-i.settled:
		return i.started
	default:
		return false
	}
}

// info returns the VM's process.
func (i *instance) info() (machine.Info, bool) {
	if !i.hasProcess() {
		return machine.Info{}, false
	}
	if i.suspension() != nil {
		return machine.Info{}, false
	}
	q := i.current()
	cpuSeconds, err := q.cpuSeconds()
	if err != nil {
		return machine.Info{}, false // it has just ended
	}
	resident, err := residentBytes(q.process.Process.Pid)
	if err != nil {
		return machine.Info{}, false
	}
	return machine.Info{PID: q.process.Process.Pid, CPUSeconds: cpuSeconds, ResidentBytes: resident, Console: q.consolePath(),
		Heartbeat: i.vmx.Heartbeat()}, true
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
