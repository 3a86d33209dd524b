// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Resource pools: making, changing, moving into, removing.

package vsim

import (
	"slices"
	"strconv"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// The shares of a pool's levels are those of a VM with four CPUs and 16 GB (API, SharesLevel).
var (
	poolCPULevels    = levels{types.SharesLevelLow: 2000, types.SharesLevelNormal: 4000, types.SharesLevelHigh: 8000}
	poolMemoryLevels = levels{types.SharesLevelLow: 81920, types.SharesLevelNormal: 163840, types.SharesLevelHigh: 327680}
)

func (s *Server) createPool(ctx *simulator.Context, request *types.CreateResourcePool) (soap.HasFault, types.BaseMethodFault) {
	parent := s.registry.Get(request.This).(*simulator.ResourcePool)
	if fault := s.requireDRS(parent); fault != nil {
		return nil, fault
	}
	// "All values in ResourceAllocationInfo must be specified and are not optional" (API, CreateResourcePool).
	if !isComplete(&request.Spec.CpuAllocation) {
		return nil, invalidArgument("spec.cpuAllocation")
	}
	if !isComplete(&request.Spec.MemoryAllocation) {
		return nil, invalidArgument("spec.memoryAllocation")
	}
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	name := escaped(request.Name)
	if fault := s.requirePoolName(parent, name); fault != nil {
		return nil, fault
	}
	config, fault := mergedConfig(&types.ResourceConfigSpec{}, &request.Spec, s.clock.Now())
	if fault != nil {
		return nil, fault
	}
	capacity := s.capacity()
	if fault := capacity.free(parent).require(capacity.taken(config, amounts{})); fault != nil {
		return nil, fault
	}
	pool := simulator.NewResourcePool(ctx)
	pool.Name, pool.Owner = name, parent.Owner
	s.registry.NewEntity(pool)
	config.Entity = &pool.Self
	pool.Config = *config
	s.locked(parent, func(ctx *simulator.Context) {
		s.registry.PutEntity(parent, pool)
		ctx.Update(parent, []types.PropertyChange{set("resourcePool", vim.With(parent.ResourcePool.ResourcePool, pool.Self))})
	})
	return &methods.CreateResourcePoolBody{Res: &types.CreateResourcePoolResponse{Returnval: pool.Self}}, nil
}

// requireDRS: without DRS a cluster has no resource pools but its root pool; "The operation is not supported on the object"
// (openshift/installer#3195).
func (s *Server) requireDRS(pool *simulator.ResourcePool) types.BaseMethodFault {
	cluster, ok := s.registry.Get(pool.Owner).(*simulator.ClusterComputeResource)
	if !ok {
		return nil
	}
	if config := s.clusterConfig(cluster); config.DrsConfig.Enabled == nil || !*config.DrsConfig.Enabled {
		return notSupported("DRS is disabled.")
	}
	return nil
}

func (s *Server) requirePoolName(parent *simulator.ResourcePool, name string) types.BaseMethodFault {
	if name == "" || len(name) > longestName {
		return &types.InvalidName{Name: name, Entity: &parent.Self}
	}
	if taken := s.registry.FindByName(name, parent.ResourcePool.ResourcePool); taken != nil {
		return &types.DuplicateName{Name: name, Object: taken.Reference()}
	}
	return nil
}

func isComplete(allocation *types.ResourceAllocationInfo) bool {
	return allocation.Reservation != nil && allocation.Limit != nil && allocation.ExpandableReservation != nil && allocation.Shares != nil
}

// mergedConfig is a pool's configuration with what a spec sets. For the overheadLimit "the server will throw an exception if you
// attempt to set this property" (API, ResourceAllocationInfo): InvalidArgument (vmware/vic#6250).
func mergedConfig(old, spec *types.ResourceConfigSpec, now time.Time) (*types.ResourceConfigSpec, types.BaseMethodFault) {
	merged := *old
	merged.CpuAllocation = mergedAllocation(&old.CpuAllocation, &spec.CpuAllocation, poolCPULevels)
	merged.MemoryAllocation = mergedAllocation(&old.MemoryAllocation, &spec.MemoryAllocation, poolMemoryLevels)
	if spec.ScaleDescendantsShares != "" {
		merged.ScaleDescendantsShares = spec.ScaleDescendantsShares
	}
	if !isValid(&merged.CpuAllocation) {
		return nil, invalidArgument("spec.cpuAllocation")
	}
	if !isValid(&merged.MemoryAllocation) {
		return nil, invalidArgument("spec.memoryAllocation")
	}
	version, _ := strconv.Atoi(old.ChangeVersion) // of the lab itself, so a number; none before the first change
	merged.ChangeVersion, merged.LastModified = strconv.Itoa(version+1), &now
	return &merged, nil
}

func mergedAllocation(old, asked *types.ResourceAllocationInfo, shares levels) types.ResourceAllocationInfo {
	return types.ResourceAllocationInfo{Reservation: orElse(asked.Reservation, old.Reservation), Limit: orElse(asked.Limit, old.Limit),
		ExpandableReservation: orElse(asked.ExpandableReservation, old.ExpandableReservation),
		Shares:                shares.named(orElse(asked.Shares, old.Shares)), OverheadLimit: asked.OverheadLimit}
}

// isValid: a limit lower than the reservation is refused (unconfirmed).
func isValid(a *types.ResourceAllocationInfo) bool {
	return *a.Reservation >= 0 && *a.Limit >= unlimited && (*a.Limit == unlimited || *a.Limit >= *a.Reservation) &&
		a.Shares.Shares >= 0 && a.OverheadLimit == nil
}

func (s *Server) updatePool(_ *simulator.Context, request *types.UpdateConfig) (soap.HasFault, types.BaseMethodFault) {
	pool := s.registry.Get(request.This).(*simulator.ResourcePool)
	if fault := s.configurePool(pool, request.Name, request.Config); fault != nil {
		return nil, fault
	}
	return &methods.UpdateConfigBody{Res: &types.UpdateConfigResponse{}}, nil
}

// configurePool gives a pool a name, unless it is empty, and a configuration, unless it is nil.
func (s *Server) configurePool(pool *simulator.ResourcePool, newName string, spec *types.ResourceConfigSpec) types.BaseMethodFault {
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	parent, isChild := s.registry.Get(*pool.Parent).(*simulator.ResourcePool)
	var changes []types.PropertyChange
	if name := escaped(newName); name != "" && name != pool.Name {
		if !isChild {
			return notSupported("The root resource pool cannot be renamed.")
		}
		if fault := s.requirePoolName(parent, name); fault != nil {
			return fault
		}
		changes = append(changes, set("name", name))
	}
	if spec != nil {
		config, fault := s.changedConfig(pool, spec)
		if fault != nil {
			return fault
		}
		changes = append(changes, set("config", *config))
	}
	s.locked(pool, func(ctx *simulator.Context) {
		ctx.Update(pool, changes)
		ownPoolSummary(pool)
	})
	return nil
}

// changedConfig: "the changes will only be applied if the current changeVersion matches the specified changeVersion" (API,
// ResourceConfigSpec). The caller holds the load.
func (s *Server) changedConfig(pool *simulator.ResourcePool, spec *types.ResourceConfigSpec) (*types.ResourceConfigSpec, types.BaseMethodFault) {
	if spec.ChangeVersion != "" && spec.ChangeVersion != pool.Config.ChangeVersion {
		return nil, &types.ConcurrentAccess{}
	}
	config, fault := mergedConfig(&pool.Config, spec, s.clock.Now())
	if fault != nil {
		return nil, fault
	}
	capacity := s.capacity()
	used := capacity.used(pool)
	if fault := used.keeps(&pool.Config, config); fault != nil {
		return nil, fault
	}
	parent, isChild := s.registry.Get(*pool.Parent).(*simulator.ResourcePool)
	if !isChild {
		return config, nil
	}
	more := capacity.taken(config, used).minus(capacity.taken(&pool.Config, used))
	return config, capacity.free(parent).require(more)
}

// destroyPool: a pool's VMs and pools become its parent's (govmomi's simulator; "virtual machines are moved to the parent resource
// pool", vSphere Resource Management).
func (s *Server) destroyPool(ctx *simulator.Context, request *types.Destroy_Task) (soap.HasFault, types.BaseMethodFault) {
	pool := s.registry.Get(request.This).(*simulator.ResourcePool)
	return s.task(ctx, pool.Self, "Destroy_Task", func(cause) (types.AnyType, types.BaseMethodFault) {
		parent, isChild := s.registry.Get(*pool.Parent).(*simulator.ResourcePool)
		if !isChild {
			return nil, notSupported("The root resource pool cannot be destroyed.")
		}
		s.dissolve(pool, parent)
		return nil, nil
	})
}

// destroyChildren destroys "all child resource pools recursively. All virtual machines associated with the child resource pools get
// associated with this resource pool" (API, DestroyChildren).
func (s *Server) destroyChildren(_ *simulator.Context, request *types.DestroyChildren) (soap.HasFault, types.BaseMethodFault) {
	pool := s.registry.Get(request.This).(*simulator.ResourcePool)
	for {
		var children []ref
		s.locked(pool, func(*simulator.Context) { children = slices.Clone(pool.ResourcePool.ResourcePool) })
		if len(children) == 0 {
			return &methods.DestroyChildrenBody{Res: &types.DestroyChildrenResponse{}}, nil
		}
		for _, child := range children {
			if one, there := s.registry.Get(child).(*simulator.ResourcePool); there {
				s.dissolve(one, pool)
			}
		}
	}
}

// dissolve removes a pool and moves what is in it to its parent.
func (s *Server) dissolve(pool, parent *simulator.ResourcePool) {
	var machines []ref
	s.locked(pool, func(*simulator.Context) { machines = slices.Clone(pool.Vm) })
	for _, reference := range machines {
		if vm := s.vm(reference); vm != nil {
			s.setPool(vm, &parent.Self)
			s.moveClaim(reference, parent.Self)
		}
	}
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	children := pool.ResourcePool.ResourcePool
	for _, child := range children {
		s.update(s.registry.Get(child), set("parent", parent.Self))
	}
	left := append(vim.Without(parent.ResourcePool.ResourcePool, pool.Self), children...)
	s.update(parent, set("resourcePool", left))
	s.registry.Remove(s.context(), pool.Self)
}

// moveIntoPool moves VMs. "The set of entities is moved sequentially [...] and committed one at a time" (API,
// MoveIntoResourcePool).
func (s *Server) moveIntoPool(_ *simulator.Context, request *types.MoveIntoResourcePool) (soap.HasFault, types.BaseMethodFault) {
	for _, reference := range request.List {
		vm := s.vm(reference)
		if vm == nil {
			return nil, notSupported("The lab moves only virtual machines between resource pools.")
		}
		if s.isTemplate(vm) {
			return nil, notSupported("A template is not in a resource pool.")
		}
		// A VM that runs in another cluster would have to be moved there first.
		if s.clusterOf(s.hostOf(vm)) != s.clusterOf(request.This) {
			return nil, invalidArgument("list")
		}
		if fault := s.admitInto(vm.Self, request.This); fault != nil {
			return nil, fault
		}
		s.setPool(vm, &request.This)
	}
	return &methods.MoveIntoResourcePoolBody{Res: &types.MoveIntoResourcePoolResponse{}}, nil
}

func (s *Server) moveClaim(vm, pool ref) {
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	if claimed, on := s.load.admitted[vm]; on {
		claimed.pool = pool
		s.load.put(vm, claimed)
	}
}

// admitInto moves the claim of a VM, if it runs, to a pool that can reserve what it has reserved.
func (s *Server) admitInto(vm, pool ref) types.BaseMethodFault {
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	before, on := s.load.admitted[vm]
	if !on {
		return nil
	}
	after := before
	after.pool = pool
	if fault := s.poolAdmitsMove(before, after); fault != nil {
		return fault
	}
	s.load.put(vm, after)
	return nil
}

// updateChildren changes the resources of what is in a pool: "Each modification is made individually. If a failure is encountered
// while applying the changes, then the processing stops" (API, UpdateChildResourceConfiguration).
func (s *Server) updateChildren(ctx *simulator.Context, request *types.UpdateChildResourceConfiguration) (soap.HasFault, types.BaseMethodFault) {
	parent := s.registry.Get(request.This).(*simulator.ResourcePool)
	for _, spec := range request.Spec {
		if fault := s.updateChild(causeOf(ctx), parent, &spec); fault != nil {
			return nil, fault
		}
	}
	return &methods.UpdateChildResourceConfigurationBody{Res: &types.UpdateChildResourceConfigurationResponse{}}, nil
}

func (s *Server) updateChild(by cause, parent *simulator.ResourcePool, spec *types.ResourceConfigSpec) types.BaseMethodFault {
	isChild := false
	s.locked(parent, func(*simulator.Context) {
		isChild = spec.Entity != nil && (slices.Contains(parent.ResourcePool.ResourcePool, *spec.Entity) || slices.Contains(parent.Vm, *spec.Entity))
	})
	if !isChild {
		return invalidArgument("spec.entity")
	}
	if pool, isPool := s.registry.Get(*spec.Entity).(*simulator.ResourcePool); isPool {
		return s.configurePool(pool, "", spec)
	}
	vm := s.vm(*spec.Entity)
	_, fault := s.exclusive(vm, func(by cause) (types.AnyType, types.BaseMethodFault) {
		return nil, s.reconfigure(by, vm, &types.VirtualMachineConfigSpec{ChangeVersion: spec.ChangeVersion,
			CpuAllocation: &spec.CpuAllocation, MemoryAllocation: &spec.MemoryAllocation})
	})(by)
	return fault
}
