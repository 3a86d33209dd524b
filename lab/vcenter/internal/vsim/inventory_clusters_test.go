// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"reflect"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/config"
)

// newSite returns a lab with a second cluster, a datastore that only one host mounts, and a network that two hosts have.
func newSite(t *testing.T) *lab {
	t.Helper()
	return newLab(t, func(c *config.Config) {
		c.Hosts.Names = []string{"esx1", "esx2"}
		c.Clusters = []config.Cluster{{Name: "C1", Hosts: []string{"esx3"}}}
		c.Datastores = append(c.Datastores, config.Datastore{Name: "shared1", CapacityBytes: 64 * gib},
			config.Datastore{Name: "local-esx2", CapacityBytes: 64 * gib, Hosts: []string{"esx2"}})
		c.DatastoreCluster = &config.DatastoreCluster{Name: "POD0", Datastores: []string{"shared0", "shared1"}}
		c.Networks = append(c.Networks, config.Network{Name: "Partial", Subnet: "10.80.0.0/20", Hosts: []string{"esx1", "esx3"}})
	})
}

func (l *lab) hostName(vm *object.VirtualMachine) string {
	l.Helper()
	return l.server.nameOf(*l.read(vm).Runtime.Host)
}

func TestAVMRunsInTheClusterOfItsPool(t *testing.T) {
	l := newSite(t)
	pool := must(l.finder.ResourcePool(t.Context(), "C1/Resources"))(t)
	created := l.result(l.folder.CreateVM(t.Context(), l.spec("web"), pool, nil)).(ref)
	vm := object.NewVirtualMachine(l.client.Client, created)
	// The hosts of the other cluster are equally free.
	l.result(vm.PowerOn(t.Context()))
	if host := l.hostName(vm); host != "esx3" {
		t.Errorf("it runs on %s", host)
	}
	otherHost := must(l.finder.HostSystem(t.Context(), "esx1"))(t)
	fault := isFault[types.InvalidArgument](l, l.refusal(l.folder.CreateVM(t.Context(), l.spec("db"), pool, otherHost)))
	if fault.InvalidProperty != "host" {
		t.Errorf("got %+v", fault)
	}
	// It cannot be moved into a pool of another cluster without a migration.
	_, err := methods.MoveIntoResourcePool(t.Context(), l.client.Client,
		&types.MoveIntoResourcePool{This: l.pool.Reference(), List: []ref{vm.Reference()}})
	isFault[types.InvalidArgument](l, l.faultOf(err))
	template, _ := l.image("template")
	if err := template.MarkAsTemplate(t.Context()); err != nil {
		t.Fatal(err)
	}
	isFault[types.InvalidArgument](l, l.faultOf(template.MarkAsVirtualMachine(t.Context(), *pool, nil)))
	there := must(l.finder.HostSystem(t.Context(), "esx3"))(t)
	if err := template.MarkAsVirtualMachine(t.Context(), *pool, there); err != nil {
		t.Fatal(err)
	}
	if host := l.hostName(template); host != "esx3" {
		t.Errorf("it is on %s", host)
	}
	for name, hosts := range map[string]int{"C0": 2, "C1": 1} {
		cluster := must(l.finder.ClusterComputeResource(t.Context(), name))(t)
		if found := must(cluster.Hosts(t.Context()))(t); len(found) != hosts {
			t.Errorf("%s has the hosts %v", name, found)
		}
	}
}

func TestAVMIsPlacedOnAHostWithItsDatastoreAndNetwork(t *testing.T) {
	l := newSite(t)
	spec := l.spec("local", scsi(), newDisk(mib))
	spec.Files.VmPathName = "[local-esx2]"
	if host := l.hostName(l.create(spec)); host != "esx2" {
		t.Errorf("it is on %s", host)
	}
	spec.Name = "other"
	host := must(l.finder.HostSystem(t.Context(), "esx1"))(t)
	fault := isFault[types.InvalidDatastore](l, l.refusal(l.folder.CreateVM(t.Context(), spec, l.pool, host)))
	if fault.Name != "local-esx2" {
		t.Errorf("got %+v", fault)
	}
	image, snapshot := l.image("image")
	into := linked(l, snapshot)
	store := must(l.finder.Datastore(t.Context(), "local-esx2"))(t).Reference()
	into.Location.Datastore = &store
	if host := l.hostName(l.clone(image, "clone", into)); host != "esx2" {
		t.Errorf("the clone is on %s", host)
	}
	partial := l.create(l.spec("partial", card("Partial", "")))
	l.result(partial.PowerOn(t.Context()))
	if host := l.hostName(partial); host != "esx1" {
		t.Errorf("it runs on %s", host)
	}
}

