// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Registration of VMs: a VM is taken out of the inventory with its files kept, and registered again from its files. What the
// inventory alone has of it is lost: its id, permissions, groups and rules.

package vsim

import (
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
)

// registration is what the files of a VM would say: the lab's configuration files have no more than names.
type registration struct {
	name      string
	config    types.VirtualMachineConfigInfo
	snapshots *types.VirtualMachineSnapshotInfo
	taken     map[ref]types.VirtualMachineConfigInfo // the configurations of the snapshots
}

// registrations are those of the VMs that were unregistered, by the path of their configuration file.
type registrations struct {
	mu     sync.Mutex
	byPath map[string]registration
}

func (r *registrations) keep(path string, one registration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byPath == nil {
		r.byPath = map[string]registration{}
	}
	r.byPath[path] = one
}

func (r *registrations) find(path string) (registration, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one, found := r.byPath[path]
	return one, found
}

func (r *registrations) forget(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.byPath, path)
}

// unregister removes a VM and its snapshots from the inventory.
func (s *Server) unregister(by cause, vm *simulator.VirtualMachine) {
	var snapshots []ref
	s.locked(vm, func(*simulator.Context) {
		if vm.Snapshot != nil {
			snapshots = snapshotRefs(vm.Snapshot.RootSnapshotList)
		}
	})
	removed := &types.VmRemovedEvent{VmEvent: s.vmEvent(vm)}
	s.unlist(vm)
	s.removeChild(vm)
	s.forgetMachine(vm.Self, s.clusterOf(s.hostOf(vm)))
	s.overlays.forget(vm.Self)
	for _, snapshot := range snapshots {
		s.registry.Remove(s.context(), snapshot)
	}
	s.post(by, removed)
}

// unregisterVM implements UnregisterVM. Unconfirmed: that it is possible for a VM of a host that is not connected.
func (s *Server) unregisterVM(ctx *simulator.Context, request *types.UnregisterVM) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.This)
	lock := s.operations.of(vm.Self)
	lock.Lock()
	defer lock.Unlock()
	if fault := s.unregisterOff(causeOf(ctx), vm); fault != nil {
		return nil, fault
	}
	return &methods.UnregisterVMBody{Res: &types.UnregisterVMResponse{}}, nil
}

// unregisterOff takes a VM that is powered off out of the inventory and keeps its files.
func (s *Server) unregisterOff(by cause, vm *simulator.VirtualMachine) types.BaseMethodFault {
	if state := s.powerState(vm); state != types.VirtualMachinePowerStatePoweredOff {
		return wrongPowerState(state, types.VirtualMachinePowerStatePoweredOff)
	}
	s.registrations.keep(s.configPath(vm), s.registrationOf(vm))
	s.unregister(by, vm)
	s.diskUse.set(vm.Self, nil)
	return nil
}

func (s *Server) registrationOf(vm *simulator.VirtualMachine) registration {
	one := registration{taken: map[ref]types.VirtualMachineConfigInfo{}}
	var snapshots []ref
	s.locked(vm, func(*simulator.Context) {
		one.name, one.config = vm.Name, copied(*vm.Config)
		if vm.Snapshot != nil {
			info := copied(*vm.Snapshot)
			one.snapshots, snapshots = &info, snapshotRefs(vm.Snapshot.RootSnapshotList)
		}
	})
	for _, reference := range snapshots {
		if snapshot, ok := s.registry.Get(reference).(*simulator.VirtualMachineSnapshot); ok {
			one.taken[reference] = copied(snapshot.Config)
		}
	}
	return one
}

// registerVM implements RegisterVM_Task: "AlreadyExists: if the virtual machine is already registered"; "DuplicateName";
// "NotFound: if the configuration file is not found"; "InvalidArgument: if any of the arguments are invalid". The pool is "not
// set" for a template, whose host is required then (unconfirmed).
func (s *Server) registerVM(ctx *simulator.Context, request *types.RegisterVM_Task) (soap.HasFault, types.BaseMethodFault) {
	folder, ok := s.registry.Get(request.This).(*simulator.Folder)
	if !ok || !holdsVMs(folder) {
		return nil, invalidArgument("folder")
	}
	return s.task(ctx, folder.Self, "RegisterVM_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		vm, fault := s.register(by, folder, request)
		if fault != nil {
			return nil, fault
		}
		return vm.Self, nil
	})
}

