// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Moves between hosts. All of them, whoever asks, come through moveTo, or through carry with new files.

package vsim

import (
	"fmt"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// MoveRecord is a move of a machine that was on, as the control API tells it.
type MoveRecord struct {
	From         string  `json:"from"`
	To           string  `json:"to"`
	Mode         string  `json:"mode"`
	PauseSeconds float64 `json:"pause_seconds"`
}

// moves are the records of all machines, the oldest first.
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

// moveTo moves a machine, on or off, to a host of the inventory. The caller holds the machine's operation lock.
func (s *Server) moveTo(vm *simulator.VirtualMachine, host ref) types.BaseMethodFault {
	if s.hostOf(vm) == host {
		return nil
	}
	target, ok := s.registry.Get(host).(*simulator.HostSystem)
	if !ok {
		return invalidArgument("host")
	}
	var config *types.VirtualMachineConfigInfo
	s.locked(vm, func(*simulator.Context) { config = vm.Config })
	if fault := s.hostReaches(target, config); fault != nil {
		return fault
	}
	if s.powerState(vm) == types.VirtualMachinePowerStatePoweredOn {
		spec, fault := s.machineSpec(vm)
		if fault != nil {
			return fault
		}
		if fault := s.carry(vm, target, spec, nil); fault != nil {
			return fault
		}
	}
	s.setHost(vm, host)
	return nil
}

// carry takes a running guest to a host, and to the files of the spec, which copyFiles fills while the guest stands
// still; nil: they are the ones that it has. The inventory still shows the machine where it was.
func (s *Server) carry(vm *simulator.VirtualMachine, host *simulator.HostSystem, spec machine.Spec, copyFiles func() error) types.BaseMethodFault {
	from := s.hostOf(vm)
	if fault := s.changePlace(vm, host); fault != nil {
		return fault
	}
	spec.Host = host.Name
	move, err := s.hypervisor.Migrate(vm.Self.Value, spec, copyFiles)
	if err != nil {
		s.restorePlace(vm, from)
		return migrationFault(fmt.Sprintf("moving %s to host %s failed, it goes on where it was: %v", spec.Name, host.Name, err))
	}
	s.moves.add(vm.Self, MoveRecord{From: s.nameOf(from), To: host.Name, Mode: move.Mode, PauseSeconds: move.Pause.Seconds()})
	return nil
}

// changePlace holds the machine's place at another host. As a simplification the old one is free at once, although the
// machine may stay.
func (s *Server) changePlace(vm *simulator.VirtualMachine, host *simulator.HostSystem) types.BaseMethodFault {
	var config *types.VirtualMachineConfigInfo
	s.locked(vm, func(*simulator.Context) { config = vm.Config })
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	claimed, on := s.load.admitted[vm.Self]
	if !on || claimed.host == host.Self {
		return nil
	}
	if fault := s.hostAdmits(host, claimed, config); fault != nil {
		return fault
	}
	claimed.host = host.Self
	s.load.admitted[vm.Self] = claimed
	return nil
}

// restorePlace gives a machine that did not move its old place; it may have gone off meanwhile and need none.
func (s *Server) restorePlace(vm *simulator.VirtualMachine, host ref) {
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	if claimed, on := s.load.admitted[vm.Self]; on {
		claimed.host = host
		s.load.admitted[vm.Self] = claimed
	}
}

// migrationFault is what a move gives that was begun and did not succeed.
func migrationFault(text string) types.BaseMethodFault {
	fault := &types.MigrationFault{}
	because(&fault.MethodFault, text)
	return fault
}
