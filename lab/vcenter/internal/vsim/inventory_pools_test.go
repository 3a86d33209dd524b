// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// The lab's cluster has 48,000 MHz and 12,288 MB.
const allCPUMHz, allMemoryMB = 48_000, 12_288

type allocation func(cpu, memory *types.ResourceAllocationInfo)

func poolSpec(changes ...allocation) types.ResourceConfigSpec {
	spec := types.DefaultResourceConfigSpec()
	for _, change := range changes {
		change(&spec.CpuAllocation, &spec.MemoryAllocation)
	}
	return spec
}

func reserves(cpuMHz, memoryMB int64) allocation {
	return func(cpu, memory *types.ResourceAllocationInfo) {
		cpu.Reservation, memory.Reservation = &cpuMHz, &memoryMB
	}
}

func fixed(cpu, memory *types.ResourceAllocationInfo) {
	cpu.ExpandableReservation, memory.ExpandableReservation = types.NewBool(false), types.NewBool(false)
}

func limited(cpuMHz, memoryMB int64) allocation {
	return func(cpu, memory *types.ResourceAllocationInfo) { cpu.Limit, memory.Limit = &cpuMHz, &memoryMB }
}

func (l *lab) readPool(pool *object.ResourcePool) mo.ResourcePool {
	l.Helper()
	var read mo.ResourcePool
	if err := property.DefaultCollector(l.client.Client).RetrieveOne(l.Context(), pool.Reference(), nil, &read); err != nil {
		l.Fatal(err)
	}
	return read
}

func (l *lab) poolIn(parent *object.ResourcePool, name string, changes ...allocation) *object.ResourcePool {
	l.Helper()
	return must(parent.Create(l.Context(), name, poolSpec(changes...)))(l)
}

func (l *lab) refusesPool(parent *object.ResourcePool, name string, changes ...allocation) types.BaseMethodFault {
	l.Helper()
	_, err := parent.Create(l.Context(), name, poolSpec(changes...))
	return l.faultOf(err)
}

func TestPoolsReserveWhatTheirParentHasLeft(t *testing.T) {
	l := newLab(t)
	prod := l.poolIn(l.pool, "prod", reserves(40_000, 10_000), fixed)
	cpu := isFault[types.InsufficientCpuResourcesFault](l, l.refusesPool(l.pool, "test", reserves(8_001, 0)))
	if cpu.Unreserved != 8_000 || cpu.Requested != 8_001 {
		t.Errorf("got %+v", cpu)
	}
	memory := isFault[types.InsufficientMemoryResourcesFault](l, l.refusesPool(l.pool, "test", reserves(0, 2_289)))
	if memory.Unreserved != 2_288<<20 || memory.Requested != 2_289<<20 {
		t.Errorf("got %+v", memory)
	}
	web := l.poolIn(prod, "web", reserves(30_000, 9_000))
	isFault[types.InsufficientCpuResourcesFault](l, l.refusesPool(prod, "db", reserves(10_001, 0)))
	// Only what it takes more than before counts.
	raise := func(cpuMHz int64) error {
		return web.UpdateConfig(t.Context(), "", &types.ResourceConfigSpec{CpuAllocation: types.ResourceAllocationInfo{Reservation: &cpuMHz}})
	}
	if err := raise(40_000); err != nil {
		t.Fatal(err)
	}
	isFault[types.InsufficientCpuResourcesFault](l, l.faultOf(raise(40_001)))
	read := l.readPool(prod)
	if used := read.Runtime.Cpu; used.ReservationUsed != 40_000 || used.ReservationUsedForVm != 0 || used.UnreservedForPool != 0 {
		t.Errorf("CPU of prod: %+v", used)
	}
	if used := read.Runtime.Memory; used.ReservationUsed != 9_000<<20 || used.UnreservedForPool != 1_000<<20 || used.MaxUsage != allMemoryMB<<20 {
		t.Errorf("memory of prod: %+v", used)
	}
	if free := l.readPool(l.pool).Runtime.Cpu.UnreservedForPool; free != allCPUMHz-40_000 {
		t.Errorf("the root has %d MHz", free)
	}
}

func TestMachinesReserveInPoolsThatGrow(t *testing.T) {
	l := newLab(t)
	grows := l.poolIn(l.pool, "grows")
	strict := l.poolIn(grows, "strict", reserves(0, 100), fixed)
	reserved := func(name string, pool *object.ResourcePool, memoryMB int64) *object.VirtualMachine {
		spec := l.spec(name)
		spec.MemoryAllocation = &types.ResourceAllocationInfo{Reservation: &memoryMB}
		return object.NewVirtualMachine(l.client.Client, l.result(l.folder.CreateVM(t.Context(), spec, pool, nil)).(ref))
	}
	l.result(reserved("web", grows, 200).PowerOn(t.Context()))
	// A small VM's overhead is 25 MB.
	if used := l.readPool(grows).Runtime.Memory; used.ReservationUsed != 325<<20 || used.ReservationUsedForVm != 225<<20 {
		t.Errorf("got %+v", used)
	}
	isFault[types.InsufficientMemoryResourcesFault](l, l.refusal(reserved("db", strict, 76).PowerOn(t.Context())))
	l.result(reserved("cache", strict, 75).PowerOn(t.Context()))
	// It has grown to 325 MB already, so that this takes nothing more from its parent.
	size := int64(325)
	if err := grows.UpdateConfig(t.Context(), "", &types.ResourceConfigSpec{MemoryAllocation: types.ResourceAllocationInfo{Reservation: &size}}); err != nil {
		t.Error(err)
	}
	if free := l.readPool(l.pool).Runtime.Memory.UnreservedForPool; free != (allMemoryMB-325)<<20 {
		t.Errorf("the root has %d MB", free>>20)
	}
}