func TestADatastoreClusterShowsTheFreeSpaceOfItsMembers(t *testing.T) {
	l := newSite(t)
	summary := func() types.StoragePodSummary {
		var found types.StoragePodSummary
		l.server.locked(l.server.site.pod, func(*simulator.Context) { found = *l.server.site.pod.Summary })
		return found
	}
	before := summary()
	if before.Capacity != 128*gib || before.FreeSpace != 128*gib || before.Name != "POD0" {
		t.Errorf("got %+v", before)
	}
	if err := l.server.SetFree("shared1", gib); err != nil {
		t.Fatal(err)
	}
	if after := summary(); after.FreeSpace != 65*gib {
		t.Errorf("got %+v", after)
	}
}

func TestTheManagersOfAHostExist(t *testing.T) {
	l := newLab(t)
	var host mo.HostSystem
	collector := property.DefaultCollector(l.client.Client)
	if err := collector.RetrieveOne(t.Context(), *l.host("esx2"), []string{"configManager"}, &host); err != nil {
		t.Fatal(err)
	}
	managers := reflect.ValueOf(host.ConfigManager)
	for i := range managers.NumField() {
		manager, isRef := managers.Field(i).Interface().(*ref)
		if isRef && manager != nil && l.server.registry.Get(*manager) == nil {
			t.Errorf("%s names no object", managers.Type().Field(i).Name)
		}
	}
	var vsan mo.HostVsanSystem
	if err := collector.RetrieveOne(t.Context(), *host.ConfigManager.VsanSystem, []string{"config"}, &vsan); err != nil {
		t.Fatal(err)
	}
	if *vsan.Config.Enabled || *vsan.Config.HostSystem != *l.host("esx2") {
		t.Errorf("vSAN: %+v", vsan.Config)
	}
	status := must(methods.QueryHostStatus(t.Context(), l.client, &types.QueryHostStatus{This: *host.ConfigManager.VsanSystem}))(t).Returnval
	if status.Uuid != "" || status.Health != "unknown" || status.NodeState.State != "disabled" {
		t.Errorf("vSAN: %+v", status)
	}
}

func TestWhatTheLabLacksIsRefusedAsNotSupported(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web"))
	_, err := methods.CreateScreenshot_Task(t.Context(), l.client, &types.CreateScreenshot_Task{This: vm.Reference()})
	isFault[types.NotSupported](l, l.faultOf(err))
	_, err = methods.EvcManager(t.Context(), l.client, &types.EvcManager{This: must(l.finder.ClusterComputeResource(t.Context(), "C0"))(t).Reference()})
	isFault[types.NotSupported](l, l.faultOf(err))
}

func TestTheResourceUsageOfAClusterIsThatOfItsHosts(t *testing.T) {
	l := newLab(t)
	cluster := must(l.finder.ClusterComputeResource(t.Context(), "C0"))(t)
	usage := must(methods.GetResourceUsage(t.Context(), l.client, &types.GetResourceUsage{This: cluster.Reference()}))(t).Returnval
	var read mo.ClusterComputeResource
	if err := cluster.Properties(t.Context(), cluster.Reference(), []string{"summary"}, &read); err != nil {
		t.Fatal(err)
	}
	summary := read.Summary.GetComputeResourceSummary()
	if usage.CpuCapacityMHz != summary.TotalCpu || int64(usage.MemCapacityMB) != summary.TotalMemory>>20 || usage.StorageCapacityMB <= usage.StorageUsedMB {
		t.Errorf("usage %+v, summary %+v", usage, summary)
	}
}
