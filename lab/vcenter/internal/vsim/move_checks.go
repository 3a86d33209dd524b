// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// MigrateVM_Task, and the check methods, which report why a move would be refused.

package vsim

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// migrateVM implements MigrateVM_Task: "NotSupported: if the virtual machine is marked as a template"; "InvalidPowerState:
// if the state argument is set and the virtual machine does not have that power state"; "InvalidArgument: […] if the host
// parameter is left unset when the target pool is associated with a non-DRS cluster".
func (s *Server) migrateVM(ctx *simulator.Context, request *types.MigrateVM_Task) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.This)
	return s.movingTask(ctx, vm, "MigrateVM_Task", s.migrationCosts(vm, request), func(by cause, progress func(int32)) types.BaseMethodFault {
		if s.isTemplate(vm) {
			return notSupported("A template cannot be migrated.")
		}
		if state := s.powerState(vm); request.State != "" && state != request.State {
			return wrongPowerState(state, request.State)
		}
		spec := types.VirtualMachineRelocateSpec{Host: request.Host, Pool: request.Pool}
		if spec.Host == nil {
			target, fault := s.migrationTarget(vm, request.Pool)
			if fault != nil {
				return fault
			}
			spec.Host = target
		}
		return s.relocate(by, vm, &spec, progress)
	})
}

func (s *Server) migrationCosts(vm *simulator.VirtualMachine, request *types.MigrateVM_Task) costs {
	spec := types.VirtualMachineRelocateSpec{Host: request.Host, Pool: request.Pool}
	if spec.Host == nil {
		target, fault := s.migrationTarget(vm, request.Pool)
		if fault != nil {
			return oneOperation() // it will be refused
		}
		spec.Host = target
	}
	return s.moveCosts(vm, &spec)
}

// migrationTarget returns the host that DRS chooses for a migration within the cluster. It is nil for another cluster, whose
// host is chosen later.
func (s *Server) migrationTarget(vm *simulator.VirtualMachine, pool *ref) (*ref, types.BaseMethodFault) {
	_, current, from := s.placed(vm)
	if pool == nil {
		pool = &current
	}
	if !s.drsEnabled(*pool) {
		return nil, invalidArgument("host")
	}
	if s.clusterOf(*pool) != s.clusterOf(from) {
		return nil, nil
	}
	host, fault := s.chooseHost(vm, from)
	return &host, fault
}

// checkRelocate implements CheckRelocate_Task: "In cases where DRS would automatically select a host, all potential hosts
// are tested against."
func (s *Server) checkRelocate(ctx *simulator.Context, request *types.CheckRelocate_Task) (soap.HasFault, types.BaseMethodFault) {
	if request.Spec.Service != nil {
		return s.checkCrossVCenterRelocate(ctx, request)
	}
	vm := s.vm(request.Vm)
	if fault := checkTestTypes(request.TestType); fault != nil {
		return nil, fault
	}
	return s.task(ctx, vm.Self, "CheckRelocate_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		return s.check(vm, request.Spec, request.TestType)
	})
}

// checkMigrate implements CheckMigrate_Task. "InvalidPowerState: if [state] is set and the virtual machine is not in that
// state" is an error in the result, since the migration would fail with it.
func (s *Server) checkMigrate(ctx *simulator.Context, request *types.CheckMigrate_Task) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.Vm)
	if fault := checkTestTypes(request.TestType); fault != nil {
		return nil, fault
	}
	return s.task(ctx, vm.Self, "CheckMigrate_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		spec := types.VirtualMachineRelocateSpec{Host: request.Host, Pool: request.Pool}
		if spec.Pool == nil && spec.Host == nil {
			_, pool, _ := s.placed(vm)
			spec.Pool = &pool
		}
		results, fault := s.check(vm, spec, request.TestType)
		if state := s.powerState(vm); fault == nil && request.State != "" && state != request.State {
			for index := range results.CheckResult {
				result := &results.CheckResult[index]
				result.Error = append(result.Error, *localized(wrongPowerState(state, request.State)))
			}
		}
		return results, fault
	})
}

// checkCompatibility implements CheckCompatibility_Task: it checks whether a host can run a VM without changes.
func (s *Server) checkCompatibility(ctx *simulator.Context, request *types.CheckCompatibility_Task) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.Vm)
	if fault := checkTestTypes(request.TestType); fault != nil {
		return nil, fault
	}
	return s.task(ctx, vm.Self, "CheckCompatibility_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		return s.check(vm, types.VirtualMachineRelocateSpec{Host: request.Host, Pool: request.Pool}, request.TestType)
	})
}

// queryCompatibility implements QueryVMotionCompatibilityEx_Task: "All virtual machines are assumed to be powered-on for the
// purposes of this operation."
func (s *Server) queryCompatibility(ctx *simulator.Context, request *types.QueryVMotionCompatibilityEx_Task) (soap.HasFault, types.BaseMethodFault) {
	if len(request.Vm) == 0 || len(request.Host) == 0 {
		return nil, invalidArgument("vm")
	}
	return s.task(ctx, request.Vm[0], "QueryVMotionCompatibilityEx_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		var all types.ArrayOfCheckResult
		for _, reference := range request.Vm {
			for _, host := range request.Host {
				vm := s.vm(reference)
				if vm == nil {
					return nil, invalidArgument("vm")
				}
				all.CheckResult = append(all.CheckResult, s.checkHost(vm, types.VirtualMachineRelocateSpec{Host: &host}, nil, true))
			}
		}
		return all, nil
	})
}

func checkTestTypes(tests []string) types.BaseMethodFault {
	for _, test := range tests {
		if kind := types.CheckTestType(test); !slices.Contains(kind.Values(), kind) {
			return invalidArgument("testType")
		}
	}
	return nil
}

// check returns a result for the host of the spec, or for each host that DRS could choose.
func (s *Server) check(vm *simulator.VirtualMachine, spec types.VirtualMachineRelocateSpec, tests []string) (types.ArrayOfCheckResult, types.BaseMethodFault) {
	var all types.ArrayOfCheckResult
	if spec.Host != nil || spec.Pool == nil {
		all.CheckResult = []types.CheckResult{s.checkHost(vm, spec, tests, false)}
		return all, nil
	}
	if _, ok := s.registry.Get(*spec.Pool).(*simulator.ResourcePool); !ok {
		return all, invalidArgument("pool")
	}
	if !s.drsEnabled(*spec.Pool) {
		return all, invalidArgument("host")
	}
	for _, host := range s.hostsWith(*spec.Pool) {
		if s.disconnected(host) == nil && !s.unavailable(host) {
			spec.Host = &host.Self
			all.CheckResult = append(all.CheckResult, s.checkHost(vm, spec, tests, false))
		}
	}
	return all, nil
}

// checkHost plans a move to one host and returns its blockers.
func (s *Server) checkHost(vm *simulator.VirtualMachine, spec types.VirtualMachineRelocateSpec, tests []string, asIfOn bool) types.CheckResult {
	result := types.CheckResult{Vm: &vm.Self, Host: spec.Host}
	r, fault := s.planRelocation(vm, &spec)
	if fault != nil {
		result.Error = []types.LocalizedMethodFault{*localized(fault)}
		return result
	}
	defer r.draft.drop()
	r.on = r.on || asIfOn
	result.Host = &r.host.Self
	for _, found := range s.findings(&r) {
		if len(tests) > 0 && !slices.Contains(tests, string(found.test)) {
			continue
		}
		if found.warning {
			result.Warning = append(result.Warning, *localized(found.fault))
		} else {
			result.Error = append(result.Error, *localized(found.fault))
		}
	}
	return result
}
