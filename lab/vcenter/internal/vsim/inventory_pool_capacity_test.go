// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

// A VM of the tests has an overhead of 25 MB.
const smallOverheadMB = 25

// reservedIn creates a VM in a pool that reserves memory and CPU.
func (l *lab) reservedIn(pool *object.ResourcePool, name string, cpuMHz, memoryMB int64) *object.VirtualMachine {
	l.Helper()
	spec := l.spec(name)
	spec.CpuAllocation = &types.ResourceAllocationInfo{Reservation: &cpuMHz}
	spec.MemoryAllocation = &types.ResourceAllocationInfo{Reservation: &memoryMB}
	return object.NewVirtualMachine(l.client.Client, l.result(l.folder.CreateVM(l.Context(), spec, pool, nil)).(ref))
}

func memoryReservation(memoryMB int64) types.VirtualMachineConfigSpec {
	return types.VirtualMachineConfigSpec{MemoryAllocation: &types.ResourceAllocationInfo{Reservation: &memoryMB}}
}

func (l *lab) moveInto(pool *object.ResourcePool, vm *object.VirtualMachine) error {
	request := &types.MoveIntoResourcePool{This: pool.Reference(), List: []ref{vm.Reference()}}
	_, err := methods.MoveIntoResourcePool(l.Context(), l.client.Client, request)
	return err
}

func TestARunningVMReservesNoMoreThanItsPoolHas(t *testing.T) {
	l := newLab(t)
	tenant := l.poolIn(l.pool, "tenant", reserves(500, 100), fixed)
	vm := l.reservedIn(tenant, "web", 100, 0)
	l.result(vm.PowerOn(t.Context()))
	memory := isFault[types.InsufficientMemoryResourcesFault](l, l.refusal(vm.Reconfigure(t.Context(), memoryReservation(76))))
	if memory.Unreserved != (100-smallOverheadMB)<<20 || memory.Requested != 76<<20 {
		t.Errorf("got %+v", memory)
	}
	cpu := isFault[types.InsufficientCpuResourcesFault](l, l.refusal(vm.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{
		CpuAllocation: &types.ResourceAllocationInfo{Reservation: types.NewInt64(501)}})))
	if cpu.Unreserved != 400 || cpu.Requested != 401 {
		t.Errorf("got %+v", cpu)
	}
	if kept := *l.read(vm).Config.MemoryAllocation.Reservation; kept != 0 {
		t.Errorf("it reserves %d MB", kept)
	}
	l.result(vm.Reconfigure(t.Context(), memoryReservation(75)))
	if used := l.readPool(tenant).Runtime.Memory; used.ReservationUsed != 100<<20 || used.UnreservedForVm != 0 {
		t.Errorf("the pool has %+v", used)
	}
	isFault[types.InsufficientMemoryResourcesFault](l, l.refusal(l.reservedIn(tenant, "db", 0, 0).PowerOn(t.Context())))
	l.result(vm.Reconfigure(t.Context(), memoryReservation(0)))
	if used := l.readPool(tenant).Runtime.Memory.ReservationUsed; used != smallOverheadMB<<20 {
		t.Errorf("%d bytes are reserved", used)
	}
	// One that is off takes nothing.
	l.result(vm.PowerOff(t.Context()))
	l.result(vm.Reconfigure(t.Context(), memoryReservation(200)))
	isFault[types.InsufficientMemoryResourcesFault](l, l.refusal(vm.PowerOn(t.Context())))
}

func TestARunningVMReservesNoMoreThanItsHostHas(t *testing.T) {
	l := newLab(t)
	spec := l.spec("large")
	spec.MemoryMB = 4096
	vm := l.create(spec)
	l.result(vm.PowerOn(t.Context()))
	isFault[types.InsufficientMemoryResourcesFault](l, l.refusal(vm.Reconfigure(t.Context(), memoryReservation(4096))))
	l.result(vm.Reconfigure(t.Context(), memoryReservation(4000)))
}

