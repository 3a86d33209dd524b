// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Permissions: which role a user or a group has on an entity. (vSphere Web Services API, AuthorizationManager.)

package authz

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// SetPermissions is SetEntityPermissions: it adds permissions, and replaces those of the same user or group. If one is refused,
// those before it stay set.
func (m *Manager) SetPermissions(entity vim.Ref, permissions []types.Permission) types.BaseMethodFault {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, permission := range permissions {
		checked, fault := m.checked(entity, permission)
		if fault != nil {
			return fault
		}
		list := slices.DeleteFunc(slices.Clone(m.permissions[entity]), func(p types.Permission) bool { return sameHolder(p, checked) })
		if fault := m.change(entity, append(list, checked)); fault != nil {
			return fault
		}
	}
	return nil
}

// ResetPermissions is ResetEntityPermissions: afterwards the entity has these permissions and no others.
func (m *Manager) ResetPermissions(entity vim.Ref, permissions []types.Permission) types.BaseMethodFault {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []types.Permission
	for _, permission := range permissions {
		checked, fault := m.checked(entity, permission)
		if fault != nil {
			return fault
		}
		list = slices.DeleteFunc(list, func(p types.Permission) bool { return sameHolder(p, checked) })
		list = append(list, checked)
	}
	return m.change(entity, list)
}

// RemovePermission is RemoveEntityPermission.
func (m *Manager) RemovePermission(entity vim.Ref, principal string, group bool) types.BaseMethodFault {
	m.mu.Lock()
	defer m.mu.Unlock()
	removed := types.Permission{Principal: principal, Group: group}
	list := slices.DeleteFunc(slices.Clone(m.permissions[entity]), func(p types.Permission) bool { return sameHolder(p, removed) })
	if len(list) == len(m.permissions[entity]) {
		return &types.NotFound{}
	}
	return m.change(entity, list)
}

// MergePermissions gives all holders of one role another one.
func (m *Manager) MergePermissions(source, target int32) types.BaseMethodFault {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.roles.find(source) == nil || m.roles.find(target) == nil:
		return &types.NotFound{}
	case source == target:
		return vim.InvalidArgumentf("dstRoleId", "It is the same role as srcRoleId.")
	case !grantable(target):
		return vim.InvalidArgumentf("dstRoleId", "The role cannot be granted.")
	case source == Admin:
		return &types.AuthMinimumAdminPermission{}
	}
	for entity, list := range m.permissions {
		replaced := slices.Clone(list)
		for n := range replaced {
			if replaced[n].RoleId == source {
				replaced[n].RoleId = target
			}
		}
		m.permissions[entity] = replaced
	}
	return nil
}

// Forget removes the permissions of an entity that no longer exists.
func (m *Manager) Forget(entity vim.Ref) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.permissions, entity)
}

// On returns the permissions that are defined on an entity.
func (m *Manager) On(entity vim.Ref) []types.Permission {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.permissions[entity]
}

// Effective returns the permissions on an entity, and those that propagate to it: of each user or group, the nearest one.
func (m *Manager) Effective(object vim.Ref, tree Tree) []types.Permission {
	// The tree takes locks of the inventory, whose holders may wait for the Manager's: no lock is held meanwhile.
	m.mu.RLock()
	permissions := maps.Clone(m.permissions)
	m.mu.RUnlock()
	entity := tree.Owner(object)
	found := slices.Clone(permissions[entity])
	for level := tree.Parents(entity); len(level) > 0; {
		var next []vim.Ref
		var here []types.Permission
		for _, parent := range level {
			parent = tree.Owner(parent)
			next = append(next, tree.Parents(parent)...)
			for _, permission := range permissions[parent] {
				known := func(p types.Permission) bool { return sameHolder(p, permission) }
				if permission.Propagate && !slices.ContainsFunc(found, known) && !slices.ContainsFunc(here, known) {
					here = append(here, permission)
				}
			}
		}
		found, level = append(found, here...), next
	}
	return found
}

// All returns all permissions, by entity.
func (m *Manager) All() []types.Permission {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.sorted(func(types.Permission) bool { return true })
}

// WithRole returns all permissions with a role.
func (m *Manager) WithRole(role int32) ([]types.Permission, types.BaseMethodFault) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.roles.find(role) == nil {
		return nil, &types.NotFound{}
	}
	return m.withRole(role), nil
}

func (m *Manager) withRole(role int32) []types.Permission {
	return m.sorted(func(p types.Permission) bool { return p.RoleId == role })
}

func (m *Manager) sorted(keep func(types.Permission) bool) []types.Permission {
	var all []types.Permission
	for _, list := range m.permissions {
		for _, permission := range list {
			if keep(permission) {
				all = append(all, permission)
			}
		}
	}
	slices.SortFunc(all, func(a, b types.Permission) int {
		return strings.Compare(a.Entity.String()+a.Principal, b.Entity.String()+b.Principal)
	})
	return all
}

// checked returns the permission as it is stored.
func (m *Manager) checked(entity vim.Ref, permission types.Permission) (types.Permission, types.BaseMethodFault) {
	if m.roles.find(permission.RoleId) == nil {
		fault := &types.NotFound{}
		vim.Because(&fault.MethodFault, fmt.Sprintf("There is no role with the id %d.", permission.RoleId))
		return permission, fault
	}
	if !grantable(permission.RoleId) {
		return permission, vim.InvalidArgumentf("permission.roleId", "The role cannot be granted.")
	}
	principal, found := m.users.find(permission.Principal, permission.Group)
	if !found {
		fault := &types.UserNotFound{Principal: permission.Principal}
		vim.Because(&fault.MethodFault, fmt.Sprintf("The user or group named '%s' does not exist.", permission.Principal))
		return permission, fault
	}
	permission.Principal, permission.Entity = principal, &entity
	return permission, nil
}

// grantable is false for the roles that say what everybody may do.
func grantable(role int32) bool { return role != View && role != Anonymous }

// change replaces the permissions of an entity. The root folder always has an administrator.
func (m *Manager) change(entity vim.Ref, list []types.Permission) types.BaseMethodFault {
	isAdministrator := func(p types.Permission) bool { return p.RoleId == Admin && p.Propagate }
	if entity == m.root && !slices.ContainsFunc(list, isAdministrator) {
		return &types.AuthMinimumAdminPermission{}
	}
	m.replace(entity, list)
	return nil
}

func (m *Manager) replace(entity vim.Ref, list []types.Permission) {
	if len(list) == 0 {
		delete(m.permissions, entity)
		return
	}
	m.permissions[entity] = list
}

func sameHolder(a, b types.Permission) bool {
	return a.Group == b.Group && key(a.Principal) == key(b.Principal)
}
