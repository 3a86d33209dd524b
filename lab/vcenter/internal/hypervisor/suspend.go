// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Suspended VMs: the state of a VM is saved to a file and its process ends, which frees its memory. A later process continues
// with this state.

package hypervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// suspension is the state of a suspended VM.
type suspension struct {
	path  string        // of the saved state
	spent float64       // CPU seconds of the previous processes
	ended chan struct{} // closed when the VM continues, or is powered off
	once  sync.Once     // closes ended
}

func (s *suspension) end() {
	s.once.Do(func() { close(s.ended) })
}

// Suspend saves the state of a running VM and ends its process; see machine.Hypervisor.
func (h *Hypervisor) Suspend(id string) error {
	i, err := h.find(id)
	if err != nil {
		return err
	}
	if err := i.awaitStart(); err != nil {
		return err
	}
	i.moveLock.Lock()
	defer i.moveLock.Unlock()
	if i.suspension() != nil {
		return fmt.Errorf("VM %s is suspended already", i.name)
	}
	source := i.current()
	ctx, cancel := context.WithTimeout(i.alive, moveDeadline)
	defer cancel()
	m := migration{hypervisor: h, source: source, mode: machine.MoveStopCopy}
	path := filepath.Join(source.directory, "suspended.state")
	if err := m.saveTo(ctx, path); err != nil {
		return errors.Join(err, m.rollBack(), removeExisting(path))
	}
	// The CPU time of a process that has just ended is unknown and not needed.
	spent, _ := source.cpuSeconds()
	if !i.beginSuspension(&suspension{path: path, spent: spent, ended: make(chan struct{})}) {
		return errors.Join(fmt.Errorf("VM %s ended while it was suspended", i.name), removeExisting(path))
	}
	if err := source.retire(); err != nil {
		slog.Error("a VM was suspended, but the clean-up after it failed", "vm", i.name, "id", i.id, "error", err)
	}
	return nil
}

// Resume continues a suspended VM; see machine.Hypervisor.
func (h *Hypervisor) Resume(spec machine.Spec) error {
	i, err := h.find(spec.ID)
	if err != nil {
		return err
	}
	i.moveLock.Lock()
	defer i.moveLock.Unlock()
	suspended := i.suspension()
	if suspended == nil {
		return fmt.Errorf("VM %s is not suspended", i.name)
	}
	source := i.current()
	destination := h.processOf(i, source.next(spec))
	destination.spent = suspended.spent
	ctx, cancel := context.WithTimeout(i.alive, moveDeadline)
	defer cancel()
	if err := h.continueFrom(ctx, suspended.path, destination); err != nil {
		return err
	}
	if !i.endSuspension(destination) {
		return errors.Join(fmt.Errorf("VM %s was powered off", i.name), destination.abandon())
	}
	m := migration{hypervisor: h, destination: destination}
	if err := errors.Join(m.announce(ctx), i.keepRestart(destination), removeExisting(suspended.path)); err != nil {
		slog.Error("a VM was resumed, but the clean-up after it failed", "vm", i.name, "id", i.id, "error", err)
	}
	go i.vmx.Reset() // an event of the VM waits until the inventory shows it
	return nil
}

// continueFrom starts a process with the state in a file.
func (h *Hypervisor) continueFrom(ctx context.Context, path string, q *qemu) error {
	saved, err := os.Open(path)
	if err != nil {
		return err
	}
	defer saved.Close()
	if err := h.launch(q); err != nil {
		return err
	}
	if err = q.restore(ctx, saved); err == nil {
		err = q.monitor.execute(ctx, "cont", nil)
	}
	if err != nil {
		return errors.Join(err, q.abandon())
	}
	return nil
}

// saveTo writes the state of the stopped guest to a file.
func (m *migration) saveTo(ctx context.Context, path string) error {
	if err := m.stop(ctx); err != nil {
		return err
	}
	state, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer state.Close()
	if err := m.source.prepareMigration(ctx, state); err != nil {
		return err
	}
	if err := m.source.monitor.execute(ctx, "migrate-set-parameters", map[string]any{"max-bandwidth": moveBandwidth}); err != nil {
		return err
	}
	if err := m.source.monitor.execute(ctx, "migrate", map[string]any{"uri": "fd:" + moveSocket}); err != nil {
		return err
	}
	if err := m.source.awaitMigration(ctx); err != nil {
		return fmt.Errorf("saving the machine's state: %w", err)
	}
	return nil
}

func removeExisting(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// suspension returns how the VM is suspended, or nil if it is not.
func (i *instance) suspension() *suspension {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.suspended
}

// beginSuspension returns false if the VM has ended meanwhile.
func (i *instance) beginSuspension(begun *suspension) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ended {
		return false
	}
	i.suspended = begun
	return true
}

// endSuspension hands the VM over to a process. It returns false if the VM was powered off meanwhile.
func (i *instance) endSuspension(to *qemu) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.killed {
		return false
	}
	i.suspended.end()
	i.suspended, i.qemu = nil, to
	return true
}

// discard powers off a suspended VM.
func (i *instance) discard(suspended *suspension) error {
	err := removeExisting(suspended.path)
	suspended.end()
	<-i.exited
	return err
}
