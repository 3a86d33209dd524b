// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package authz decides who may do what: users and groups, roles, permissions on the entities of an inventory, and the
// privileges that each method of the API requires. It knows the inventory only by its interfaces Tree and Facts.
package authz

import (
	"slices"
	"sync"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// Manager has the users, roles and permissions of one vCenter.
type Manager struct {
	mu          sync.RWMutex
	root        vim.Ref
	users       directory
	roles       *roles
	permissions map[vim.Ref][]types.Permission
}

// New returns the initial state: one administrator, who may do everything.
func New(root vim.Ref, administrator User) (*Manager, error) {
	m := &Manager{root: root, users: directory{}, roles: newRoles(), permissions: map[vim.Ref][]types.Permission{}}
	if err := m.users.add(administrator); err != nil {
		return nil, err
	}
	m.permissions[root] = []types.Permission{{Entity: &root, Principal: Principal(administrator.Name), RoleId: Admin, Propagate: true}}
	return m, nil
}

// AddUser adds a user. No permission applies to a new user, unless there is one of a group.
func (m *Manager) AddUser(user User) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.users.add(user)
}

// RemoveUser removes a user, and the permissions of the user and of groups that no longer exist.
func (m *Manager) RemoveUser(name string) (found bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, found = m.users[key(name)]; !found {
		return false
	}
	delete(m.users, key(name))
	for entity, list := range m.permissions {
		m.replace(entity, slices.DeleteFunc(slices.Clone(list), func(p types.Permission) bool {
			_, exists := m.users.find(p.Principal, p.Group)
			return !exists
		}))
	}
	return true
}

// Accepts returns whether a user has this password.
func (m *Manager) Accepts(name, password string) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.users.accepts(name, password)
}

// Users returns the principals of all users, sorted.
func (m *Manager) Users() []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.users.users()
}

// Groups returns the principals of all groups, sorted.
func (m *Manager) Groups() []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.users.groups()
}

// IsMember returns whether a user is in a group.
func (m *Manager) IsMember(user, group string) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.users.isMember(user, group)
}

// Access returns the decisions for a user. They do not change with later changes of permissions.
func (m *Manager) Access(user string, tree Tree) *Access {
	m.mu.RLock()
	defer m.mu.RUnlock()
	member := map[string]bool{}
	for _, group := range m.users[key(user)].Groups {
		member[key(group)] = true
	}
	own := key(user)
	a := &Access{tree: tree, permissions: map[vim.Ref][]types.Permission{}, roles: &roles{list: m.roles.list},
		decided: map[vim.Ref][]int32{}, inherited: map[vim.Ref][]int32{}}
	a.applies = func(p types.Permission) bool {
		if p.Group {
			return member[key(p.Principal)]
		}
		return key(p.Principal) == own
	}
	for entity, list := range m.permissions {
		if slices.ContainsFunc(list, a.applies) {
			a.permissions[entity] = list
		}
	}
	if len(a.permissions) == 1 {
		found, _ := a.at(m.root, true)
		a.unrestricted = slices.Contains(found, Admin)
	}
	return a
}

// Roles is the property roleList of AuthorizationManager.
func (m *Manager) Roles() []types.AuthorizationRole {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.roles.list
}

// PrivilegeList is the property of AuthorizationManager.
func (m *Manager) PrivilegeList() []types.AuthorizationPrivilege {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.roles.privilegeList()
}

// IsPrivilege returns whether a privilege exists.
func (m *Manager) IsPrivilege(id string) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.roles.unknown([]string{id}) == ""
}

// PrivilegesOf returns the privileges of a role, none if it does not exist.
func (m *Manager) PrivilegesOf(role int32) []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if found := m.roles.find(role); found != nil {
		return found.Privilege
	}
	return nil
}

// AddRole is AddAuthorizationRole.
func (m *Manager) AddRole(name string, privileges []string) (int32, types.BaseMethodFault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.roles.add(name, privileges)
}

// UpdateRole is UpdateAuthorizationRole.
func (m *Manager) UpdateRole(id int32, name string, privileges []string) types.BaseMethodFault {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.roles.update(id, name, privileges)
}

// RemoveRole is RemoveAuthorizationRole. Permissions with the role are removed too, unless failIfUsed is true.
func (m *Manager) RemoveRole(id int32, failIfUsed bool) types.BaseMethodFault {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, fault := m.roles.own(id); fault != nil {
		return fault
	}
	if failIfUsed && len(m.withRole(id)) > 0 {
		return &types.RemoveFailed{}
	}
	for entity, list := range m.permissions {
		m.replace(entity, slices.DeleteFunc(slices.Clone(list), func(p types.Permission) bool { return p.RoleId == id }))
	}
	return m.roles.remove(id)
}
