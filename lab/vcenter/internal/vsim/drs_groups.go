// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Groups of machines and of hosts.

package vsim

import (
	"fmt"
	"slices"

	"github.com/vmware/govmomi/vim25/types"
)

func (r *reconfiguration) applyGroups(spec *types.ClusterConfigSpecEx) types.BaseMethodFault {
	for _, change := range spec.GroupSpec {
		var fault types.BaseMethodFault
		switch change.Operation {
		case types.ArrayUpdateOperationAdd:
			fault = r.addGroup(change.Info)
		case types.ArrayUpdateOperationEdit:
			fault = r.editGroup(change.Info)
		case types.ArrayUpdateOperationRemove:
			fault = r.removeGroup(change.RemoveKey)
		default:
			fault = invalidArgument("spec.groupSpec.operation")
		}
		if fault != nil {
			return fault
		}
	}
	return nil
}

// wrong is an InvalidArgument that says what is wrong.
func wrong(property, format string, arguments ...any) types.BaseMethodFault {
	fault := &types.InvalidArgument{InvalidProperty: property}
	because(&fault.MethodFault, fmt.Sprintf("A specified parameter was not correct: %s: ", property)+fmt.Sprintf(format, arguments...))
	return fault
}

func (r *reconfiguration) addGroup(info types.BaseClusterGroupInfo) types.BaseMethodFault {
	if info == nil || info.GetClusterGroupInfo().Name == "" {
		return wrong("spec.groupSpec.info.name", "a group needs a name")
	}
	group := info.GetClusterGroupInfo()
	// "Unique name of the group" (API, ClusterGroupInfo.name). InvalidArgument is what vCenter 7.0.3 gives (reported in
	// vmware/terraform-provider-vsphere, issue 1878).
	if groupNamed(&r.config, group.Name) != nil {
		return wrong("spec.groupSpec.info.name", "there is a group %s already", group.Name)
	}
	members, fault := r.members(info)
	if fault != nil {
		return fault
	}
	// The API says that a group "can contain zero or more" members, but vCenter creates none without any; it becomes empty
	// only when its last member goes (vmware/vic, issue 7556, of groups of machines; for those of hosts it is unconfirmed,
	// and the fault for both).
	if len(*members) == 0 {
		return wrong("spec.groupSpec.info", "group %s has no members", group.Name)
	}
	group.UserCreated = types.NewBool(true)
	r.config.Group = append(r.config.Group, info)
	return nil
}

// editGroup replaces all members: a list that is not sent cannot be told from an empty one. Unconfirmed: the kind of a
// group cannot be changed.
func (r *reconfiguration) editGroup(info types.BaseClusterGroupInfo) types.BaseMethodFault {
	if !r.modify || info == nil {
		return invalidArgument("spec.groupSpec.info")
	}
	name := info.GetClusterGroupInfo().Name
	group := groupNamed(&r.config, name)
	if group == nil {
		return wrong("spec.groupSpec.info.name", "there is no group %s", name)
	}
	members, fault := r.members(info)
	if fault != nil {
		return fault
	}
	switch g := group.(type) {
	case *types.ClusterVmGroup:
		if _, same := info.(*types.ClusterVmGroup); same {
			g.Vm = *members
			return nil
		}
	case *types.ClusterHostGroup:
		if _, same := info.(*types.ClusterHostGroup); same {
			g.Host = *members
			return nil
		}
	}
	return wrong("spec.groupSpec.info", "group %s is of another kind", name)
}

func (r *reconfiguration) removeGroup(key types.AnyType) types.BaseMethodFault {
	name, ok := key.(string)
	place := slices.IndexFunc(r.config.Group, func(group types.BaseClusterGroupInfo) bool {
		return group.GetClusterGroupInfo().Name == name
	})
	if !ok || !r.modify || place < 0 {
		return wrong("spec.groupSpec.removeKey", "there is no group %v", key)
	}
	r.config.Group = slices.Delete(r.config.Group, place, place+1)
	return nil
}

// members checks that what is listed is in this cluster: "All virtual machines and hosts that are part of a group must be
// part of the same cluster" (API, ClusterGroupInfo; the fault is unconfirmed). It makes the list one without repetitions.
func (r *reconfiguration) members(info types.BaseClusterGroupInfo) (*[]ref, types.BaseMethodFault) {
	var list *[]ref
	var has func(ref) bool
	property := "spec.groupSpec.info.vm"
	switch group := info.(type) {
	case *types.ClusterVmGroup:
		list, has = &group.Vm, r.hasVM
	case *types.ClusterHostGroup:
		list, has, property = &group.Host, r.hasHost, "spec.groupSpec.info.host"
	default:
		return nil, invalidArgument("spec.groupSpec.info")
	}
	*list = distinct(*list)
	for _, member := range *list {
		if !has(member) {
			return nil, wrong(property, "%s is not in cluster %s", r.server.nameOf(member), r.cluster.Name)
		}
	}
	return list, nil
}

func distinct(list []ref) []ref {
	var once []ref
	for _, one := range list {
		once = with(once, one)
	}
	return once
}
