// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// AuthorizationManager and UserDirectory.

package vsim

import (
	"reflect"
	"slices"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/authz"
)

func (s *Server) authorizationMethods() map[string]handler {
	return map[string]handler{
		"AuthorizationManager.AddAuthorizationRole":         method(s.addRole),
		"AuthorizationManager.UpdateAuthorizationRole":      method(s.updateRole),
		"AuthorizationManager.RemoveAuthorizationRole":      method(s.removeRole),
		"AuthorizationManager.SetEntityPermissions":         method(s.setPermissions),
		"AuthorizationManager.ResetEntityPermissions":       method(s.resetPermissions),
		"AuthorizationManager.RemoveEntityPermission":       method(s.removePermission),
		"AuthorizationManager.MergePermissions":             method(s.mergePermissions),
		"AuthorizationManager.RetrieveEntityPermissions":    method(s.retrieveEntityPermissions),
		"AuthorizationManager.RetrieveRolePermissions":      method(s.retrieveRolePermissions),
		"AuthorizationManager.RetrieveAllPermissions":       method(s.retrieveAllPermissions),
		"AuthorizationManager.HasPrivilegeOnEntity":         method(s.hasPrivilegeOnEntity),
		"AuthorizationManager.HasPrivilegeOnEntities":       method(s.hasPrivilegeOnEntities),
		"AuthorizationManager.HasUserPrivilegeOnEntities":   method(s.hasUserPrivilegeOnEntities),
		"AuthorizationManager.FetchUserPrivilegeOnEntities": method(s.fetchUserPrivilegeOnEntities),
		"UserDirectory.RetrieveUserGroups":                  method(s.retrieveUserGroups),
	}
}

// administrators is the group of the configured user.
func administrators(username string) string {
	if _, domain, found := strings.Cut(username, "@"); found {
		return "Administrators@" + domain
	}
	return "Administrators"
}

// installAuthorization shows roles, privileges and permissions as properties.
func (s *Server) installAuthorization() {
	s.showRoles()
	s.update(s.authorizationManager(), set("privilegeList", s.authz.PrivilegeList()))
	s.shown = map[ref][]types.Permission{}
	s.showPermissions()
	s.registry.AddHandler(&permissionKeeper{s})
}

func (s *Server) authorizationManager() mo.Reference {
	return s.registry.Get(*s.serviceContent().AuthorizationManager)
}

func (s *Server) showRoles() { s.update(s.authorizationManager(), set("roleList", s.authz.Roles())) }

// showPermissions updates the property permission of all entities whose permissions have changed.
func (s *Server) showPermissions() {
	s.showing.Lock()
	defer s.showing.Unlock()
	now := map[ref][]types.Permission{}
	for _, permission := range s.authz.All() {
		now[*permission.Entity] = append(now[*permission.Entity], permission)
	}
	for entity := range s.shown {
		if now[entity] == nil {
			s.showPermissionsOf(entity, nil)
		}
	}
	for entity, list := range now {
		if !reflect.DeepEqual(list, s.shown[entity]) {
			s.showPermissionsOf(entity, list)
		}
	}
	s.shown = now
}

func (s *Server) showPermissionsOf(entity ref, list []types.Permission) {
	if object := s.registry.Get(entity); object != nil {
		s.update(object, set("permission", list))
	}
}

// permissionKeeper forgets the permissions of entities that are removed.
type permissionKeeper struct {
	server *Server
}

func (*permissionKeeper) Reference() ref { return ref{Type: "GantryPermissions", Value: "permissions"} }

func (*permissionKeeper) PutObject(*simulator.Context, mo.Reference) {}

func (*permissionKeeper) UpdateObject(*simulator.Context, mo.Reference, []types.PropertyChange) {}

func (k *permissionKeeper) RemoveObject(_ *simulator.Context, object ref) {
	k.server.authz.Forget(object)
}

// changed shows the permissions after a change, or returns its fault.
func (s *Server) changed(body soap.HasFault, fault types.BaseMethodFault) (soap.HasFault, types.BaseMethodFault) {
	// Of several permissions, some may have been set before one was refused.
	s.showPermissions()
	if fault != nil {
		return nil, fault
	}
	return body, nil
}

func (s *Server) addRole(_ *simulator.Context, request *types.AddAuthorizationRole) (soap.HasFault, types.BaseMethodFault) {
	id, fault := s.authz.AddRole(request.Name, request.PrivIds)
	if fault != nil {
		return nil, fault
	}
	s.showRoles()
	return &methods.AddAuthorizationRoleBody{Res: &types.AddAuthorizationRoleResponse{Returnval: id}}, nil
}

