// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"testing"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"
)

func TestPoolsAndClustersShowWhatRuns(t *testing.T) {
	d := newDRSLab(t, types.DrsBehaviorManual)
	l := d.lab
	prod := l.poolIn(l.pool, "prod", reserves(1000, 500))
	web := l.poolIn(prod, "web")
	vms := []*object.VirtualMachine{l.reservedIn(web, "a", 100, 0), l.reservedIn(prod, "b", 0, 0), l.reservedIn(prod, "off", 200, 64)}
	load := &busy{guests: l.guests, since: time.Now(), cpus: map[string]float64{vms[0].Reference().Value: 2, vms[1].Reference().Value: 1}}
	l.server.UseHypervisor(load)
	for _, vm := range vms[:2] {
		l.result(vm.PowerOn(t.Context()))
	}
	expectNear := func(what string, got, want int64) {
		t.Helper()
		if got < want*9/10 || got > want*11/10 {
			t.Errorf("%s: %d, want about %d", what, got, want)
		}
	}
	time.Sleep(shortest + 50*time.Millisecond)
	l.server.measure()
	time.Sleep(shortest + 50*time.Millisecond)
	l.server.measure()
	l.server.showUsage()
	const consumedMB = 256 + smallOverheadMB
	for pool, want := range map[*object.ResourcePool]struct{ mhz, vms int64 }{web: {4000, 1}, prod: {6000, 2}, l.pool: {6000, 2}} {
		read := l.readPool(pool)
		stats := read.Summary.GetResourcePoolSummary().QuickStats
		if stats == nil {
			t.Fatalf("%s has no statistics", read.Name)
		}
		expectNear(read.Name, stats.OverallCpuUsage, want.mhz)
		if read.Runtime.Cpu.OverallUsage != stats.OverallCpuUsage || read.Runtime.Memory.OverallUsage != stats.HostMemoryUsage<<20 ||
			stats.HostMemoryUsage != want.vms*consumedMB {
			t.Errorf("%s: %+v, %+v", read.Name, stats, read.Runtime)
		}
	}
	usage := d.read().Summary.(*types.ClusterComputeResourceSummary).UsageSummary
	expectNear("the cluster", int64(usage.CpuDemandMhz), 6000)
	if usage.TotalCpuCapacityMhz != allCPUMHz || usage.TotalMemCapacityMB != allMemoryMB || usage.CpuReservationMhz != 1000 ||
		usage.MemReservationMB != 500 || usage.PoweredOffCpuReservationMhz != 200 || usage.PoweredOffMemReservationMB != 64 ||
		usage.PoweredOffVmCount != 1 || usage.TotalVmCount != 3 {
		t.Errorf("the cluster: %+v", usage)
	}
	for _, vm := range vms[:2] {
		l.result(vm.PowerOff(t.Context()))
	}
	if used := l.readPool(prod).Runtime; used.Cpu.OverallUsage != 0 || used.Memory.OverallUsage != 0 {
		t.Errorf("nothing runs: %+v", used)
	}
}