func TestRunningVMsMoveOnlyIntoPoolsThatCanTakeThem(t *testing.T) {
	l := newLab(t)
	prod := l.poolIn(l.pool, "prod", reserves(0, 200), fixed)
	small := l.poolIn(prod, "small", reserves(0, 64), fixed)
	grows := l.poolIn(prod, "grows")
	vm := l.reservedIn(grows, "web", 0, 111)
	l.result(vm.PowerOn(t.Context()))
	fault := isFault[types.InsufficientMemoryResourcesFault](l, l.faultOf(l.moveInto(small, vm)))
	if fault.Unreserved != 64<<20 || fault.Requested != (111+smallOverheadMB)<<20 {
		t.Errorf("got %+v", fault)
	}
	if in := *l.read(vm).ResourcePool; in != grows.Reference() {
		t.Errorf("it is in %v", in)
	}
	if used := l.readPool(grows).Runtime.Memory.ReservationUsedForVm; used != (111+smallOverheadMB)<<20 {
		t.Errorf("its pool has %d bytes reserved", used)
	}
	// All that prod has left is what the VM takes itself.
	if err := l.moveInto(prod, vm); err != nil {
		t.Fatal(err)
	}
	l.result(vm.PowerOff(t.Context()))
	if err := l.moveInto(small, vm); err != nil {
		t.Fatal(err)
	}
	isFault[types.InsufficientMemoryResourcesFault](l, l.refusal(vm.PowerOn(t.Context())))
}

func TestAPoolKeepsWhatIsReservedInIt(t *testing.T) {
	l := newLab(t)
	pool := l.poolIn(l.pool, "tenant", reserves(600, 300), fixed)
	l.result(l.reservedIn(pool, "web", 500, 200).PowerOn(t.Context()))
	update := func(change allocation) error {
		spec := types.ResourceConfigSpec{}
		change(&spec.CpuAllocation, &spec.MemoryAllocation)
		return pool.UpdateConfig(t.Context(), "", &spec)
	}
	cpu := isFault[types.InsufficientCpuResourcesFault](l, l.faultOf(update(reserves(499, 300))))
	if cpu.Unreserved != 499 || cpu.Requested != 500 {
		t.Errorf("got %+v", cpu)
	}
	isFault[types.InsufficientMemoryResourcesFault](l, l.faultOf(update(reserves(600, 224))))
	if err := update(func(cpu, memory *types.ResourceAllocationInfo) {
		cpu.ExpandableReservation, memory.ExpandableReservation = types.NewBool(true), types.NewBool(true)
		reserves(0, 0)(cpu, memory)
	}); err != nil {
		t.Fatal(err)
	}
	isFault[types.InsufficientMemoryResourcesFault](l, l.faultOf(update(limited(500, 224))))
	isFault[types.InsufficientCpuResourcesFault](l, l.faultOf(update(limited(499, 225))))
	isFault[types.InsufficientMemoryResourcesFault](l, l.faultOf(update(fixed)))
	if err := update(limited(500, 225)); err != nil {
		t.Fatal(err)
	}
}

func TestTheResourcesOfChildrenAreChanged(t *testing.T) {
	l := newLab(t)
	prod := l.poolIn(l.pool, "prod", reserves(0, 300), fixed)
	web := l.poolIn(prod, "web", reserves(0, 100), fixed)
	vm := l.reservedIn(prod, "db", 0, 50)
	l.result(vm.PowerOn(t.Context()))
	update := func(specs ...types.ResourceConfigSpec) error {
		_, err := methods.UpdateChildResourceConfiguration(t.Context(), l.client.Client,
			&types.UpdateChildResourceConfiguration{This: prod.Reference(), Spec: specs})
		return err
	}
	memory := func(entity object.Reference, memoryMB int64) types.ResourceConfigSpec {
		reference := entity.Reference()
		return types.ResourceConfigSpec{Entity: &reference, MemoryAllocation: types.ResourceAllocationInfo{Reservation: &memoryMB}}
	}
	if err := update(memory(web, 200), memory(vm, 75)); err != nil {
		t.Fatal(err)
	}
	if is := *l.readPool(web).Config.MemoryAllocation.Reservation; is != 200 {
		t.Errorf("the pool reserves %d MB", is)
	}
	if is := *l.read(vm).Config.MemoryAllocation.Reservation; is != 75 {
		t.Errorf("the VM reserves %d MB", is)
	}
	// The second change does not fit any more, and the first one stays.
	isFault[types.InsufficientMemoryResourcesFault](l, l.faultOf(update(memory(web, 190), memory(vm, 86))))
	if is := *l.readPool(web).Config.MemoryAllocation.Reservation; is != 190 {
		t.Errorf("the pool reserves %d MB", is)
	}
	isFault[types.InvalidArgument](l, l.faultOf(update(memory(prod, 1))))
	isFault[types.InvalidArgument](l, l.faultOf(update(types.ResourceConfigSpec{})))
	old := memory(web, 1)
	old.ChangeVersion = "0"
	isFault[types.ConcurrentAccess](l, l.faultOf(update(old)))
	old.Entity = types.NewReference(vm.Reference())
	isFault[types.ConcurrentAccess](l, l.faultOf(update(old)))
}