func (s *Server) updateRole(_ *simulator.Context, request *types.UpdateAuthorizationRole) (soap.HasFault, types.BaseMethodFault) {
	if fault := s.authz.UpdateRole(request.RoleId, request.NewName, request.PrivIds); fault != nil {
		return nil, fault
	}
	s.showRoles()
	return &methods.UpdateAuthorizationRoleBody{Res: &types.UpdateAuthorizationRoleResponse{}}, nil
}

func (s *Server) removeRole(_ *simulator.Context, request *types.RemoveAuthorizationRole) (soap.HasFault, types.BaseMethodFault) {
	fault := s.authz.RemoveRole(request.RoleId, request.FailIfUsed)
	s.showRoles()
	return s.changed(&methods.RemoveAuthorizationRoleBody{Res: &types.RemoveAuthorizationRoleResponse{}}, fault)
}

// ownPermissions refuses an entity that always has the permissions of another one.
func (s *Server) ownPermissions(entity ref) types.BaseMethodFault {
	if s.registry.Get(entity) == nil {
		return &types.ManagedObjectNotFound{Obj: entity}
	}
	if !authz.IsEntity(entity.Type) || s.facts("").Owner(entity) != entity {
		return invalidArgument("entity")
	}
	return nil
}

func (s *Server) setPermissions(_ *simulator.Context, request *types.SetEntityPermissions) (soap.HasFault, types.BaseMethodFault) {
	fault := s.ownPermissions(request.Entity)
	if fault == nil {
		fault = s.authz.SetPermissions(request.Entity, request.Permission)
	}
	return s.changed(&methods.SetEntityPermissionsBody{Res: &types.SetEntityPermissionsResponse{}}, fault)
}

func (s *Server) resetPermissions(_ *simulator.Context, request *types.ResetEntityPermissions) (soap.HasFault, types.BaseMethodFault) {
	fault := s.ownPermissions(request.Entity)
	if fault == nil {
		fault = s.authz.ResetPermissions(request.Entity, request.Permission)
	}
	return s.changed(&methods.ResetEntityPermissionsBody{Res: &types.ResetEntityPermissionsResponse{}}, fault)
}

func (s *Server) removePermission(_ *simulator.Context, request *types.RemoveEntityPermission) (soap.HasFault, types.BaseMethodFault) {
	fault := s.ownPermissions(request.Entity)
	if fault == nil {
		fault = s.authz.RemovePermission(request.Entity, request.User, request.IsGroup)
	}
	return s.changed(&methods.RemoveEntityPermissionBody{Res: &types.RemoveEntityPermissionResponse{}}, fault)
}

func (s *Server) mergePermissions(_ *simulator.Context, request *types.MergePermissions) (soap.HasFault, types.BaseMethodFault) {
	fault := s.authz.MergePermissions(request.SrcRoleId, request.DstRoleId)
	return s.changed(&methods.MergePermissionsBody{Res: &types.MergePermissionsResponse{}}, fault)
}

func (s *Server) retrieveEntityPermissions(_ *simulator.Context, request *types.RetrieveEntityPermissions) (soap.HasFault, types.BaseMethodFault) {
	if s.registry.Get(request.Entity) == nil {
		return nil, &types.ManagedObjectNotFound{Obj: request.Entity}
	}
	facts := s.facts("")
	list := s.authz.On(facts.Owner(request.Entity))
	if request.Inherited {
		list = s.authz.Effective(request.Entity, facts)
	}
	return &methods.RetrieveEntityPermissionsBody{Res: &types.RetrieveEntityPermissionsResponse{Returnval: list}}, nil
}

func (s *Server) retrieveRolePermissions(_ *simulator.Context, request *types.RetrieveRolePermissions) (soap.HasFault, types.BaseMethodFault) {
	list, fault := s.authz.WithRole(request.RoleId)
	if fault != nil {
		return nil, fault
	}
	return &methods.RetrieveRolePermissionsBody{Res: &types.RetrieveRolePermissionsResponse{Returnval: list}}, nil
}

func (s *Server) retrieveAllPermissions(*simulator.Context, *types.RetrieveAllPermissions) (soap.HasFault, types.BaseMethodFault) {
	return &methods.RetrieveAllPermissionsBody{Res: &types.RetrieveAllPermissionsResponse{Returnval: s.authz.All()}}, nil
}