func TestPoolsAreRefused(t *testing.T) {
	l := newLab(t)
	l.poolIn(l.pool, "prod")
	isFault[types.DuplicateName](l, l.refusesPool(l.pool, "prod"))
	isFault[types.InvalidName](l, l.refusesPool(l.pool, ""))
	isFault[types.InvalidArgument](l, l.refusesPool(l.pool, "less", reserves(100, 0), limited(99, 0)))
	isFault[types.InvalidArgument](l, l.refusesPool(l.pool, "less", reserves(0, 100), limited(0, 99)))
	isFault[types.InvalidArgument](l, l.refusesPool(l.pool, "unset", func(cpu, _ *types.ResourceAllocationInfo) { cpu.Limit = nil }))
	isFault[types.NotSupported](l, l.refusal(l.pool.Destroy(t.Context())))
}

func TestPoolsNeedDRS(t *testing.T) {
	d := newDRSLab(t, types.DrsBehaviorManual)
	d.apply(&types.ClusterConfigSpecEx{DrsConfig: &types.ClusterDrsConfigInfo{Enabled: types.NewBool(false)}})
	isFault[types.NotSupported](d.lab, d.refusesPool(d.pool, "prod"))
}

func TestPoolsKeepWhatIsNotChanged(t *testing.T) {
	l := newLab(t)
	pool := l.poolIn(l.pool, "a/b", reserves(100, 200), limited(1000, -1))
	before := l.readPool(pool)
	if before.Name != "a%2fb" || before.Config.CpuAllocation.Shares.Shares != 4000 || before.Config.MemoryAllocation.Shares.Shares != 163840 {
		t.Errorf("got %s %+v", before.Name, before.Config)
	}
	change := types.ResourceConfigSpec{ChangeVersion: before.Config.ChangeVersion, CpuAllocation: types.ResourceAllocationInfo{
		ExpandableReservation: types.NewBool(false), Shares: &types.SharesInfo{Level: types.SharesLevelCustom, Shares: 8000}}}
	if err := pool.UpdateConfig(t.Context(), "", &change); err != nil {
		t.Fatal(err)
	}
	cpu := l.readPool(pool).Config.CpuAllocation
	if *cpu.Reservation != 100 || *cpu.Limit != 1000 || *cpu.ExpandableReservation || cpu.Shares.Level != types.SharesLevelHigh {
		t.Errorf("got %+v %+v", cpu, cpu.Shares)
	}
	isFault[types.ConcurrentAccess](l, l.faultOf(pool.UpdateConfig(t.Context(), "", &change)))
}

func TestWhatIsInADestroyedPoolBecomesItsParents(t *testing.T) {
	l := newLab(t)
	prod := l.poolIn(l.pool, "prod")
	web := l.poolIn(prod, "web")
	vm := object.NewVirtualMachine(l.client.Client, l.result(l.folder.CreateVM(t.Context(), l.spec("vm"), prod, nil)).(ref))
	l.result(vm.PowerOn(t.Context()))
	l.result(prod.Destroy(t.Context()))
	root := l.readPool(l.pool)
	if len(root.ResourcePool) != 1 || root.ResourcePool[0] != web.Reference() || len(root.Vm) != 1 || *l.read(vm).ResourcePool != l.pool.Reference() {
		t.Errorf("pools %v, machines %v", root.ResourcePool, root.Vm)
	}
	if parent := l.readPool(web).Parent; *parent != l.pool.Reference() {
		t.Errorf("it is in %v", parent)
	}
	if used := root.Runtime.Memory.ReservationUsedForVm; used != 25<<20 {
		t.Errorf("%d bytes are reserved", used)
	}
}

func TestAllPoolsInAPoolAreDestroyed(t *testing.T) {
	l := newLab(t)
	prod := l.poolIn(l.pool, "prod")
	inner := l.poolIn(l.poolIn(prod, "web"), "inner")
	l.poolIn(prod, "db")
	vm := l.result(l.folder.CreateVM(t.Context(), l.spec("vm"), inner, nil)).(ref)
	if err := prod.DestroyChildren(t.Context()); err != nil {
		t.Fatal(err)
	}
	if read := l.readPool(prod); len(read.ResourcePool) != 0 || len(read.Vm) != 1 || read.Vm[0] != vm {
		t.Errorf("pools %v, machines %v", read.ResourcePool, read.Vm)
	}
}
