// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// PlaceVm: the host and the datastore that DRS recommends together for a VM that is to be created or moved.

package vsim

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// placement is a request to place a VM.
type placement struct {
	spec     types.PlacementSpec
	relocate types.VirtualMachineRelocateSpec
	cluster  *simulator.ClusterComputeResource
	config   *types.VirtualMachineConfigInfo
	vm       ref // empty for a VM that is to be created
	current  ref // its host
}

func (s *Server) placeVM(_ *simulator.Context, request *types.PlaceVm) (soap.HasFault, types.BaseMethodFault) {
	p := &placement{spec: request.PlacementSpec, cluster: s.clusterOf(request.This)}
	if p.spec.RelocateSpec != nil {
		p.relocate = *p.spec.RelocateSpec
	}
	if len(p.spec.StoragePods) > 0 {
		return nil, notSupported("The lab does not recommend datastores of a datastore cluster.")
	}
	if fault := s.placementConfig(p); fault != nil {
		return nil, fault
	}
	hosts, fault := s.placementHosts(p)
	if fault != nil {
		return nil, fault
	}
	stores, fault := s.placementStores(p)
	if fault != nil {
		return nil, fault
	}
	body := &methods.PlaceVmBody{Res: &types.PlaceVmResponse{}}
	host, store, fault := s.recommend(p, hosts, stores)
	if fault != nil {
		body.Res.Returnval.DrsFault = &types.ClusterDrsFaults{Reason: string(types.RecommendationReasonCodeXvmotionPlacement),
			FaultsByVm: []types.BaseClusterDrsFaultsFaultsByVm{&types.ClusterDrsFaultsFaultsByVm{Vm: p.spec.Vm,
				Fault: []types.LocalizedMethodFault{*localized(fault)}}}}
		return body, nil
	}
	// "if no resource pool is specified, the virtual machine will be attached to the cluster root resource pool"
	target := types.VirtualMachineRelocateSpec{Host: &host, Datastore: &store, Disk: p.relocate.Disk, Pool: p.relocate.Pool}
	if target.Pool == nil {
		target.Pool = p.cluster.ResourcePool
	}
	body.Res.Returnval.Recommendations = []types.ClusterRecommendation{{Key: "1", Type: "V1", Time: s.clock.Now(), Rating: 5,
		Reason:     string(types.RecommendationReasonCodeXvmotionPlacement),
		ReasonText: "Placement of a virtual machine", Target: &p.cluster.Self,
		Action: []types.BaseClusterAction{&types.PlacementAction{
			ClusterAction: types.ClusterAction{Type: "PlacementV1", Target: &p.cluster.Self},
			Vm:            p.spec.Vm, TargetHost: &host, RelocateSpec: &target}}}}
	return body, nil
}

// recommend returns the first of the datastores that a host can use, with the best of its hosts.
func (s *Server) recommend(p *placement, hosts []*simulator.HostSystem, stores []*simulator.Datastore) (host, store ref, fault types.BaseMethodFault) {
	for _, candidate := range stores {
		config := s.placedConfig(p, candidate.Name)
		want := claimOf(p.vm, config, *p.cluster.ResourcePool)
		chosen, refusal := s.placementHost(p, hosts, want, config)
		if refusal == nil {
			return chosen, candidate.Self, nil
		}
		if fault == nil {
			fault = refusal
		}
	}
	return ref{}, ref{}, fault
}

func (s *Server) placementHost(p *placement, hosts []*simulator.HostSystem, want claim, config *types.VirtualMachineConfigInfo) (ref, types.BaseMethodFault) {
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	return s.bestOf(hosts, want, p.current, func(host *simulator.HostSystem) types.BaseMethodFault {
		return s.hostAdmits(host, want, config)
	})
}

// placedConfig returns the configuration that a host must be able to run with the VM on a datastore; disks with a locator are
// where that says.
func (s *Server) placedConfig(p *placement, store string) *types.VirtualMachineConfigInfo {
	config := copied(*p.config)
	stores := map[int32]string{}
	for _, disk := range disksOf(config.Hardware.Device) {
		stores[disk.Key] = store
	}
	for _, locator := range p.relocate.Disk {
		stores[locator.DiskId] = s.nameOf(locator.Datastore)
	}
	moveConfig(&config, store, stores)
	return &config
}

// placementHosts returns the candidate hosts. hosts "is ignored if relocateSpec.host is set"; without either, "all hosts in
// the cluster will be considered" (API, PlacementSpec).
func (s *Server) placementHosts(p *placement) ([]*simulator.HostSystem, types.BaseMethodFault) {
	only := p.spec.Hosts
	if p.relocate.Host != nil {
		only = []ref{*p.relocate.Host}
	}
	hosts := s.hostsWith(p.cluster.Self)
	if len(only) > 0 {
		hosts = slices.DeleteFunc(hosts, func(host *simulator.HostSystem) bool { return !slices.Contains(only, host.Self) })
	}
	if len(hosts) == 0 {
		return nil, invalidArgument("placementSpec.hosts")
	}
	return hosts, nil
}

