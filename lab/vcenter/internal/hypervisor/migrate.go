// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Migration of a VM from one QEMU process to another. Under KVM, the guest runs while its memory is copied. Under TCG it is
// stopped first, since copying the memory of a running guest corrupts it there.

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
	// The bandwidth limit, in bytes per second. Both processes are on this host, so it is high enough to have no effect.
	moveBandwidth = 4 << 30
	// The longest pause of a live migration. On a busy host, a shorter limit might never be met.
	downtimeMilliseconds = 300
	// The name of the migration socket in both processes.
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
	if err := i.awaitStart(); err != nil {
		return machine.Move{}, err
	}
	i.moveLock.Lock()
	defer i.moveLock.Unlock()
	source := i.current()
	move := migration{hypervisor: h, source: source, mode: mode, copyFiles: copyFiles,
		destination: h.processOf(i, source.next(to))}
	ctx, cancel := context.WithTimeout(i.alive, moveDeadline)
	defer cancel()
	if err := move.run(ctx); err != nil {
		return machine.Move{}, errors.Join(err, move.rollBack())
	}
	// The CPU time of a process that has just ended is unknown and not needed.
	move.destination.spent, _ = source.cpuSeconds()
	if !i.handOver(move.destination) {
		return machine.Move{}, errors.Join(fmt.Errorf("VM %s ended during its move", i.name), move.destination.abandon())
	}
	// The guest runs at its destination: errors from here on are not failures of the migration.
	if err := errors.Join(move.announce(ctx), i.keepRestart(move.destination), source.retire()); err != nil {
		slog.Error("a VM was migrated, but the clean-up after it failed", "vm", i.name, "id", i.id, "error", err)
	}
	i.vmx.Reset()
	return machine.Move{Mode: move.mode, Pause: move.pause}, nil
}

// next returns the process in which the VM continues.
func (q *qemu) next(to machine.Spec) *qemu {
	return &qemu{spec: asRunning(to, q.spec), directory: q.directory, number: q.number + 1, growth: q.growth, addresses: q.addresses}
}

// asRunning keeps the settings of power-on that cannot change while the VM runs. The ISO is kept even if its drive has been
// disconnected, and the adapters keep their addresses, which are part of the migrated state.
func asRunning(to, running machine.Spec) machine.Spec {
	to.CPUs, to.MemoryMB, to.MaxCPUs, to.MaxMemoryMB = running.CPUs, running.MemoryMB, running.MaxCPUs, running.MaxMemoryMB
	to.Firmware, to.GuestInfo, to.ISO = running.Firmware, running.GuestInfo, running.ISO
	to.NICs = slices.Clone(to.NICs)
	for index := range min(len(to.NICs), len(running.NICs)) {
		to.NICs[index].MAC = running.NICs[index].MAC
	}
	return to
}

// moveMode returns how the guest is migrated. If files are copied, it must be stopped, even if its memory could be copied
// live.
func (h *Hypervisor) moveMode(copyFiles func() error) string {
	if h.accelerator == acceleratorKVM && copyFiles == nil {
		return machine.MoveLive
	}
	return machine.MoveStopCopy
}

// migration is a migration in progress.
type migration struct {
	hypervisor          *Hypervisor
	source, destination *qemu
	mode                string
	copyFiles           func() error
	launched            bool // the destination process has been started
	stopped             time.Time
	pause               time.Duration
}

// run migrates the guest and returns when it runs at its destination.
func (m *migration) run(ctx context.Context) error {
	if m.copyFiles != nil {
		// The destination opens the files when it starts, so they must be complete before.
		if err := m.stop(ctx); err != nil {
			return err
		}
		if err := m.copyFiles(); err != nil {
			return err
		}
	}
	if err := m.hypervisor.launch(m.destination); err != nil {
		return err
	}
	m.launched = true
	if err := m.connect(ctx); err != nil {
		return err
	}
	if m.mode == machine.MoveLive {
		return m.runLive(ctx)
	}
	if err := m.stop(ctx); err != nil {
		return err
	}
	if err := m.copyState(ctx); err != nil {
		return err
	}
	if err := m.destination.monitor.execute(ctx, "cont", nil); err != nil {
		return err
	}
	m.pause = time.Since(m.stopped)
	return nil
}

