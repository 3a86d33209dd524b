// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Power-on with placement by DRS (PowerOnMultiVM_Task), and DRS queries about single VMs.

package vsim

import (
	"fmt"
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/drs"
	"gantry.invalid/lab/vcenter/internal/vim"
)

// The answers of PowerOnMultiVM_Task for VMs that DRS starts. The reference promises a task only of others: "For a virtual
// machine not managed by DRS, a task ID is also returned" (ClusterPowerOnVmResult.attempted).
const (
	// AnswerTask: the VM is attempted, with its task. This is what clients have observed.
	AnswerTask = "task"
	// AnswerNoTask: the VM is attempted, without a task.
	AnswerNoTask = "no_task"
	// AnswerUnlisted: the VM is not in the answer.
	AnswerUnlisted = "unlisted"
)

// attempted returns the answer for a VM that is being started.
func (s *Server) attempted(vm, task ref, managed bool) []types.ClusterAttemptedVmInfo {
	answer := s.Behavior().PowerOnAnswer
	switch {
	case managed && answer == AnswerUnlisted:
		return nil
	case managed && answer == AnswerNoTask:
		return []types.ClusterAttemptedVmInfo{{Vm: vm}}
	}
	return []types.ClusterAttemptedVmInfo{{Vm: vm, Task: &task}}
}

// powerOnMulti starts a task for each VM that DRS may place, and recommends a host for the others.
func (s *Server) powerOnMulti(ctx *simulator.Context, request *types.PowerOnMultiVM_Task) (soap.HasFault, types.BaseMethodFault) {
	level := types.DrsBehavior(optionValue(request.Option, string(types.ClusterPowerOnVmOptionOverrideAutomationLevel)))
	if fault := vim.OneOf("option", level, types.DrsBehavior("").Values()); fault != nil {
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

// startPlaced starts one VM, or recommends a host for it.
func (s *Server) startPlaced(ctx *simulator.Context, reference ref, level types.DrsBehavior, result *types.ClusterPowerOnVmResult) types.BaseMethodFault {
	vm := s.vm(reference)
	switch {
	case vm == nil:
		return &types.ManagedObjectNotFound{Obj: reference}
	case s.isTemplate(vm):
		return notSupported("A template cannot be powered on.")
	case s.powerState(vm) == types.VirtualMachinePowerStatePoweredOn:
		return wrongPowerState(types.VirtualMachinePowerStatePoweredOn, types.VirtualMachinePowerStatePoweredOff)
	}
	if fault := s.hostFault(reference, "PowerOnVM_Task"); fault != nil {
		return fault
	}
	host := s.hostOf(vm)
	cluster := s.clusterOf(host)
	behavior, managed := drs.Automation(s.clusterConfig(cluster), reference)
	if managed && level != "" {
		behavior = level
	}
	var only *ref
	if !managed {
		only = &host
	}
	chosen, fault := s.checkAdmission(vm, only, false)
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
	result.Attempted = append(result.Attempted, s.attempted(reference, task, managed)...)
	return nil
}

// recommendPlacement returns one of the "recommendations that need the client to approve manually" (API,
// ClusterPowerOnVmResult).
func (s *Server) recommendPlacement(cluster *simulator.ClusterComputeResource, vm, host ref) types.ClusterRecommendation {
	s.drs.mu.Lock()
	defer s.drs.mu.Unlock()
	state := s.drs.stateOf(cluster.Self)
	made := state.recommendations.Place(vm, host)
	s.showRecommendations(cluster, state)
	return s.recommendation(cluster, made)
}

// hostAsked returns the host to start a VM on: the requested one, or the VM's current host if DRS only recommends hosts. If
// it is nil, DRS decides.
func (s *Server) hostAsked(vm *simulator.VirtualMachine, asked *ref) *ref {
	if asked != nil {
		return asked
	}
	host := s.hostOf(vm)
	behavior, managed := drs.Automation(s.clusterConfig(s.clusterOf(host)), vm.Self)
	if !managed || behavior == types.DrsBehaviorManual {
		return &host
	}
	return nil
}

func (s *Server) findRulesForVM(_ *simulator.Context, request *types.FindRulesForVm) (soap.HasFault, types.BaseMethodFault) {
	rules := drs.RulesBetween(s.clusterConfig(s.clusterOf(request.This)), request.Vm)
	return &methods.FindRulesForVmBody{Res: &types.FindRulesForVmResponse{Returnval: rules}}, nil
}

// recommendHosts rates hosts: it is "intended for power-on ... if the virtual machine is powered-off"; of one that is on
// "the request is assumed to be for migrating a virtual machine into a DRS enabled cluster. In that case, the ResourcePool
// argument should be specified and the ResourcePool and the virtual machine cannot be in the same cluster": else
// InvalidArgument, and NotSupported "if DRS is not enabled" (API).
func (s *Server) recommendHosts(_ *simulator.Context, request *types.RecommendHostsForVm) (soap.HasFault, types.BaseMethodFault) {
	cluster, vm := s.clusterOf(request.This), s.vm(request.Vm)
	if vm == nil {
		return nil, invalidArgument("vm")
	}
	if !vim.IsTrue(s.clusterConfig(cluster).DrsConfig.Enabled) {
		return nil, notSupported(fmt.Sprintf("DRS is not enabled in cluster %s.", cluster.Name))
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
	for rating := int32(drs.MandatoryRating); len(hosts) > 0; rating = max(rating-1, 1) {
		best, fault := s.bestOf(hosts, want, current, func(host *simulator.HostSystem) types.BaseMethodFault {
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
