// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Changes of the size and the reservations of a powered-on VM: more CPUs and memory (hot add) if its configuration allows it.

package vsim

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/machine"
	"gantry.invalid/lab/vcenter/internal/vim"
)

// The size to which memory can be added to a running VM is 16 times that at its start (KB 2020846), but for a Linux guest that has
// started with at most 3 GB it is 3 GB (KB 2008405, terraform-provider-vsphere issue 1352). That vCenter shows both in
// hotPlugMemoryLimit, and only while the VM is on, is unconfirmed, as is the increment, which is that of Linux.
const (
	hotAddFactor      = 16
	linuxHotAddMB     = 3 << 10
	hotAddIncrementMB = 128
	// mostHotAddCPUs limits what a guest prepares for, since each CPU costs it memory, whether it is added or not.
	mostHotAddCPUs = 128
)

// linuxGuest matches the identifiers of guests with Linux.
var linuxGuest = regexp.MustCompile(`(?i)linux|^(asianux|centos|coreos|crx|debian|fedora|mandr|nld|oes|opensuse|redhat|rhel|sjds|sles|suse|ubuntu|vmwarePhoton)`)

// hotAddLimit returns the size to which the memory of a VM can be increased while it runs; 0 if it cannot be.
func hotAddLimit(config *types.VirtualMachineConfigInfo) int64 {
	memory := int64(config.Hardware.MemoryMB)
	switch {
	case !vim.IsTrue(config.MemoryHotAddEnabled):
		return 0
	case memory <= linuxHotAddMB && linuxGuest.MatchString(config.GuestId):
		return min(hotAddFactor*memory, linuxHotAddMB)
	}
	return hotAddFactor * memory
}

// hotAddCPUs returns the number of CPUs to which a VM can grow while it runs, at most that of any host; 0 if it cannot.
func (s *Server) hotAddCPUs(config *types.VirtualMachineConfigInfo) int {
	if !vim.IsTrue(config.CpuHotAddEnabled) {
		return 0
	}
	return min(s.config.Hosts.CPUs, mostHotAddCPUs)
}

// hotAddChanges are the properties of a VM that starts, or with a limit of 0 of one that is off.
func hotAddChanges(limit int64) []types.PropertyChange {
	increment := int64(0)
	if limit > 0 {
		increment = hotAddIncrementMB
	}
	return []types.PropertyChange{set("config.hotPlugMemoryLimit", limit), set("config.hotPlugMemoryIncrementSize", increment)}
}

// checkMemorySteps refuses an amount of memory that cannot be added.
func checkMemorySteps(config *types.VirtualMachineConfigInfo, size int64) types.BaseMethodFault {
	added := size - int64(config.Hardware.MemoryMB)
	switch limit, increment := config.HotPlugMemoryLimit, config.HotPlugMemoryIncrementSize; {
	case size > limit:
		return vmConfigFault(fmt.Sprintf("The memory of the virtual machine can be increased to %d MB while it is powered on, and %d MB were requested.",
			limit, size))
	case added%increment != 0:
		return vmConfigFault(fmt.Sprintf("Memory can be added to the virtual machine in multiples of %d MB while it is powered on, and %d MB were requested.",
			increment, added))
	}
	return nil
}

func noMemoryHotAdd(text string) types.BaseMethodFault {
	fault := &types.MemoryHotPlugNotSupported{}
	because(&fault.MethodFault, text)
	return fault
}

func noCPUHotAdd(text string) types.BaseMethodFault {
	fault := &types.CpuHotPlugNotSupported{}
	because(&fault.MethodFault, text)
	return fault
}

// checkHotAdd refuses a new size that is not possible while the VM is powered on. "Whether memory can be added while this
// virtual machine is running" (VirtualMachineConfigInfo.memoryHotAddEnabled): memory cannot be removed. The same applies to
// CPUs: cpuHotRemoveEnabled has no effect.
func (d *draft) checkHotAdd(spec *types.VirtualMachineConfigSpec) types.BaseMethodFault {
	hardware := &d.config.Hardware
	if size := spec.MemoryMB; size != 0 && size != int64(hardware.MemoryMB) {
		switch {
		case !vim.IsTrue(d.config.MemoryHotAddEnabled):
			return &types.MemoryHotPlugNotSupported{}
		case size < int64(hardware.MemoryMB):
			return noMemoryHotAdd(fmt.Sprintf("The memory of a virtual machine that is powered on can only be increased: it has %d MB, and %d MB were requested.",
				hardware.MemoryMB, size))
		}
		if fault := checkMemorySteps(&d.config, size); fault != nil {
			return fault
		}
	}
	if cores := spec.NumCoresPerSocket; cores != nil && *cores != 0 && *cores != *hardware.NumCoresPerSocket {
		return noCPUHotAdd("The number of cores per socket cannot be changed while the virtual machine is powered on.")
	}
	if cpus := spec.NumCPUs; cpus != 0 && cpus != hardware.NumCPU {
		switch {
		case !vim.IsTrue(d.config.CpuHotAddEnabled):
			return &types.CpuHotPlugNotSupported{}
		case cpus < hardware.NumCPU:
			return noCPUHotAdd(fmt.Sprintf("The CPUs of a virtual machine that is powered on can only be increased: it has %d, and %d were requested.",
				hardware.NumCPU, cpus))
		}
	}
	return nil
}

// fit applies the size and the reservations of a draft to a powered-on VM, if its host and resource pool admit them and the
// hypervisor supports the size.
func (s *Server) fit(vm *simulator.VirtualMachine, d *draft) types.BaseMethodFault {
	if !d.poweredOn {
		return nil
	}
	was, is := d.was, d.config.Hardware
	moreMemory := is.MemoryMB != was.MemoryMB
	grows := moreMemory || is.NumCPU != was.NumCPU
	before, on, fault := s.admitChange(vm.Self, d)
	switch {
	case fault != nil:
		return fault
	case !grows:
		return nil
	case !on:
		// It has just powered off, or is suspended.
		return wrongPowerState(s.powerState(vm), types.VirtualMachinePowerStatePoweredOn)
	}
	err := s.hypervisor.Grow(vm.Self.Value, int(is.NumCPU), int64(is.MemoryMB))
	if err == nil {
		return nil
	}
	s.restoreAdmission(vm.Self, before)
	text := fmt.Sprintf("The size of %s was not changed: %v.", d.name, err)
	switch {
	case !errors.Is(err, machine.ErrNoHotAdd):
		return systemError(text)
	case moreMemory:
		return noMemoryHotAdd(text)
	}
	return noCPUHotAdd(text)
}

// admitChange reserves what the draft of a running VM reserves, and returns the previous claim; false if the VM has none: it is
// an agent, or has powered off meanwhile.
func (s *Server) admitChange(vm ref, d *draft) (before claim, on bool, fault types.BaseMethodFault) {
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	if before, on = s.load.admitted[vm]; !on {
		return before, false, nil
	}
	after := claimOf(vm, &d.config, before.pool)
	after.Host = before.Host
	if fault = s.poolAdmitsMore(before, after); fault == nil {
		fault = s.hostHolds(d.host, after, &d.config)
	}
	if fault == nil {
		s.load.put(vm, after)
	}
	return before, true, fault
}