func (s *Server) register(by cause, folder *simulator.Folder, request *types.RegisterVM_Task) (*simulator.VirtualMachine, types.BaseMethodFault) {
	if registered := s.vmAt(request.Path); registered != nil {
		return nil, &types.AlreadyExists{Name: registered.Name}
	}
	known, found := s.registrations.find(request.Path)
	if !found {
		return nil, &types.NotFound{}
	}
	host, fault := s.registrationHost(request)
	if fault != nil {
		return nil, fault
	}
	name := known.name
	if request.Name != "" {
		name = escaped(request.Name)
	}
	release, fault := s.takeName(folder.Self, name)
	if fault != nil {
		return nil, fault
	}
	defer release()
	path, err := datastore.ParsePath(request.Path)
	if err != nil {
		return nil, &types.InvalidDatastorePath{DatastorePath: request.Path}
	}
	d := &draft{server: s, name: name, home: path.Dir(), host: host, config: copied(known.config)}
	d.config.Template = request.AsTemplate
	vm := s.publishNew(d, folder, request.Pool)
	s.registerSnapshots(vm, known)
	s.registrations.forget(request.Path)
	s.post(by, &types.VmRegisteredEvent{VmEvent: s.vmEvent(vm)})
	return vm, nil
}

// registrationHost returns the host of a VM that is registered: a usable host of the pool's cluster with the VM's datastore.
func (s *Server) registrationHost(request *types.RegisterVM_Task) (*simulator.HostSystem, types.BaseMethodFault) {
	if request.AsTemplate != (request.Pool == nil) {
		return nil, invalidArgument("pool")
	}
	if request.Host == nil {
		return nil, invalidArgument("host")
	}
	host, ok := s.registry.Get(*request.Host).(*simulator.HostSystem)
	if !ok || request.Pool != nil && s.clusterOf(host.Self) != s.clusterOf(*request.Pool) {
		return nil, invalidArgument("host")
	}
	if fault := s.hostTakes(host); fault != nil {
		return nil, fault
	}
	return host, s.registeredOn(host, request.Path)
}

// registeredOn returns the fault of a host that does not mount the datastore of a configuration file.
func (s *Server) registeredOn(host *simulator.HostSystem, path string) types.BaseMethodFault {
	place, fault := s.place(path)
	if fault != nil {
		return fault
	}
	return s.hostMounts(host, place.Store)
}

// registerSnapshots gives the VM its snapshots, with new ids.
func (s *Server) registerSnapshots(vm *simulator.VirtualMachine, known registration) {
	if known.snapshots == nil {
		return
	}
	ids := map[ref]ref{}
	for old, config := range known.taken {
		taken := &simulator.VirtualMachineSnapshot{}
		taken.Config, taken.Vm = config, vm.Self
		ids[old] = s.registry.Put(taken).Reference()
	}
	info := copied(*known.snapshots)
	rename(info.RootSnapshotList, vm.Self, ids)
	if info.CurrentSnapshot != nil {
		current := ids[*info.CurrentSnapshot]
		info.CurrentSnapshot = &current
	}
	s.locked(vm, func(ctx *simulator.Context) { setSnapshots(ctx, vm, &info) })
	s.noteDisks(vm)
}

// rename replaces the ids in a tree of snapshots.
func rename(tree []types.VirtualMachineSnapshotTree, vm ref, ids map[ref]ref) {
	for i := range tree {
		tree[i].Vm, tree[i].Snapshot = vm, ids[tree[i].Snapshot]
		rename(tree[i].ChildSnapshotList, vm, ids)
	}
}

// vmAt returns the VM whose configuration file is at the path, or nil.
func (s *Server) vmAt(path string) *simulator.VirtualMachine {
	for _, entity := range s.registry.All("VirtualMachine") {
		if vm, ok := entity.(*simulator.VirtualMachine); ok && s.configPath(vm) == path {
			return vm
		}
	}
	return nil
}

func (s *Server) configPath(vm *simulator.VirtualMachine) (path string) {
	s.locked(vm, func(*simulator.Context) { path = vm.Config.Files.VmPathName })
	return path
}
