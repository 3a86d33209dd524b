// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Privileges: each call of a user who is not an administrator is checked before it is answered (internal/authz).

package vsim

import (
	"fmt"
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/authz"
)

// newUsers creates the initial permissions, once the root folder exists.
func (s *Server) newUsers() error {
	var err error
	s.authz, err = authz.New(s.serviceContent().RootFolder, authz.User{Name: s.config.Username, Password: s.config.Password,
		Groups: []string{administrators(s.config.Username)}})
	for _, user := range s.config.Users {
		if err == nil {
			err = s.authz.AddUser(user)
		}
	}
	return err
}

// permit refuses a call for which its user lacks a privilege.
func (s *Server) permit(ctx *simulator.Context, call *simulator.Method) types.BaseMethodFault {
	if login, ok := call.Body.(*types.Login); ok {
		return s.permitLogin(login)
	}
	if ctx.Session == nil {
		return nil // authorize has let it pass
	}
	access := s.access(ctx.Session.UserName)
	if access.Unrestricted() {
		return nil
	}
	if fetch, ok := call.Body.(*Fetch); ok {
		return s.lacking(access, propertyNeeds(fetch.This, fetch.Prop))
	}
	if !authz.Known(call.Name) {
		return &types.MethodNotFound{Receiver: call.This, Method: call.Name}
	}
	return s.lacking(access, authz.Needs(s.facts(ctx.Session.UserName), call.Name, call.This, call.Body))
}

// permitLogin refuses a user without any permission, as vCenter does: NoPermission, and not InvalidLogin, if the password is right.
func (s *Server) permitLogin(login *types.Login) types.BaseMethodFault {
	if !s.validLogin(login) || s.access(login.UserName).Any() {
		return nil
	}
	return noPermission([]authz.Need{{Privilege: authz.SystemView, On: s.serviceContent().RootFolder}})
}

// permitArrival checks what a move from another vCenter requires here, for the user as whom the other one has logged in.
func (s *Server) permitArrival(user string, spec *types.VirtualMachineRelocateSpec) types.BaseMethodFault {
	return s.lacking(s.access(user), authz.ArrivalNeeds(s.facts(user), spec))
}

func propertyNeeds(object ref, path string) []authz.Need {
	if privilege := authz.PropertyPrivilege(object.Type, path); privilege != "" {
		return []authz.Need{{Privilege: privilege, On: object}}
	}
	return nil
}

// lacking returns the fault for the needs that are not met; nil if all are.
func (s *Server) lacking(access *authz.Access, needs []authz.Need) types.BaseMethodFault {
	missing := slices.DeleteFunc(needs, func(need authz.Need) bool { return access.Has(need.Privilege, need.On) })
	if len(missing) == 0 {
		return nil
	}
	return noPermission(missing)
}

// noPermission names the first privilege in the older properties, and all in missingPrivileges.
func noPermission(missing []authz.Need) types.BaseMethodFault {
	object := missing[0].On
	fault := &types.NoPermission{Object: &object, PrivilegeId: missing[0].Privilege}
	for _, need := range missing {
		index := slices.IndexFunc(fault.MissingPrivileges, func(p types.NoPermissionEntityPrivileges) bool { return p.Entity == need.On })
		if index < 0 {
			fault.MissingPrivileges = append(fault.MissingPrivileges, types.NoPermissionEntityPrivileges{Entity: need.On})
			index = len(fault.MissingPrivileges) - 1
		}
		entry := &fault.MissingPrivileges[index]
		entry.PrivilegeIds = append(entry.PrivilegeIds, need.Privilege)
	}
	return fault
}

func (s *Server) access(user string) *authz.Access { return s.authz.Access(user, s.facts(user)) }

// AddUser adds a user, who can log in when a permission applies to the user or one of the groups.
func (s *Server) AddUser(user authz.User) error { return s.authz.AddUser(user) }

// RemoveUser removes a user and the permissions of the user. Sessions of the user can do nothing any more.
func (s *Server) RemoveUser(name string) error {
	if authz.Principal(name) == authz.Principal(s.config.Username) {
		return fmt.Errorf("%s is the lab's administrator, who cannot be removed", name)
	}
	if !s.authz.RemoveUser(name) {
		return fmt.Errorf("%w: there is no user named %s", ErrNotFound, name)
	}
	s.showPermissions()
	return nil
}
