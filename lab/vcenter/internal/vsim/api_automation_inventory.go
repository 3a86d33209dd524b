// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The inventory as com.vmware.vcenter of the Automation API lists it.

package vsim

import (
	"maps"
	"slices"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vapi"
	"gantry.invalid/lab/vcenter/internal/vim"
)

// listedTypes are the subtypes of the types of entities that are listed.
var listedTypes = map[string][]string{"Network": {"Network", "DistributedVirtualPortgroup", "OpaqueNetwork"}}

// Entities leaves out the root folder, which is the folder of datacenters.
func (d directory) Entities(kind string) []vapi.Entity {
	kinds := listedTypes[kind]
	if kinds == nil {
		kinds = []string{kind}
	}
	var found []vapi.Entity
	for _, one := range kinds {
		for _, entity := range d.server.registry.All(one) {
			if entity.Reference() != d.Root() {
				found = append(found, d.entity(entity))
			}
		}
	}
	slices.SortFunc(found, func(one, other vapi.Entity) int { return strings.Compare(one.Ref.Value, other.Ref.Value) })
	return found
}

// fieldsOf are the fields of filters by the types of the objects that they name.
var fieldsOf = map[string]string{
	"VirtualMachine": "vms", "ClusterComputeResource": "clusters", "Datacenter": "datacenters", "Datastore": "datastores",
	"HostSystem": "hosts", "ResourcePool": "resource_pools", "Network": "networks",
}

func (d directory) entity(entity mo.Entity) (found vapi.Entity) {
	parents := d.containers(entity)
	self := entity.Reference()
	d.server.locked(entity, func(*simulator.Context) {
		name := entity.Entity().Name
		fields := map[string][]string{"names": {name}}
		maps.Copy(fields, parents)
		found = vapi.Entity{Ref: self, Fields: fields}
		switch one := entity.(type) {
		case *simulator.VirtualMachine:
			found.Summary = summaryOfVM(one)
			fields["power_states"] = []string{powerState(one.Runtime.PowerState)}
			fields["hosts"] = []string{one.Runtime.Host.Value}
		case *simulator.ClusterComputeResource:
			found.Summary = summaryOfCluster(one)
		case *simulator.Datacenter:
			found.Summary = vapi.DatacenterSummary{ID: self.Value, Name: name}
		case *simulator.Datastore:
			summary := summaryOfDatastore(one)
			found.Summary, fields["types"] = summary, []string{summary.Type}
		case *simulator.HostSystem:
			summary := summaryOfHost(one)
			found.Summary, fields["connection_states"] = summary, []string{summary.Connection}
			fields["standalone"] = []string{"false"} // all hosts of the lab are in clusters
			fields["host_uuids"] = []string{one.Summary.Hardware.Uuid}
		case *simulator.ResourcePool:
			found.Summary = vapi.PoolSummary{ID: self.Value, Name: name}
		case *simulator.Folder:
			kind := folderType(one)
			found.Summary, fields["type"] = vapi.FolderSummary{ID: self.Value, Name: name, Type: kind}, []string{kind}
		default:
			kind := networkTypes[self.Type]
			found.Summary, fields["types"] = vapi.NetworkSummary{ID: self.Value, Name: name, Type: kind}, []string{kind}
		}
		fields[ownField(self)] = []string{self.Value}
	})
	return found
}

var networkTypes = map[string]string{
	"Network": "STANDARD_PORTGROUP", "DistributedVirtualPortgroup": "DISTRIBUTED_PORTGROUP", "OpaqueNetwork": "OPAQUE_NETWORK",
}

func ownField(self ref) string {
	if self.Type == "Folder" {
		return "folders"
	}
	if networkTypes[self.Type] != "" {
		return "networks"
	}
	return fieldsOf[self.Type]
}

