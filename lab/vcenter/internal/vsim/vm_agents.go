// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The VMs of vSphere Cluster Services (vCLS), which vCenter itself creates, starts, stops and removes in each cluster. No client
// may do so, and none is asked to: "when placing a host currently running an Embedded vCLS VM into maintenance mode, the host
// will automatically spin-down the Embedded vCLS VM and another host in the cluster will automatically spin-up a new" one
// (VMware Cloud Foundation blog, Embedded vSphere Cluster Services Overview).

package vsim

import (
	"fmt"
	"slices"
	"sync"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
)

// The kinds of vSphere Cluster Services that a cluster can have.
const (
	// NoAgents: the services are off ("retreat mode").
	NoAgents = "none"
	// ExternalAgents are VMs on a datastore that ESX Agent Manager deploys: up to three in a cluster, until 8.0 U2.
	ExternalAgents = "external"
	// EmbeddedAgents are CRX VMs without files on a datastore: up to two in a cluster, since 8.0 U3.
	EmbeddedAgents = "embedded"
)

const agentFolder = "vCLS"

var mostAgents = map[string]int{NoAgents: 0, ExternalAgents: 3, EmbeddedAgents: 2}

// agents are the VMs of vSphere Cluster Services.
type agents struct {
	changing sync.Mutex // held while VMs are added or removed

	mu    sync.Mutex
	kinds map[ref]string // by cluster
	hosts map[ref]ref    // of each VM
}

// setKind sets the kind of a cluster's services.
func (a *agents) setKind(cluster ref, kind string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kinds == nil {
		a.kinds, a.hosts = map[ref]string{}, map[ref]ref{}
	}
	a.kinds[cluster] = kind
}

func (a *agents) kindOf(cluster ref) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.kinds[cluster]
}

func (a *agents) has(vm ref) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, known := a.hosts[vm]
	return known
}

// on returns the VMs on a host.
func (a *agents) on(host ref) []ref {
	a.mu.Lock()
	defer a.mu.Unlock()
	var there []ref
	for vm, its := range a.hosts {
		if its == host {
			there = append(there, vm)
		}
	}
	return there
}

func (a *agents) add(vm, host ref) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hosts[vm] = host
}

func (a *agents) remove(vm ref) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.hosts, vm)
}

// SetClusterServices turns the vSphere Cluster Services of a cluster on or off.
func (s *Server) SetClusterServices(name, kind string) error {
	if _, known := mostAgents[kind]; !known {
		return fmt.Errorf("kind is %q; it must be %s, %s or %s", kind, NoAgents, ExternalAgents, EmbeddedAgents)
	}
	cluster, ok := s.registry.FindByName(name, s.clusters()).(*simulator.ClusterComputeResource)
	if !ok {
		return fmt.Errorf("%w: there is no cluster named %s", ErrNotFound, name)
	}
	s.agents.changing.Lock()
	defer s.agents.changing.Unlock()
	for _, host := range s.hostsWith(cluster.Self) {
		s.removeAgents(host.Self)
	}
	s.agents.setKind(cluster.Self, kind)
	s.addAgents(cluster)
	return nil
}

func (s *Server) clusters() []ref {
	var clusters []ref
	for _, host := range s.site.hosts {
		if !slices.Contains(clusters, *host.Parent) {
			clusters = append(clusters, *host.Parent)
		}
	}
	return clusters
}

// stopAgents removes the agents of a host that enters maintenance mode; other hosts take their place.
func (s *Server) stopAgents(host *simulator.HostSystem) {
	s.agents.changing.Lock()
	defer s.agents.changing.Unlock()
	s.removeAgents(host.Self)
	s.addAgents(s.clusterOf(host.Self))
}

// startAgents adds the agents that a cluster lacks, after a host has become available.
func (s *Server) startAgents(host *simulator.HostSystem) {
	s.agents.changing.Lock()
	defer s.agents.changing.Unlock()
	s.addAgents(s.clusterOf(host.Self))
}

func (s *Server) removeAgents(host ref) {
	for _, agent := range s.agents.on(host) {
		s.unregister(cause{}, s.vm(agent))
		s.agents.remove(agent)
	}
}

