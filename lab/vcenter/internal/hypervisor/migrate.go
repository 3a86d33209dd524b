// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// A VM's move from one QEMU process to another. Under KVM the guest continues while its memory is copied; under TCG it
// is stopped first, since copying the memory of a running guest would corrupt it there.

package hypervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"gantry.invalid/lab/vcenter/internal/machine"
)

const (
	moveDeadline = 2 * time.Minute
	// What QEMU has to itself: the processes are neighbors, so that only the copying costs time.
	moveBandwidth = 4 << 30
	// The limit of a live move; on a busy host, a shorter pause would never be reached.
	downtimeMilliseconds = 300
	// The name by which both processes know the connection between them.
	moveSocket = "move"
)

// Migrate moves a running VM; see machine.Hypervisor.
func (h *Hypervisor) Migrate(id string, to machine.Spec, copyFiles func() error) (machine.Move, error) {
	i, err := h.find(id)
	if err != nil {
		return machine.Move{}, err
	}
	return h.move(i, to, h.moveMode(copyFiles), copyFiles)
}

func (h *Hypervisor) move(i *instance, to machine.Spec, mode string, copyFiles func() error) (machine.Move, error) {
	<-i.settled
	if !i.started {
		return machine.Move{}, fmt.Errorf("VM %s did not start", i.name)
	}
	i.placed.Lock()
	defer i.placed.Unlock()
	source := i.current()
	move := journey{hypervisor: h, source: source, mode: mode, copyFiles: copyFiles,
		destination: &qemu{spec: asRunning(to, source.spec), directory: source.directory, number: source.number + 1,
			addresses: source.addresses}}
	ctx, cancel := context.WithTimeout(i.alive, moveDeadline)
	defer cancel()
	if err := move.run(ctx); err != nil {
		return machine.Move{}, errors.Join(err, move.giveUp())
	}
	// The CPU time of a process that has just ended is not known, and not needed.
	move.destination.spent, _ = source.cpuSeconds()
	if !i.handOver(move.destination) {
		return machine.Move{}, errors.Join(fmt.Errorf("VM %s ended during its move", i.name), move.destination.abandon())
	}
	// The guest runs: errors from here on are not failures of the move.
	if err := errors.Join(move.announce(ctx), source.retire(), i.repeatShutdown(move.destination)); err != nil {
		slog.Error("a VM has moved, but not everything was done for it", "vm", i.name, "id", i.id, "error", err)
	}
	return machine.Move{Mode: move.mode, Pause: move.pause}, nil
}

// asRunning keeps what a guest was given at power-on, since it cannot change while the VM runs. The ISO is also that of a
// drive that has been disconnected; an adapter's state has the address that the adapter was made with.
func asRunning(to, running machine.Spec) machine.Spec {
	to.CPUs, to.MemoryMB, to.Firmware, to.GuestInfo, to.ISO = running.CPUs, running.MemoryMB, running.Firmware, running.GuestInfo, running.ISO
	to.NICs = slices.Clone(to.NICs)
	for index := range min(len(to.NICs), len(running.NICs)) {
		to.NICs[index].MAC = running.NICs[index].MAC
	}
	return to
}

// moveMode returns how the guest moves. If files are copied, it must be stopped, even where its memory could be copied live.
func (h *Hypervisor) moveMode(copyFiles func() error) string {
	if h.accelerator == acceleratorKVM && copyFiles == nil {
		return machine.MoveLive
	}
	return machine.MoveStopCopy
}

// journey is a move in progress.
type journey struct {
	hypervisor          *Hypervisor
	source, destination *qemu
	mode                string
	copyFiles           func() error
	launched            bool // the destination is there
	stopped             time.Time
	pause               time.Duration
}

// run returns when the guest runs at its destination.
func (j *journey) run(ctx context.Context) error {
	if j.copyFiles != nil {
		// The destination opens its files when it starts: they must be what they are to be.
		if err := j.stop(ctx); err != nil {
			return err
		}
		if err := j.copyFiles(); err != nil {
			return err
		}
	}
	if err := j.hypervisor.launch(j.destination); err != nil {
		return err
	}
	j.launched = true
	if err := j.connect(ctx); err != nil {
		return err
	}
	if j.mode == machine.MoveLive {
		return j.runLive(ctx)
	}
	if err := j.stop(ctx); err != nil {
		return err
	}
	if err := j.copyState(ctx); err != nil {
		return err
	}
	if err := j.destination.monitor.execute(ctx, "cont", nil); err != nil {
		return err
	}
	j.pause = time.Since(j.stopped)
	return nil
}

// stop stops the guest. QEMU flushes its disk caches.
func (j *journey) stop(ctx context.Context) error {
	if !j.stopped.IsZero() {
		return nil
	}
	j.stopped = time.Now()
	return j.source.monitor.execute(ctx, "stop", nil)
}

// runLive has QEMU stop the guest, and continue it at the destination.
func (j *journey) runLive(ctx context.Context) error {
	if err := j.copyState(ctx); err != nil {
		return err
	}
	var result struct {
		Downtime int64 `json:"downtime"` // milliseconds
	}
	if err := j.source.monitor.query(ctx, "query-migrate", &result); err != nil {
		slog.Warn("how long a guest stood still is not known", "vm", j.source.spec.Name, "error", err)
	}
	j.pause = time.Duration(result.Downtime) * time.Millisecond
	return nil
}

