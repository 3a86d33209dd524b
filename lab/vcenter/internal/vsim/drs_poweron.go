// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Powering on where DRS wants it: PowerOnMultiVM_Task, and what DRS answers to questions about machines.

package vsim

import (
	"fmt"
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// powerOnMulti starts a task for each machine that DRS may place, and recommends a host for the others.
func (s *Server) powerOnMulti(ctx *simulator.Context, request *types.PowerOnMultiVM_Task) (soap.HasFault, types.BaseMethodFault) {
	level := types.DrsBehavior(optionValue(request.Option, string(types.ClusterPowerOnVmOptionOverrideAutomationLevel)))
	if fault := oneOf("option", level, types.DrsBehavior("").Values()); fault != nil {
		return nil, fault
	}
	return s.task(ctx, request.This, "PowerOnMultiVM_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		var result types.ClusterPowerOnVmResult
		for _, reference := range request.Vm {
			if fault := s.startPlaced(ctx, reference, level, &result); fault != nil {
				result.NotAttempted = append(result.NotAttempted, types.ClusterNotAttemptedVmInfo{Vm: reference, Fault: *localized(fault)})
			}
		}
		return result, nil
	})
}

// startPlaced decides about one machine.
func (s *Server) startPlaced(ctx *simulator.Context, reference ref, level types.DrsBehavior, result *types.ClusterPowerOnVmResult) types.BaseMethodFault {
	vm := s.vm(reference)
	switch {
	case vm == nil:
		return &types.ManagedObjectNotFound{Obj: reference}
	case s.isTemplate(vm):
		return notSupported("a template cannot be powered on")
	case s.powerState(vm) == types.VirtualMachinePowerStatePoweredOn:
		return wrongPowerState(types.VirtualMachinePowerStatePoweredOn, types.VirtualMachinePowerStatePoweredOff)
	}
	host := s.hostOf(vm)
	cluster := s.clusterOf(host)
	behavior, managed := behaviorOf(s.clusterConfig(cluster), reference)
	if managed && level != "" {
		behavior = level
	}
	var only *ref
	if !managed {
		only = &host
	}
	chosen, fault := s.choosePlace(vm, only, false)
	if fault != nil {
		return fault
	}
	if managed && behavior == types.DrsBehaviorManual {
		result.Recommendations = append(result.Recommendations, s.recommendPlacement(cluster, reference, chosen))
		return nil
	}
	task := s.start(ctx, reference, "PowerOnVM_Task", s.exclusive(vm, func(by cause) (types.AnyType, types.BaseMethodFault) {
		return nil, s.powerOn(by, vm, only)
	}))
	result.Attempted = append(result.Attempted, types.ClusterAttemptedVmInfo{Vm: reference, Task: &task})
	return nil
}

// recommendPlacement is for "recommendations that need the client to approve manually" (API, ClusterPowerOnVmResult).
func (s *Server) recommendPlacement(cluster *simulator.ClusterComputeResource, vm, host ref) types.ClusterRecommendation {
	s.drs.mu.Lock()
	defer s.drs.mu.Unlock()
	state := s.drs.stateOf(cluster.Self)
	state.advice = slices.DeleteFunc(state.advice, func(a advice) bool { return a.vm == vm })
	made := state.advise(plannedMove{vm: vm, to: host, reason: types.RecommendationReasonCodePowerOnVm, rating: mandatoryRating})
	state.advice = append(state.advice, made)
	s.showAdvice(cluster, state)
	return s.recommendation(cluster, made)
}

// hostAsked is the host that a machine is to be started on: the one asked for, or its own where DRS only recommends
// another. nil: DRS decides.
func (s *Server) hostAsked(vm *simulator.VirtualMachine, asked *ref) *ref {
	if asked != nil {
		return asked
	}
	host := s.hostOf(vm)
	behavior, managed := behaviorOf(s.clusterConfig(s.clusterOf(host)), vm.Self)
	if !managed || behavior == types.DrsBehaviorManual {
		return &host
	}
	return nil
}

// findRulesForVM finds "all enabled and disabled VM-VM Affinity and Anti-Affinity rules involving the given Virtual Machine"
// (API).
func (s *Server) findRulesForVM(_ *simulator.Context, request *types.FindRulesForVm) (soap.HasFault, types.BaseMethodFault) {
	body := &methods.FindRulesForVmBody{Res: &types.FindRulesForVmResponse{}}
	for _, rule := range s.clusterConfig(s.clusterOf(request.This)).Rule {
		var members []ref
		switch r := rule.(type) {
		case *types.ClusterAffinityRuleSpec:
			members = r.Vm
		case *types.ClusterAntiAffinityRuleSpec:
			members = r.Vm
		}
		if slices.Contains(members, request.Vm) {
			body.Res.Returnval = append(body.Res.Returnval, rule)
		}
	}
	return body, nil
}

// recommendHosts is "intended for power-on ... if the virtual machine is powered-off"; of one that is on "the request is
// assumed to be for migrating a virtual machine into a DRS enabled cluster. In that case, the ResourcePool argument should be
// specified and the ResourcePool and the virtual machine cannot be in the same cluster": else InvalidArgument, and
// NotSupported "if DRS is not enabled" (API).
func (s *Server) recommendHosts(_ *simulator.Context, request *types.RecommendHostsForVm) (soap.HasFault, types.BaseMethodFault) {
	cluster, vm := s.clusterOf(request.This), s.vm(request.Vm)
	if vm == nil {
		return nil, invalidArgument("vm")
	}
	if !isTrue(s.clusterConfig(cluster).DrsConfig.Enabled) {
		return nil, notSupported(fmt.Sprintf("DRS of cluster %s is not enabled", cluster.Name))
	}
	config, _, current := s.placed(vm)
	if s.powerState(vm) == types.VirtualMachinePowerStatePoweredOn {
		if request.Pool == nil || s.clusterOf(*request.Pool) == s.clusterOf(current) || s.clusterOf(*request.Pool) != cluster {
			return nil, invalidArgument("pool")
		}
	} else if s.clusterOf(current) != cluster {
		return nil, invalidArgument("vm")
	}
	body := &methods.RecommendHostsForVmBody{Res: &types.RecommendHostsForVmResponse{}}
	want := claimOf(vm.Self, config, *cluster.ResourcePool)
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	hosts := slices.Clone(s.hostsWith(cluster.Self))
	book, on := s.rulebookOf(cluster), s.occupied()
	for rating := int32(5); len(hosts) > 0; rating = max(rating-1, 1) {
		best, fault := s.bestOf(hosts, want, current, book, on, func(host *simulator.HostSystem) types.BaseMethodFault {
			return s.hostAdmits(host, want, config)
		})
		if fault != nil {
			break
		}
		body.Res.Returnval = append(body.Res.Returnval, types.ClusterHostRecommendation{Host: best, Rating: rating})
		hosts = slices.DeleteFunc(hosts, func(host *simulator.HostSystem) bool { return host.Self == best })
	}
	return body, nil
}