// stop stops the guest, which makes QEMU flush its disk caches.
func (m *migration) stop(ctx context.Context) error {
	if !m.stopped.IsZero() {
		return nil
	}
	m.stopped = time.Now()
	return m.source.monitor.execute(ctx, "stop", nil)
}

// runLive migrates the running guest. QEMU stops it and continues it at the destination.
func (m *migration) runLive(ctx context.Context) error {
	if err := m.copyState(ctx); err != nil {
		return err
	}
	var result struct {
		Downtime int64 `json:"downtime"` // milliseconds
	}
	if err := m.source.monitor.query(ctx, "query-migrate", &result); err != nil {
		slog.Warn("the length of a guest's pause is unknown", "vm", m.source.spec.Name, "error", err)
	}
	m.pause = time.Duration(result.Downtime) * time.Millisecond
	return nil
}

// connect connects the two processes by a socket pair: a path may be too long for a named socket.
func (m *migration) connect(ctx context.Context) error {
	descriptors, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket pair: %w", err)
	}
	for number, q := range []*qemu{m.destination, m.source} {
		end := os.NewFile(uintptr(descriptors[number]), moveSocket)
		defer end.Close()
		if err := q.prepareMigration(ctx, end); err != nil {
			return err
		}
	}
	if err := m.source.monitor.execute(ctx, "migrate-set-parameters", map[string]any{
		"max-bandwidth": moveBandwidth, "downtime-limit": downtimeMilliseconds}); err != nil {
		return err
	}
	return m.destination.monitor.execute(ctx, "migrate-incoming", map[string]any{"uri": "fd:" + moveSocket})
}

func (m *migration) copyState(ctx context.Context) error {
	if err := m.source.monitor.execute(ctx, "migrate", map[string]any{"uri": "fd:" + moveSocket}); err != nil {
		return err
	}
	if err := m.source.awaitMigration(ctx); err != nil {
		return fmt.Errorf("sending the machine's state: %w", err)
	}
	if err := m.destination.awaitMigration(ctx); err != nil {
		return fmt.Errorf("receiving the machine's state: %w: %s", err, tail(m.destination.errorLogPath()))
	}
	return nil
}

// prepareMigration passes the file or socket of the state to a process.
func (q *qemu) prepareMigration(ctx context.Context, end *os.File) error {
	if err := q.monitor.execute(ctx, "migrate-set-capabilities", map[string]any{
		"capabilities": []map[string]any{{"capability": "events", "state": true}}}); err != nil {
		return err
	}
	if err := q.monitor.give(ctx, moveSocket, end); err != nil {
		return err
	}
	q.resetMigrationStatus()
	return nil
}

// announce makes the guest's addresses known to the switches at their new port.
func (m *migration) announce(ctx context.Context) error {
	return m.destination.monitor.execute(ctx, "announce-self", map[string]any{"initial": 50, "max": 550, "rounds": 5, "step": 100})
}

// rollBack ends the destination and resumes the guest in the source process.
func (m *migration) rollBack() error {
	ctx, cancel := context.WithTimeout(context.Background(), commandDeadline)
	defer cancel()
	var errs []error
	if m.launched { // only one process may write to the disks
		errs = append(errs, m.destination.abandon())
	}
	if err := m.source.monitor.execute(ctx, "migrate_cancel", nil); err != nil {
		if errors.Is(err, errMonitorClosed) {
			return errors.Join(errs...) // the source has ended, which supervise reports
		}
		errs = append(errs, err)
	}
	if err := m.source.awaitIdle(ctx); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(append(errs, m.source.monitor.execute(ctx, "cont", nil))...)
}

// The final states of a migration in QEMU.
const (
	migrationCompleted = "completed"
	migrationFailed    = "failed"
	migrationCancelled = "cancelled"
)

func (q *qemu) resetMigrationStatus() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.migration = ""
}

// awaitMigration waits until the migration has completed in this process.
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

// awaitIdle waits until no migration is in progress, with any result.
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

// retire ends a process after its VM was migrated away. It waits until all messages of the guest have been read.
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