// addAgents adds agents to available hosts without one, until the cluster has as many as it is to have.
func (s *Server) addAgents(cluster *simulator.ClusterComputeResource) {
	if cluster == nil {
		return
	}
	kind := s.agents.kindOf(cluster.Self)
	var free []*simulator.HostSystem
	missing := mostAgents[kind]
	for _, host := range s.hostsWith(cluster.Self) {
		if len(s.agents.on(host.Self)) > 0 {
			missing--
		} else if !s.unavailable(host) && s.disconnected(host) == nil {
			free = append(free, host)
		}
	}
	for _, host := range free[:max(0, min(missing, len(free)))] {
		s.addAgent(cluster, host, kind)
	}
}

func (s *Server) addAgent(cluster *simulator.ClusterComputeResource, host *simulator.HostSystem, kind string) {
	name := "vCLS-" + uuid.NewString()
	d := &draft{server: s, name: name, host: host, config: newConfig(s.clock.Now())}
	d.config.Hardware.MemoryMB = 128
	if kind == ExternalAgents {
		d.home = datastore.Path{Store: s.datastoreOfAgent(host), Relative: name}
		d.config.Files.VmPathName = d.home.Join(name + ".vmx").String()
		d.config.ManagedBy = &types.ManagedByInfo{ExtensionKey: "com.vmware.vim.eam", Type: "cluster-agent"}
		d.config.GuestId = string(types.VirtualMachineGuestOsIdentifierOther3xLinux64Guest)
	} else {
		// In the memory of the host. Whether vCenter sets managedBy is unconfirmed.
		d.config.Files.VmPathName = "[] /var/run/crx/infra/" + name + "/" + name + ".vmx"
		d.config.GuestId = string(types.VirtualMachineGuestOsIdentifierCrxSys1Guest)
	}
	d.config.GuestFullName = d.config.GuestId
	vm := s.publishNew(d, s.folderOfAgents(), cluster.ResourcePool)
	s.update(vm, append(powerChanges(types.VirtualMachinePowerStatePoweredOn), set("disabledMethod", methodsOffForAgents))...)
	s.agents.add(vm.Self, host.Self)
}

// datastoreOfAgent returns a datastore of the host alone, if it has one.
func (s *Server) datastoreOfAgent(host *simulator.HostSystem) string {
	for _, store := range s.config.Datastores {
		if len(store.Hosts) == 1 && store.Hosts[0] == host.Name {
			return store.Name
		}
	}
	return s.config.Datastores[0].Name
}

func (s *Server) folderOfAgents() *simulator.Folder {
	top := s.registry.Get(s.site.datacenter.VmFolder).(*simulator.Folder)
	if folder, exists := s.childNamed(top.Self, agentFolder).(*simulator.Folder); exists {
		return folder
	}
	folder := &simulator.Folder{}
	folder.Name, folder.ChildType = agentFolder, top.ChildType
	s.registry.NewEntity(folder)
	s.addChild(top, folder)
	return folder
}

// methodsOffForAgents lists what clients cannot do with agents, as the VMs' disabledMethod shows: "Embedded vCLS blocks all
// reconfigure operations" and "is incapable of being migrated" (Broadcom KB 370222); the others "might disrupt the healthy
// functioning of vCLS VMs" (vSphere documentation, vSphere Cluster Services). That external ones refuse the same is
// unconfirmed: with enough privileges they could be migrated and reconfigured.
var methodsOffForAgents = []string{
	"CloneVM_Task", "CreateSnapshot_Task", "CreateSnapshotEx_Task", "Destroy_Task", "InstantClone_Task", "MarkAsTemplate",
	"MigrateVM_Task", "PowerOffVM_Task", "ReconfigVM_Task", "RelocateVM_Task", "Rename_Task", "ResetVM_Task",
	"ShutdownGuest", "SuspendVM_Task", "UnregisterVM",
}

// agentFault returns the fault of a method that is disabled for an agent: "MethodDisabled: […] thrown if a disabled method is
// invoked by the client".
func (s *Server) agentFault(vm ref, method string) types.BaseMethodFault {
	if !s.agents.has(vm) || !slices.Contains(methodsOffForAgents, method) {
		return nil
	}
	fault := &types.MethodDisabled{Source: "com.vmware.vim.eam"}
	because(&fault.MethodFault, fmt.Sprintf("%s is disabled for virtual machine %s, which vCenter manages.", method, s.nameOf(vm)))
	return fault
}
