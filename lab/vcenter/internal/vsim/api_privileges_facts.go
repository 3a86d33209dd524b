// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The inventory as the checks of privileges see it.

package vsim

import (
	"reflect"
	"slices"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/authz"
	"gantry.invalid/lab/vcenter/internal/datastore"
)

// facts implements authz.Facts for the call of one user.
type facts struct {
	*Server
	user string
}

func (s *Server) facts(user string) facts { return facts{s, user} }

func (f facts) User() string { return f.user }

func (f facts) Owner(object ref) ref {
	switch found := f.registry.Get(object).(type) {
	case *simulator.VirtualMachineSnapshot:
		return found.Vm
	case *simulator.ResourcePool:
		if found.Parent != nil && found.Parent.Type != "ResourcePool" {
			return *found.Parent // the root pool
		}
	case *simulator.Folder:
		if found.Parent != nil && found.Parent.Type == "Datacenter" {
			return *found.Parent
		}
	case *simulator.Task:
		// A task outlives its entity.
		if entity := f.entityOf(found); entity != nil && f.registry.Get(*entity) != nil {
			return f.Owner(*entity)
		}
	}
	if authz.IsEntity(object.Type) {
		return object
	}
	if host := f.hostOfManager(object); host != nil {
		return *host
	}
	return f.serviceContent().RootFolder
}

// hostOfManager returns the host to which one of the managers of a host belongs; nil for another object.
func (f facts) hostOfManager(object ref) *ref {
	if !strings.HasPrefix(object.Type, "Host") {
		return nil
	}
	for _, host := range f.registry.All("HostSystem") {
		managers := reflect.ValueOf(host.(*simulator.HostSystem).ConfigManager)
		for n := range managers.NumField() {
			if manager, ok := managers.Field(n).Interface().(*ref); ok && manager != nil && *manager == object {
				found := host.Reference()
				return &found
			}
		}
	}
	return nil
}

func (f facts) entityOf(task *simulator.Task) (entity *ref) {
	f.locked(task, func(*simulator.Context) { entity = task.Info.Entity })
	return entity
}

func (f facts) Parents(entity ref) (parents []ref) {
	if parent := f.Parent(entity); parent != nil {
		parents = append(parents, *parent)
	}
	if vm := f.vm(entity); vm != nil {
		f.locked(vm, func(*simulator.Context) {
			if vm.ResourcePool != nil {
				parents = append(parents, *vm.ResourcePool)
			}
		})
	}
	return parents
}

func (f facts) Parent(entity ref) (parent *ref) {
	object, ok := f.registry.Get(entity).(mo.Entity)
	if !ok {
		return nil
	}
	f.locked(object, func(*simulator.Context) {
		if found := object.Entity().Parent; found != nil {
			copied := *found
			parent = &copied
		}
	})
	return parent
}

func (f facts) VM(reference ref) *authz.VM {
	vm := f.vm(reference)
	if vm == nil {
		return nil
	}
	known := &authz.VM{}
	f.locked(vm, func(*simulator.Context) {
		known.Template = vm.Config.Template
		known.IsOn = vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn
		known.Pool, known.Datastores = vm.ResourcePool, slices.Clone(vm.Datastore)
		known.Devices = slices.Clone(vm.Config.Hardware.Device)
		known.HomePath = vm.Config.Files.VmPathName
	})
	return known
}

func (f facts) PoolMembers(reference ref) (pools, vms []ref) {
	if pool, ok := f.registry.Get(reference).(*simulator.ResourcePool); ok {
		f.locked(pool, func(*simulator.Context) {
			pools, vms = slices.Clone(pool.ResourcePool.ResourcePool), slices.Clone(pool.Vm)
		})
	}
	return pools, vms
}

func (f facts) Datastore(path string) *ref {
	place, err := datastore.ParsePath(path)
	if store := f.site.datastores[place.Store]; err == nil && store != nil {
		return &store.Self
	}
	return nil
}

func (f facts) Network(backing types.BaseVirtualDeviceBackingInfo) *ref {
	switch backing := backing.(type) {
	case *types.VirtualEthernetCardNetworkBackingInfo:
		if backing.Network != nil {
			return backing.Network
		}
		for _, network := range f.registry.All("Network") {
			if network.Entity().Name == backing.DeviceName {
				found := network.Reference()
				return &found
			}
		}
	case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
		if group := f.groupOf(backing.Port); group != nil {
			return &group.Self
		}
	case *types.VirtualEthernetCardOpaqueNetworkBackingInfo:
		if network := f.opaqueNetwork(backing); network != nil {
			return &network.Self
		}
	}
	return nil
}

func (f facts) PrivilegesOf(role int32) []string { return f.authz.PrivilegesOf(role) }

func (f facts) Permissions(entity ref) []types.Permission { return f.authz.On(entity) }

func (f facts) Requester(task ref) (user string) {
	if found, ok := f.registry.Get(task).(*simulator.Task); ok {
		f.locked(found, func(*simulator.Context) {
			if reason, ok := found.Info.Reason.(*types.TaskReasonUser); ok {
				user = reason.UserName
			}
		})
	}
	return user
}
