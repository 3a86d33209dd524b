// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"strings"
	"testing"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/machine"
)

func TestHotAdd(t *testing.T) {
	l := newLab(t)
	spec := l.spec("web", scsi(), newDisk(16*mib))
	vm := l.create(spec)
	l.result(vm.PowerOn(t.Context()))
	refusedAs := func(change types.VirtualMachineConfigSpec, text string) {
		t.Helper()
		fault := l.refusal(vm.Reconfigure(t.Context(), change))
		if got := faultText(fault); !strings.Contains(got, text) {
			t.Errorf("%T has the message %q, want %q", fault, got, text)
		}
	}
	refusedAs(types.VirtualMachineConfigSpec{MemoryMB: 512}, "memoryHotAddEnabled is false")
	refusedAs(types.VirtualMachineConfigSpec{NumCPUs: 2}, "cpuHotAddEnabled is false")
	l.result(vm.PowerOff(t.Context()))
	l.result(vm.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{MemoryHotAddEnabled: types.NewBool(true), CpuHotAddEnabled: types.NewBool(true)}))
	l.result(vm.PowerOn(t.Context()))
	l.result(vm.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{MemoryMB: 512, NumCPUs: 2}))
	read := l.read(vm)
	if read.Config.HotPlugMemoryLimit != 3072 || read.Config.HotPlugMemoryIncrementSize != 128 {
		t.Errorf("memory can be added to %d MB in steps of %d MB", read.Config.HotPlugMemoryLimit, read.Config.HotPlugMemoryIncrementSize)
	}
	running := l.guests.on[vm.Reference().Value]
	if read.Config.Hardware.MemoryMB != 512 || read.Config.Hardware.NumCPU != 2 || running.MemoryMB != 512 || running.CPUs != 2 {
		t.Errorf("it has %d MB and %d CPUs, and runs with %d and %d", read.Config.Hardware.MemoryMB, read.Config.Hardware.NumCPU, running.MemoryMB, running.CPUs)
	}
	if running.MaxCPUs != 8 || running.MaxMemoryMB != 3072 {
		t.Errorf("it was started for %d CPUs and %d MB", running.MaxCPUs, running.MaxMemoryMB)
	}
	if claimed := l.server.load.admitted[vm.Reference()]; claimed.MemoryMB != 512 {
		t.Errorf("it takes %+v", claimed)
	}
	refusedAs(types.VirtualMachineConfigSpec{MemoryMB: 256}, "can only be increased: it has 512 MB")
	refusedAs(types.VirtualMachineConfigSpec{NumCPUs: 1}, "can only be increased: it has 2")
	refusedAs(types.VirtualMachineConfigSpec{NumCoresPerSocket: types.NewInt32(2)}, "cores per socket")
	refusedAs(types.VirtualMachineConfigSpec{MemoryMB: 4096}, "can be increased to 3072 MB while it is powered on, and 4096 MB were requested")
	refusedAs(types.VirtualMachineConfigSpec{MemoryMB: 600}, "in multiples of 128 MB while it is powered on, and 88 MB were requested")
	big := l.spec("big")
	big.GuestId, big.MemoryMB, big.MemoryHotAddEnabled = "windows2019srv_64Guest", 512, types.NewBool(true)
	wide := l.create(big)
	l.result(wide.PowerOn(t.Context()))
	isFault[types.InsufficientMemoryResourcesFault](l, l.refusal(wide.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{MemoryMB: 8192})))
	isFault[types.NumVirtualCpusExceedsLimit](l, l.refusal(vm.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{NumCPUs: 64})))
	l.guests.refuse = machine.ErrNoHotAdd
	refusedAs(types.VirtualMachineConfigSpec{MemoryMB: 1024}, "The size of web was not changed: the lab's hypervisor cannot add CPUs or memory")
	isFault[types.CpuHotPlugNotSupported](l, l.refusal(vm.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{NumCPUs: 4})))
	if claimed := l.server.load.admitted[vm.Reference()]; claimed.MemoryMB != 512 {
		t.Errorf("after a refusal it takes %+v", claimed)
	}
}

func TestTheMemoryToWhichItCanBeIncreased(t *testing.T) {
	for _, c := range []struct {
		guest  string
		memory int32
		hotAdd bool
		limit  int64
	}{
		{"other5xLinux64Guest", 128, true, 2048},
		{"debian12_64Guest", 3072, true, 3072},
		{"debian12_64Guest", 4096, true, 65536},
		{"windows2019srv_64Guest", 1024, true, 16384},
		{"other5xLinux64Guest", 128, false, 0},
	} {
		config := types.VirtualMachineConfigInfo{GuestId: c.guest, MemoryHotAddEnabled: &c.hotAdd, Hardware: types.VirtualHardware{MemoryMB: c.memory}}
		if got := hotAddLimit(&config); got != c.limit {
			t.Errorf("%s with %d MB: %d MB", c.guest, c.memory, got)
		}
	}
}
