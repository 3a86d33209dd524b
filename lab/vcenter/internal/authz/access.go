// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What a user may do with an object. (vSphere Security, "Hierarchical Inheritance of Permissions" and "Multiple Permission
// Settings"; vSphere Web Services API, AuthorizationManager.)

package authz

import (
	"slices"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// Tree is the inventory as permissions see it.
type Tree interface {
	// Owner returns the entity whose permissions an object has: usually itself. A datacenter's root folders have those of
	// the datacenter, a root resource pool those of its cluster, and an object that is not a managed entity those of the
	// root folder.
	Owner(object vim.Ref) vim.Ref
	// Parents returns the entities from which an entity inherits: a VM both from its folder and from its pool.
	Parents(entity vim.Ref) []vim.Ref
}

// Access decides for one user, with the permissions of the moment at which it was made.
type Access struct {
	tree        Tree
	permissions map[vim.Ref][]types.Permission
	roles       *roles
	applies     func(types.Permission) bool

	unrestricted bool
	decided      map[vim.Ref][]int32
	inherited    map[vim.Ref][]int32
	ancestors    map[vim.Ref]bool
}

// Unrestricted is true for an administrator of the root folder to whom no other permission applies: there is nothing to check.
func (a *Access) Unrestricted() bool { return a.unrestricted }

// Has returns whether the user has a privilege on an object. Whoever has access to anything may see what leads to it.
func (a *Access) Has(privilege string, object vim.Ref) bool {
	if a.unrestricted {
		return true
	}
	if slices.ContainsFunc(a.Roles(object), func(id int32) bool { return a.roles.has(id, privilege) }) {
		return true
	}
	return (privilege == SystemView || privilege == SystemAnonymous) && a.ancestorsOfAccess()[a.tree.Owner(object)]
}

// Any returns whether any permission gives the user any privilege.
func (a *Access) Any() bool { return a.unrestricted || len(a.ancestorsOfAccess()) > 0 }

// Roles returns the roles that the user has on an object, sorted.
func (a *Access) Roles(object vim.Ref) []int32 {
	entity := a.tree.Owner(object)
	if found, known := a.decided[entity]; known {
		return found
	}
	found, set := a.at(entity, false)
	if !set {
		found = a.fromParents(entity)
	}
	a.decided[entity] = found
	return found
}

// fromParents returns the roles that an entity inherits. Those from two parents add up.
func (a *Access) fromParents(entity vim.Ref) []int32 {
	var all []int32
	for _, parent := range a.tree.Parents(entity) {
		all = append(all, a.downFrom(a.tree.Owner(parent))...)
	}
	return distinct(all)
}

// downFrom returns the roles that propagate from an entity: its own, otherwise those that it inherits.
func (a *Access) downFrom(entity vim.Ref) []int32 {
	if found, known := a.inherited[entity]; known {
		return found
	}
	found, set := a.at(entity, true)
	if !set {
		found = a.fromParents(entity)
	}
	a.inherited[entity] = found
	return found
}

// at returns the roles that the permissions of one entity give. A permission of the user has precedence over those of groups,
// which add up.
func (a *Access) at(entity vim.Ref, propagating bool) (found []int32, set bool) {
	for _, permission := range a.permissions[entity] {
		if propagating && !permission.Propagate || !a.applies(permission) {
			continue
		}
		if !permission.Group {
			return []int32{permission.RoleId}, true
		}
		found, set = append(found, permission.RoleId), true
	}
	return distinct(found), set
}

// ancestorsOfAccess returns the entities on which a permission gives the user something, and all above them.
func (a *Access) ancestorsOfAccess() map[vim.Ref]bool {
	if a.ancestors != nil {
		return a.ancestors
	}
	a.ancestors = map[vim.Ref]bool{}
	for entity := range a.permissions {
		found, _ := a.at(entity, false)
		if slices.ContainsFunc(found, func(id int32) bool { return a.roles.has(id, SystemView) }) {
			a.addWithAncestors(entity)
		}
	}
	return a.ancestors
}

func (a *Access) addWithAncestors(entity vim.Ref) {
	entity = a.tree.Owner(entity)
	if a.ancestors[entity] {
		return
	}
	a.ancestors[entity] = true
	for _, parent := range a.tree.Parents(entity) {
		a.addWithAncestors(parent)
	}
}

func distinct(ids []int32) []int32 {
	slices.Sort(ids)
	return slices.Compact(ids)
}
