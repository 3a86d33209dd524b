// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// A fork of a running VM (instant clone): its state is saved once and restored twice, in a new process of the VM itself with
// other disks, and in a process of the new VM.

package hypervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// Fork creates a VM from a running one; see machine.Hypervisor.
func (h *Hypervisor) Fork(id string, continued, clone machine.Spec) (machine.Move, error) {
	if !machineID.MatchString(clone.ID) {
		return machine.Move{}, fmt.Errorf("VM %s: unusable id %q", clone.Name, clone.ID)
	}
	i, err := h.find(id)
	if err != nil {
		return machine.Move{}, err
	}
	if err := i.awaitStart(); err != nil {
		return machine.Move{}, err
	}
	i.moveLock.Lock()
	defer i.moveLock.Unlock()
	source := i.current()
	cloned := &instance{id: clone.ID, name: clone.Name, settled: make(chan struct{}), exited: make(chan struct{}), booted: func() {}}
	f := fork{
		migration: migration{hypervisor: h, source: source, mode: machine.MoveStopCopy,
			destination: h.processOf(i, source.next(continued))},
		clone: h.processOf(cloned, &qemu{spec: asRunning(clone, source.spec), directory: filepath.Join(h.config.StateDir, "machines", clone.ID),
			forked: true, growth: source.growth, addresses: addressesOf(clone)}),
	}
	cloned.alive, cloned.cancel = context.WithCancel(context.Background())
	if err := h.admit(cloned); err != nil {
		return machine.Move{}, err
	}
	defer close(cloned.settled)
	if err := f.run(i); err != nil {
		h.remove(cloned)
		return machine.Move{}, err
	}
	cloned.qemu, cloned.started = f.clone, true
	cloned.vmx = i.vmx.Fork(clone.GuestInfo, cloned.write, h.guestEvents(cloned), cloned.writeFailed)
	go h.supervise(cloned)
	i.vmx.Reset()
	go cloned.vmx.Reset() // an event of the clone waits until the inventory shows it
	return machine.Move{Mode: f.mode, Pause: f.pause}, nil
}

func addressesOf(spec machine.Spec) []string {
	addresses := []string{}
	for _, nic := range spec.NICs {
		addresses = append(addresses, nic.MAC)
	}
	return addresses
}

// fork is a migration that also creates a copy of the VM.
type fork struct {
	migration
	clone         *qemu
	cloneLaunched bool // the clone's process has been started
}

// run forks the VM and returns when both guests run. After an error, the source continues unchanged.
func (f *fork) run(i *instance) error {
	ctx, cancel := context.WithTimeout(i.alive, moveDeadline)
	defer cancel()
	if err := f.runBoth(ctx); err != nil {
		return errors.Join(err, f.undo())
	}
	if !i.handOver(f.destination) {
		return errors.Join(fmt.Errorf("VM %s ended while it was forked", i.name), f.destination.abandon(), f.clone.abandon())
	}
	if err := errors.Join(f.announce(ctx), i.keepRestart(f.destination), f.source.retire()); err != nil {
		slog.Error("a VM was forked, but the clean-up after it failed", "vm", i.name, "id", i.id, "error", err)
	}
	return nil
}

func (f *fork) runBoth(ctx context.Context) error {
	saved, again, err := f.save(ctx)
	if err != nil {
		return err
	}
	defer saved.Close()
	defer again.Close()
	// The CPU time of a process that has just ended is unknown and not needed.
	f.destination.spent, _ = f.source.cpuSeconds()
	if err := f.hypervisor.launch(f.destination); err != nil {
		return err
	}
	f.launched = true
	if err := f.destination.restore(ctx, saved); err != nil {
		return err
	}
	if err := f.hypervisor.launch(f.clone); err != nil {
		return err
	}
	f.cloneLaunched = true
	if err := f.clone.restore(ctx, again); err != nil {
		return err
	}
	// The clone runs first: until the source continues in its new process, it can still continue in the old one.
	if err := f.clone.monitor.execute(ctx, "cont", nil); err != nil {
		return err
	}
	err = f.destination.monitor.execute(ctx, "cont", nil)
	f.pause = time.Since(f.stopped)
	return err
}

// save writes the state of the stopped guest to an unlinked file, and returns two open files for reading it.
func (f *fork) save(ctx context.Context) (first, second *os.File, err error) {
	path := filepath.Join(f.source.directory, "fork.state")
	defer os.Remove(path)
	if err := f.saveTo(ctx, path); err != nil {
		return nil, nil, err
	}
	if first, err = os.Open(path); err != nil {
		return nil, nil, err
	}
	if second, err = os.Open(path); err != nil {
		return nil, nil, errors.Join(err, first.Close())
	}
	return first, second, nil
}

// restore loads the state of a VM into a process that waits for an incoming migration.
func (q *qemu) restore(ctx context.Context, state *os.File) error {
	if err := q.prepareMigration(ctx, state); err != nil {
		return err
	}
	if err := q.monitor.execute(ctx, "migrate-incoming", map[string]any{"uri": "fd:" + moveSocket}); err != nil {
		return err
	}
	if err := q.awaitMigration(ctx); err != nil {
		return fmt.Errorf("restoring the machine's state: %w: %s", err, tail(q.errorLogPath()))
	}
	return nil
}

// undo ends the new processes and resumes the guest in its old process.
func (f *fork) undo() error {
	var err error
	if f.cloneLaunched {
		err = f.clone.abandon()
	}
	return errors.Join(err, f.rollBack())
}
