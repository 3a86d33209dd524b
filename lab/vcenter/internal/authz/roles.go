// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Roles: named sets of privileges. (vSphere Web Services API, AuthorizationManager.)

package authz

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vmware/govmomi/simulator/esx"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// The ids of the system roles that the code names.
const (
	Admin     = int32(-1)
	ReadOnly  = int32(-2)
	View      = int32(-3)
	Anonymous = int32(-4)
	NoAccess  = int32(-5)
)

// The privileges that every role of a user's own making has, besides those that it is given.
const (
	SystemAnonymous = "System.Anonymous"
	SystemRead      = "System.Read"
	SystemView      = "System.View"
)

var always = []string{SystemAnonymous, SystemRead, SystemView}

// roles has all roles in the order of their creation.
type roles struct {
	list []types.AuthorizationRole
	last int32
}

// newRoles returns the system roles, with the privileges that a vCenter's have.
func newRoles() *roles { return &roles{list: slices.Clone(esx.RoleList)} }

func (r *roles) find(id int32) *types.AuthorizationRole {
	for n := range r.list {
		if r.list[n].RoleId == id {
			return &r.list[n]
		}
	}
	return nil
}

func (r *roles) has(id int32, privilege string) bool {
	role := r.find(id)
	return role != nil && slices.Contains(role.Privilege, privilege)
}

// known returns the ids of all privileges: an administrator has all.
func (r *roles) known() []string { return r.find(Admin).Privilege }

// add is AddAuthorizationRole.
func (r *roles) add(name string, privileges []string) (int32, types.BaseMethodFault) {
	if fault := r.checkName(name, 0); fault != nil {
		return 0, fault
	}
	if unknown := r.unknown(privileges); unknown != "" {
		return 0, vim.InvalidArgumentf("privIds", "%q is not a privilege.", unknown)
	}
	r.last++
	r.list = append(slices.Clone(r.list), types.AuthorizationRole{RoleId: r.last, Name: name,
		Info: &types.Description{Label: name, Summary: name}, Privilege: completed(privileges)})
	return r.last, nil
}

// update is UpdateAuthorizationRole. Without privileges it only renames.
func (r *roles) update(id int32, name string, privileges []string) types.BaseMethodFault {
	role, fault := r.own(id)
	if fault == nil {
		fault = r.checkName(name, id)
	}
	if fault != nil {
		return fault
	}
	if r.unknown(privileges) != "" {
		return &types.NotFound{}
	}
	changed := *role
	changed.Name, changed.Info = name, &types.Description{Label: name, Summary: name}
	if len(privileges) > 0 {
		changed.Privilege = completed(privileges)
	}
	r.list = slices.Clone(r.list)
	*r.find(id) = changed
	return nil
}

func (r *roles) remove(id int32) types.BaseMethodFault {
	if _, fault := r.own(id); fault != nil {
		return fault
	}
	r.list = slices.DeleteFunc(slices.Clone(r.list), func(role types.AuthorizationRole) bool { return role.RoleId == id })
	return nil
}

// own returns a role that can be changed.
func (r *roles) own(id int32) (*types.AuthorizationRole, types.BaseMethodFault) {
	switch role := r.find(id); {
	case role == nil:
		return nil, &types.NotFound{}
	case role.System:
		return nil, vim.InvalidArgumentf("roleId", "%s is a system role, which cannot be changed.", role.Name)
	default:
		return role, nil
	}
}

func (r *roles) checkName(name string, id int32) types.BaseMethodFault {
	if name == "" {
		return &types.InvalidName{Name: name}
	}
	taken := slices.ContainsFunc(r.list, func(role types.AuthorizationRole) bool { return role.Name == name && role.RoleId != id })
	if taken {
		fault := &types.AlreadyExists{Name: name}
		vim.Because(&fault.MethodFault, fmt.Sprintf("The specified key, name, or identifier '%s' already exists.", name))
		return fault
	}
	return nil
}

func (r *roles) unknown(privileges []string) string {
	for _, privilege := range privileges {
		if !slices.Contains(r.known(), privilege) {
			return privilege
		}
	}
	return ""
}

func completed(privileges []string) []string {
	all := append(slices.Clone(privileges), always...)
	slices.Sort(all)
	return slices.Compact(all)
}

// privilegeList is the property of AuthorizationManager.
func (r *roles) privilegeList() []types.AuthorizationPrivilege {
	list := make([]types.AuthorizationPrivilege, 0, len(r.known()))
	for _, id := range r.known() {
		dot := strings.LastIndexByte(id, '.')
		list = append(list, types.AuthorizationPrivilege{PrivId: id, Name: id[dot+1:], PrivGroupName: id[:max(dot, 0)]})
	}
	return list
}
