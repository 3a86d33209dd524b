// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// VMs as the control API shows them.

package vsim

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
)

// MachineInfo describes the process and the files of a VM.
type MachineInfo struct {
	MoID       string       `json:"moid"`
	PID        *int         `json:"pid"` // null: the VM is off, or the hypervisor boots nothing
	CPUSeconds float64      `json:"cpu_seconds"`
	Console    string       `json:"console"`
	Files      []string     `json:"files"` // absolute paths
	Moves      []MoveRecord `json:"moves"` // moves while it was powered on
}

// machineNamed returns the VM with a name, which must be unique.
func (s *Server) machineNamed(name string) (*simulator.VirtualMachine, error) {
	var found []*simulator.VirtualMachine
	for _, entity := range s.registry.All("VirtualMachine") {
		if vm, ok := entity.(*simulator.VirtualMachine); ok && vm.Name == name {
			found = append(found, vm)
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("%w: there is no VM named %s", ErrNotFound, name)
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("there are %d VMs named %s", len(found), name)
}

// Machine returns the description of a VM.
func (s *Server) Machine(name string) (MachineInfo, error) {
	vm, err := s.machineNamed(name)
	if err != nil {
		return MachineInfo{}, err
	}
	info := MachineInfo{MoID: vm.Self.Value, Files: []string{}, Moves: s.moves.of(vm.Self)}
	if running, on := s.hypervisor.Info(vm.Self.Value); on {
		info.CPUSeconds, info.Console = running.CPUSeconds, running.Console
		if running.PID != 0 {
			info.PID = &running.PID
		}
	}
	var layout *types.VirtualMachineFileLayoutEx
	s.locked(vm, func(*simulator.Context) { layout = vm.LayoutEx })
	for _, file := range layout.File {
		place, err := datastore.ParsePath(file.Name)
		if err != nil {
			return MachineInfo{}, err
		}
		if _, absolute, err := s.stores.Locate(place); err == nil {
			info.Files = append(info.Files, filepath.Clean(absolute))
		}
	}
	slices.Sort(info.Files)
	info.Files = slices.Compact(info.Files)
	return info, nil
}

// addressPoll is the interval at which Dial looks for an address that is missing.
const addressPoll = 50 * time.Millisecond

// Dial connects to a port of a VM's guest, at the address that the guest reports. If the tools run, it waits for the address,
// which is missing after a move until the guest reports it again.
func (s *Server) Dial(ctx context.Context, name string, port int) (net.Conn, error) {
	vm, err := s.machineNamed(name)
	if err != nil {
		return nil, err
	}
	for {
		var address, tools string
		s.locked(vm, func(*simulator.Context) { address, tools = vm.Guest.IpAddress, vm.Guest.ToolsRunningStatus })
		if address != "" {
			return s.hypervisor.Dial(ctx, address, port)
		}
		if tools != string(types.VirtualMachineToolsRunningStatusGuestToolsRunning) || ctx.Err() != nil {
			return nil, fmt.Errorf("VM %s reports no address", name)
		}
		select {
		case <-time.After(addressPoll):
		case <-ctx.Done():
		}
	}
}
