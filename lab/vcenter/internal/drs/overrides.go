// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Settings of single VMs and hosts, which override those of the cluster.

package drs

import (
	"slices"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// override is an addition, edit or removal of the settings of one VM or host.
type override[I any] struct {
	types.ArrayUpdateSpec
	info *I
}

// overrides is a list of settings of VMs or hosts.
type overrides[I any] struct {
	property string // of the specification
	key      func(*I) Ref
	member   func(Ref) bool
}

// applyOverrides adds, edits and removes the settings of single VMs and hosts.
func (r *reconfiguration) applyOverrides(spec *types.ClusterConfigSpecEx) types.BaseMethodFault {
	das := make([]override[types.ClusterDasVmConfigInfo], 0, len(spec.DasVmConfigSpec))
	for _, change := range spec.DasVmConfigSpec {
		das = append(das, override[types.ClusterDasVmConfigInfo]{change.ArrayUpdateSpec, change.Info})
	}
	drs := make([]override[types.ClusterDrsVmConfigInfo], 0, len(spec.DrsVmConfigSpec))
	for _, change := range spec.DrsVmConfigSpec {
		drs = append(drs, override[types.ClusterDrsVmConfigInfo]{change.ArrayUpdateSpec, change.Info})
	}
	ready := make([]override[types.ClusterVmOrchestrationInfo], 0, len(spec.VmOrchestrationSpec))
	for _, change := range spec.VmOrchestrationSpec {
		ready = append(ready, override[types.ClusterVmOrchestrationInfo]{change.ArrayUpdateSpec, change.Info})
	}
	dpm := make([]override[types.ClusterDpmHostConfigInfo], 0, len(spec.DpmHostConfigSpec))
	for _, change := range spec.DpmHostConfigSpec {
		dpm = append(dpm, override[types.ClusterDpmHostConfigInfo]{change.ArrayUpdateSpec, change.Info})
	}
	return firstFault(
		overrides[types.ClusterDasVmConfigInfo]{"spec.dasVmConfigSpec",
			func(info *types.ClusterDasVmConfigInfo) Ref { return info.Key }, r.members.HasVM}.apply(&r.config.DasVmConfig, das, r.modify),
		overrides[types.ClusterDrsVmConfigInfo]{"spec.drsVmConfigSpec",
			func(info *types.ClusterDrsVmConfigInfo) Ref { return info.Key }, r.members.HasVM}.apply(&r.config.DrsVmConfig, drs, r.modify),
		overrides[types.ClusterVmOrchestrationInfo]{"spec.vmOrchestrationSpec",
			func(info *types.ClusterVmOrchestrationInfo) Ref { return info.Vm }, r.members.HasVM}.apply(&r.config.VmOrchestration, ready, r.modify),
		overrides[types.ClusterDpmHostConfigInfo]{"spec.dpmHostConfigSpec",
			func(info *types.ClusterDpmHostConfigInfo) Ref { return info.Key }, r.hasHost}.apply(&r.config.DpmHostConfig, dpm, r.modify))
}

// apply makes the changes. "add: ... overwriting the existing configuration if one exists; edit: incrementally update ...
// an existing configuration must exist; remove: ... must exist", and with modify false "only the add operation is allowed"
// (API, ClusterDrsVmConfigSpec; ClusterDpmHostConfigSpec likewise. For those of HA and orchestration it is unconfirmed, as is
// the fault for all of them).
func (o overrides[I]) apply(list *[]I, changes []override[I], modify bool) types.BaseMethodFault {
	for _, change := range changes {
		var key Ref
		switch {
		case change.Operation == types.ArrayUpdateOperationRemove:
			key, _ = change.RemoveKey.(Ref)
		case change.info != nil:
			key = o.key(change.info)
		}
		place := slices.IndexFunc(*list, func(info I) bool { return o.key(&info) == key })
		switch change.Operation {
		case types.ArrayUpdateOperationAdd:
			if change.info == nil || !o.member(key) {
				return vim.InvalidArgument(o.property + ".info")
			}
			if place >= 0 {
				*list = slices.Delete(*list, place, place+1)
			}
			*list = append(*list, *change.info)
		case types.ArrayUpdateOperationEdit:
			if !modify || change.info == nil || place < 0 {
				return vim.InvalidArgument(o.property + ".info")
			}
			merge(&(*list)[place], change.info)
		case types.ArrayUpdateOperationRemove:
			if !modify || place < 0 {
				return vim.InvalidArgument(o.property + ".removeKey")
			}
			*list = slices.Delete(*list, place, place+1)
		default:
			return vim.InvalidArgument(o.property + ".operation")
		}
	}
	return nil
}