// connect joins the two processes by a pair of sockets: a path may be too long to be a socket's.
func (j *journey) connect(ctx context.Context) error {
	descriptors, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket pair: %w", err)
	}
	for number, q := range []*qemu{j.destination, j.source} {
		end := os.NewFile(uintptr(descriptors[number]), moveSocket)
		defer end.Close()
		if err := q.prepareMigration(ctx, end); err != nil {
			return err
		}
	}
	if err := j.source.monitor.execute(ctx, "migrate-set-parameters", map[string]any{
		"max-bandwidth": moveBandwidth, "downtime-limit": downtimeMilliseconds}); err != nil {
		return err
	}
	return j.destination.monitor.execute(ctx, "migrate-incoming", map[string]any{"uri": "fd:" + moveSocket})
}

func (j *journey) copyState(ctx context.Context) error {
	if err := j.source.monitor.execute(ctx, "migrate", map[string]any{"uri": "fd:" + moveSocket}); err != nil {
		return err
	}
	if err := j.source.awaitMigration(ctx); err != nil {
		return fmt.Errorf("sending the machine's state: %w", err)
	}
	if err := j.destination.awaitMigration(ctx); err != nil {
		return fmt.Errorf("receiving the machine's state: %w: %s", err, tail(j.destination.errorLogPath()))
	}
	return nil
}

// prepareMigration passes a process what its state goes to, or comes from.
func (q *qemu) prepareMigration(ctx context.Context, end *os.File) error {
	if err := q.monitor.execute(ctx, "migrate-set-capabilities", map[string]any{
		"capabilities": []map[string]any{{"capability": "events", "state": true}}}); err != nil {
		return err
	}
	if err := q.monitor.give(ctx, moveSocket, end); err != nil {
		return err
	}
	q.forgetMigration()
	return nil
}

// announce tells the switches where the guest's addresses are now.
func (j *journey) announce(ctx context.Context) error {
	return j.destination.monitor.execute(ctx, "announce-self", map[string]any{"initial": 50, "max": 550, "rounds": 5, "step": 100})
}

// giveUp continues the guest where it was.
func (j *journey) giveUp() error {
	ctx, cancel := context.WithTimeout(context.Background(), commandDeadline)
	defer cancel()
	var errs []error
	if j.launched { // only one of both may write to the disks
		errs = append(errs, j.destination.abandon())
	}
	if err := j.source.monitor.execute(ctx, "migrate_cancel", nil); err != nil {
		if errors.Is(err, errMonitorClosed) {
			return errors.Join(errs...) // it has ended, which is reported as its end
		}
		errs = append(errs, err)
	}
	if err := j.source.awaitIdle(ctx); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(append(errs, j.source.monitor.execute(ctx, "cont", nil))...)
}

// What QEMU says of a migration that goes no further.
const (
	migrationCompleted = "completed"
	migrationFailed    = "failed"
	migrationCancelled = "cancelled"
)

func (q *qemu) forgetMigration() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.migration = ""
}

// awaitMigration returns when this process's part in a migration is done.
func (q *qemu) awaitMigration(ctx context.Context) error {
	for {
		q.mu.Lock()
		status := q.migration
		q.mu.Unlock()
		switch status {
		case migrationCompleted:
			return nil
		case migrationFailed, migrationCancelled:
			return q.migrationError(ctx, status)
		}
		select {
		case <-q.moved:
		case <-q.monitor.ended:
			return errMonitorClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// awaitIdle returns when no migration is in progress, however it ended.
func (q *qemu) awaitIdle(ctx context.Context) error {
	q.mu.Lock()
	begun := q.migration != ""
	q.mu.Unlock()
	if !begun {
		return nil
	}
	if err := q.awaitMigration(ctx); errors.Is(err, errMonitorClosed) || ctx.Err() != nil {
		return err
	}
	return nil
}

func (q *qemu) migrationError(ctx context.Context, status string) error {
	var result struct {
		Description string `json:"error-desc"`
	}
	if err := q.monitor.query(ctx, "query-migrate", &result); err != nil {
		return fmt.Errorf("it %s: %w", status, err)
	}
	return fmt.Errorf("it %s: %s", status, result.Description)
}

// retire ends a process that the VM has left. The guest's messages in it are read to the end first.
func (q *qemu) retire() error {
	reaped := make(chan error, 1)
	ended := make(chan struct{})
	go func() {
		reaped <- q.reap()
		close(ended)
	}()
	err := q.quit(ended)
	<-q.drained
	return errors.Join(err, <-reaped, q.cleanup.run())
}

// repeatShutdown repeats a request to shut down that the guest may not have received completely before it was stopped.
func (i *instance) repeatShutdown(q *qemu) error {
	i.mu.Lock()
	asked := i.shutdownAsked
	i.mu.Unlock()
	if !asked {
		return nil
	}
	return q.say("\n" + shutdownRequest)
}