// containers returns the objects that contain an entity, by the fields of filters. "folders" has the nearest folder only, and so has
// "parent_folders" and "parent_resource_pools".
func (d directory) containers(entity mo.Entity) map[string][]string {
	known := facts{Server: d.server}
	found := map[string][]string{"folders": {}, "parent_folders": {}, "parent_resource_pools": {}, "clusters": {}, "datacenters": {}}
	if vm, isVM := entity.(*simulator.VirtualMachine); isVM {
		found["resource_pools"], found["clusters"] = d.poolOf(vm)
	}
	if pool, isPool := entity.(*simulator.ResourcePool); isPool {
		found["hosts"] = d.hostsOf(pool.Self)
	}
	for at := known.Parent(entity.Reference()); at != nil; at = known.Parent(*at) {
		switch at.Type {
		case "Folder":
			if len(found["parent_folders"]) == 0 {
				found["folders"], found["parent_folders"] = []string{at.Value}, []string{at.Value}
			}
		case "ResourcePool":
			if len(found["parent_resource_pools"]) == 0 {
				found["parent_resource_pools"] = []string{at.Value}
			}
		case "ClusterComputeResource", "Datacenter":
			found[fieldsOf[at.Type]] = []string{at.Value}
		}
	}
	return found
}

// poolOf returns the pool of a VM, and its cluster.
func (d directory) poolOf(vm *simulator.VirtualMachine) (pools, clusters []string) {
	pools, clusters = []string{}, []string{}
	var host *ref
	d.server.locked(vm, func(*simulator.Context) {
		if vm.ResourcePool != nil {
			pools = append(pools, vm.ResourcePool.Value)
		}
		host = vm.Runtime.Host
	})
	if host != nil {
		if cluster := d.server.clusterOf(*host); cluster != nil {
			clusters = append(clusters, cluster.Self.Value)
		}
	}
	return pools, clusters
}

func (d directory) hostsOf(pool ref) []string {
	hosts := []string{}
	for _, host := range d.server.hostsWith(pool) {
		hosts = append(hosts, host.Self.Value)
	}
	return hosts
}

// enumerated converts a value of the vSphere API, such as poweredOn, to one of the Automation API, POWERED_ON.
func enumerated(value string) string {
	var converted strings.Builder
	for n, letter := range value {
		if n > 0 && letter >= 'A' && letter <= 'Z' {
			converted.WriteByte('_')
		}
		converted.WriteString(strings.ToUpper(string(letter)))
	}
	return converted.String()
}

func powerState(state types.VirtualMachinePowerState) string { return enumerated(string(state)) }

func summaryOfVM(vm *simulator.VirtualMachine) vapi.VMSummary {
	cpus, memory := int64(vm.Config.Hardware.NumCPU), int64(vm.Config.Hardware.MemoryMB)
	return vapi.VMSummary{ID: vm.Self.Value, Name: vm.Name, Power: powerState(vm.Runtime.PowerState), CPUs: &cpus, Memory: &memory}
}

func summaryOfCluster(cluster *simulator.ClusterComputeResource) vapi.ClusterSummary {
	summary := vapi.ClusterSummary{ID: cluster.Self.Value, Name: cluster.Name}
	if config, ok := cluster.ConfigurationEx.(*types.ClusterConfigInfoEx); ok {
		summary.HA = vim.IsTrue(config.DasConfig.Enabled)
		summary.DRS = vim.IsTrue(config.DrsConfig.Enabled)
	}
	return summary
}

func summaryOfDatastore(store *simulator.Datastore) vapi.DatastoreSummary {
	about := store.Summary
	return vapi.DatastoreSummary{ID: store.Self.Value, Name: store.Name, Type: strings.ToUpper(about.Type), Free: &about.FreeSpace,
		Capacity: &about.Capacity}
}

func summaryOfHost(host *simulator.HostSystem) vapi.HostSummary {
	summary := vapi.HostSummary{ID: host.Self.Value, Name: host.Name, Connection: enumerated(string(host.Runtime.ConnectionState)),
		UUID: &host.Summary.Hardware.Uuid}
	if host.Runtime.ConnectionState == types.HostSystemConnectionStateConnected {
		power := enumerated(string(host.Runtime.PowerState))
		summary.Power = &power // "This is not set when the host is not connected"
	}
	return summary
}

// folderType returns the type of entities that a folder may have.
func folderType(folder *simulator.Folder) string {
	has := func(kind string) bool { return slices.Contains(folder.ChildType, kind) }
	switch {
	case has("VirtualMachine"):
		return "VIRTUAL_MACHINE"
	case has("ComputeResource"):
		return "HOST"
	case has("Datastore"):
		return "DATASTORE"
	case has("Network"):
		return "NETWORK"
	}
	return "DATACENTER"
}
