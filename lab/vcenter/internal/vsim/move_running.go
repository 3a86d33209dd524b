// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Migrations of running VMs, their admission on hosts and pools, and their records.

package vsim

import (
	"fmt"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// MoveRecord is a migration of a running VM, as the control API returns it.
type MoveRecord struct {
	From         string  `json:"from"`
	To           string  `json:"to"`
	Mode         string  `json:"mode"`
	PauseSeconds float64 `json:"pause_seconds"`
}

// moves holds the records of all VMs, the oldest first.
type moves struct {
	mu   sync.Mutex
	byVM map[ref][]MoveRecord
}

func (m *moves) add(vm ref, record MoveRecord) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byVM == nil {
		m.byVM = map[ref][]MoveRecord{}
	}
	m.byVM[vm] = append(m.byVM[vm], record)
}

func (m *moves) of(vm ref) []MoveRecord {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]MoveRecord{}, m.byVM[vm]...)
}

// moveTo moves a VM, powered on or off, to a host. The caller holds the VM's operation lock.
func (s *Server) moveTo(by cause, vm *simulator.VirtualMachine, host ref) types.BaseMethodFault {
	if s.hostOf(vm) == host {
		return nil
	}
	return s.relocate(by, vm, &types.VirtualMachineRelocateSpec{Host: &host}, func(int32) {})
}

// migrateGuest migrates a running guest to the host and to the files of the spec. copyFiles creates the files while the
// guest is stopped; it is nil if they do not change. The inventory is not updated.
func (s *Server) migrateGuest(r *relocation, spec machine.Spec, copyFiles func() error) types.BaseMethodFault {
	before, fault := s.moveAdmission(r)
	if fault != nil {
		return fault
	}
	spec.Host = r.host.Name
	move, err := s.hypervisor.Migrate(r.vm.Self.Value, spec, copyFiles)
	if err != nil {
		s.restoreAdmission(r.vm.Self, before)
		return migrationFault(fmt.Sprintf("Moving virtual machine %s to host %s failed. It continues where it was: %v.", spec.Name, r.host.Name, err))
	}
	s.moves.add(r.vm.Self, MoveRecord{From: s.nameOf(r.from), To: r.host.Name, Mode: move.Mode, PauseSeconds: move.Pause.Seconds()})
	return nil
}

// moveAdmission admits a running VM at its destination, and returns its previous claim. As a simplification, the resources
// of the previous claim are free immediately, although the move may fail.
func (s *Server) moveAdmission(r *relocation) (claim, types.BaseMethodFault) {
	config := r.reachedConfig()
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	before, on := s.load.admitted[r.vm.Self]
	if !on {
		return claim{}, wrongPowerState(types.VirtualMachinePowerStatePoweredOff, types.VirtualMachinePowerStatePoweredOn)
	}
	after := before
	after.Host, after.pool = r.host.Self, *r.pool
	if fault := s.admitsMove(r.host, before, after, config); fault != nil {
		return claim{}, fault
	}
	s.load.put(r.vm.Self, after)
	return before, nil
}

// admitsMove checks the admission by the host and the pool, unless they do not change. The caller holds the load's lock.
func (s *Server) admitsMove(host *simulator.HostSystem, before, after claim, config *types.VirtualMachineConfigInfo) types.BaseMethodFault {
	if before.Host != after.Host {
		if fault := s.hostAdmits(host, after, config); fault != nil {
			return fault
		}
	}
	return s.poolAdmitsMove(before, after)
}

// restoreAdmission restores the claim of a VM whose move failed, unless the VM was powered off meanwhile.
func (s *Server) restoreAdmission(vm ref, before claim) {
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	if _, on := s.load.admitted[vm]; on {
		s.load.put(vm, before)
	}
}

// migrationFault returns the fault of a migration that failed after it had begun.
func migrationFault(text string) types.BaseMethodFault {
	fault := &types.MigrationFault{}
	because(&fault.MethodFault, text)
	return fault
}

// The progress of a move, in percent.
const (
	progressChecked = 10
	progressCopied  = 60
	progressMoved   = 90
)

// movingTask runs a move with its units and the VM's operation lock held, and publishes its progress. The units come first: who
// holds the lock of a VM never waits for units.
func (s *Server) movingTask(ctx *simulator.Context, vm *simulator.VirtualMachine, method string, needs costs,
	do func(by cause, progress func(int32)) types.BaseMethodFault) (soap.HasFault, types.BaseMethodFault) {
	started := make(chan ref, 1)
	task := s.startWithin(s.units.enter(needs), ctx, vm.Self, method, s.exclusive(vm, func(by cause) (types.AnyType, types.BaseMethodFault) {
		task := s.registry.Get(<-started)
		return nil, do(by, func(percent int32) { s.update(task, set("info.progress", percent)) })
	}))
	started <- task
	return taskAnswer(method, task), nil
}