func (s *Server) availability(user string, entities []ref, privileges []string) ([]types.EntityPrivilege, types.BaseMethodFault) {
	access := s.access(user)
	answer := make([]types.EntityPrivilege, 0, len(entities))
	for _, entity := range entities {
		if s.registry.Get(entity) == nil {
			return nil, &types.ManagedObjectNotFound{Obj: entity}
		}
		one := types.EntityPrivilege{Entity: entity}
		for _, privilege := range privileges {
			one.PrivAvailability = append(one.PrivAvailability, types.PrivilegeAvailability{
				PrivId: privilege, IsGranted: s.authz.IsPrivilege(privilege) && access.Has(privilege, entity)})
		}
		answer = append(answer, one)
	}
	return answer, nil
}

func (s *Server) hasPrivilegeOnEntity(_ *simulator.Context, request *types.HasPrivilegeOnEntity) (soap.HasFault, types.BaseMethodFault) {
	found, fault := s.availability(s.userOfSession(request.SessionId), []ref{request.Entity}, request.PrivId)
	if fault != nil {
		return nil, fault
	}
	var granted []bool
	for _, one := range found[0].PrivAvailability {
		granted = append(granted, one.IsGranted)
	}
	return &methods.HasPrivilegeOnEntityBody{Res: &types.HasPrivilegeOnEntityResponse{Returnval: granted}}, nil
}

func (s *Server) hasPrivilegeOnEntities(_ *simulator.Context, request *types.HasPrivilegeOnEntities) (soap.HasFault, types.BaseMethodFault) {
	found, fault := s.availability(s.userOfSession(request.SessionId), request.Entity, request.PrivId)
	if fault != nil {
		return nil, fault
	}
	return &methods.HasPrivilegeOnEntitiesBody{Res: &types.HasPrivilegeOnEntitiesResponse{Returnval: found}}, nil
}

func (s *Server) hasUserPrivilegeOnEntities(_ *simulator.Context, request *types.HasUserPrivilegeOnEntities) (soap.HasFault, types.BaseMethodFault) {
	found, fault := s.availability(request.UserName, request.Entities, request.PrivId)
	if fault != nil {
		return nil, fault
	}
	return &methods.HasUserPrivilegeOnEntitiesBody{Res: &types.HasUserPrivilegeOnEntitiesResponse{Returnval: found}}, nil
}

func (s *Server) fetchUserPrivilegeOnEntities(_ *simulator.Context, request *types.FetchUserPrivilegeOnEntities) (soap.HasFault, types.BaseMethodFault) {
	access := s.access(request.UserName)
	var results []types.UserPrivilegeResult
	for _, entity := range request.Entities {
		if s.registry.Get(entity) == nil {
			return nil, &types.ManagedObjectNotFound{Obj: entity}
		}
		held := slices.DeleteFunc(slices.Clone(s.authz.PrivilegesOf(authz.Admin)), func(id string) bool { return !access.Has(id, entity) })
		results = append(results, types.UserPrivilegeResult{Entity: entity, Privileges: held})
	}
	return &methods.FetchUserPrivilegeOnEntitiesBody{Res: &types.FetchUserPrivilegeOnEntitiesResponse{Returnval: results}}, nil
}

// retrieveUserGroups searches users and groups by a part of their names, or by the whole name.
func (s *Server) retrieveUserGroups(_ *simulator.Context, request *types.RetrieveUserGroups) (soap.HasFault, types.BaseMethodFault) {
	matches := func(principal string) bool {
		name, wanted := strings.ToLower(principal), strings.ToLower(request.SearchStr)
		if request.ExactMatch {
			return name == wanted || name == strings.ToLower(authz.Principal(wanted)) || strings.HasSuffix(name, `\`+wanted)
		}
		return strings.Contains(name, wanted)
	}
	var found []types.BaseUserSearchResult
	add := func(principals []string, group bool) {
		for _, principal := range principals {
			if matches(principal) && s.related(principal, group, request) {
				found = append(found, &types.UserSearchResult{Principal: principal, FullName: principal, Group: group})
			}
		}
	}
	if request.FindUsers {
		add(s.authz.Users(), false)
	}
	if request.FindGroups {
		add(s.authz.Groups(), true)
	}
	return &methods.RetrieveUserGroupsBody{Res: &types.RetrieveUserGroupsResponse{Returnval: found}}, nil
}

// related returns whether a user is in the group, and a group has the user, that a search names.
func (s *Server) related(principal string, group bool, request *types.RetrieveUserGroups) bool {
	if group {
		return request.BelongsToUser == "" || s.authz.IsMember(request.BelongsToUser, principal)
	}
	return request.BelongsToGroup == "" || s.authz.IsMember(principal, request.BelongsToGroup)
}