// placementStores returns the candidate datastores, the one with the most free space first. datastores "is ignored if
// relocateSpec.datastore is set"; without either, "all datastores connected to hosts in the cluster will be considered"
// (API, PlacementSpec).
func (s *Server) placementStores(p *placement) ([]*simulator.Datastore, types.BaseMethodFault) {
	only := p.spec.Datastores
	if p.relocate.Datastore != nil {
		only = []ref{*p.relocate.Datastore}
	}
	var stores []*simulator.Datastore
	for _, configured := range s.config.Datastores {
		if entity := s.site.datastores[configured.Name]; len(only) == 0 || slices.Contains(only, entity.Self) {
			stores = append(stores, entity)
		}
	}
	if len(stores) == 0 {
		return nil, invalidArgument("placementSpec.datastores")
	}
	slices.SortStableFunc(stores, func(a, b *simulator.Datastore) int {
		return cmp.Compare(s.stores.Named(b.Name).Free(), s.stores.Named(a.Name).Free())
	})
	return stores, nil
}

// placementConfig sets the VM that is to be placed, and its configuration.
func (s *Server) placementConfig(p *placement) types.BaseMethodFault {
	var change *types.VirtualMachineConfigSpec
	config := newConfig(s.clock.Now())
	switch kind := types.PlacementSpecPlacementType(p.spec.PlacementType); kind {
	case types.PlacementSpecPlacementTypeCreate:
		if p.spec.ConfigSpec == nil {
			return invalidArgument("placementSpec.configSpec")
		}
		change = p.spec.ConfigSpec
	case types.PlacementSpecPlacementTypeClone, types.PlacementSpecPlacementTypeRelocate, types.PlacementSpecPlacementTypeReconfigure:
		if p.spec.Vm == nil || s.vm(*p.spec.Vm) == nil {
			return invalidArgument("placementSpec.vm")
		}
		vm := s.vm(*p.spec.Vm)
		s.locked(vm, func(*simulator.Context) { config, p.current = copied(*vm.Config), *vm.Runtime.Host })
		if kind != types.PlacementSpecPlacementTypeClone {
			p.vm = vm.Self
		}
		if p.spec.CloneSpec != nil {
			change = p.spec.CloneSpec.Config
		}
		if p.spec.ConfigSpec != nil {
			change = p.spec.ConfigSpec
		}
	default:
		return notSupported(fmt.Sprintf("The lab does not support placements of type %q.", p.spec.PlacementType))
	}
	if change != nil {
		// Devices are left out: files would be created for them, and placement considers only the size.
		d := &draft{server: s, config: config}
		sizes := &types.VirtualMachineConfigSpec{NumCPUs: change.NumCPUs, NumCoresPerSocket: change.NumCoresPerSocket,
			MemoryMB: change.MemoryMB, MemoryAllocation: change.MemoryAllocation, CpuAllocation: change.CpuAllocation}
		if fault := d.apply(sizes); fault != nil {
			return fault
		}
		config = d.config
	}
	p.config = &config
	return s.placementCards(p)
}

// placementCards moves network adapters to the networks that relocateSpec.deviceChange names.
func (s *Server) placementCards(p *placement) types.BaseMethodFault {
	for _, base := range p.relocate.DeviceChange {
		change := base.GetVirtualDeviceConfigSpec()
		moved, isCard := change.Device.(types.BaseVirtualEthernetCard)
		if !isCard {
			continue
		}
		wanted := moved.GetVirtualEthernetCard()
		cards := cardsOf(p.config.Hardware.Device)
		place := slices.IndexFunc(cards, func(card *types.VirtualEthernetCard) bool { return card.Key == wanted.Key })
		if place < 0 || change.Operation != types.VirtualDeviceConfigSpecOperationEdit || !s.namesNetwork(p, wanted) {
			return invalidArgument("placementSpec.relocateSpec.deviceChange")
		}
		cards[place].Backing = wanted.Backing
	}
	return nil
}

// namesNetwork returns whether an adapter's backing names a network of the cluster, and completes the backing.
func (s *Server) namesNetwork(p *placement, card *types.VirtualEthernetCard) bool {
	switch backing := card.Backing.(type) {
	case *types.VirtualEthernetCardNetworkBackingInfo:
		for _, host := range s.hostsWith(p.cluster.Self) {
			if network := (&draft{server: s, host: host}).standardNetwork(backing); network != nil {
				backing.DeviceName, backing.Network = network.Name, &network.Self
				return true
			}
		}
	case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
		reference, _ := s.networkOf(card)
		return s.registry.Get(reference) != nil
	}
	return false
}
