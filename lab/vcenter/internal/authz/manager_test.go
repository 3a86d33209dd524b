// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package authz

import (
	"reflect"
	"slices"
	"testing"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

func expectFault[F any](t *testing.T, fault types.BaseMethodFault) *F {
	t.Helper()
	typed, ok := any(fault).(*F)
	if !ok {
		t.Fatalf("got %T, expected %T", fault, typed)
	}
	return typed
}

func TestPasswordsAndSpellingsOfNames(t *testing.T) {
	m := newManager(t)
	for name, c := range map[string]struct {
		user, password string
		accepted       bool
	}{
		"as configured":  {ann, "ann's", true},
		"another case":   {"Ann@VSPHERE.local", "ann's", true},
		"with domain":    {`VSPHERE.LOCAL\ann`, "ann's", true},
		"wrong password": {ann, "a secret", false},
		"no password":    {ann, "", false},
		"other domain":   {"ann@example.com", "ann's", false},
		"no domain":      {"ann", "ann's", false},
		"unknown":        {"bob@vsphere.local", "", false},
	} {
		if m.Accepts(c.user, c.password) != c.accepted {
			t.Errorf("%s: accepted is %v", name, !c.accepted)
		}
	}
	if !m.IsMember(ann, dev) || m.IsMember(admin, dev) {
		t.Error("wrong members")
	}
	if users := m.Users(); !slices.Equal(users, []string{`VSPHERE.LOCAL\administrator`, `VSPHERE.LOCAL\ann`}) {
		t.Error(users)
	}
	if groups := m.Groups(); !slices.Equal(groups, []string{dev, `VSPHERE.LOCAL\ops`}) {
		t.Error(groups)
	}
}

func TestUsersThatCannotBeAdded(t *testing.T) {
	m := newManager(t)
	for _, user := range []User{{Name: "", Password: "x"}, {Name: "bob"}, {Name: `vsphere.local\ANN`, Password: "x"},
		{Name: "bob", Password: "x", Groups: []string{""}}} {
		if m.AddUser(user) == nil {
			t.Errorf("%+v was added", user)
		}
	}
}

func TestARemovedUserLeavesNoPermissions(t *testing.T) {
	m := newManager(t)
	m.give(t, given{on: tenant, privilege: powerOn}, given{on: web, group: dev, privilege: powerOn})
	if !m.RemoveUser(ann) || m.RemoveUser(ann) {
		t.Error("the user was not there, or is still there")
	}
	if all := m.All(); len(all) != 1 || *all[0].Entity != root {
		t.Errorf("%+v", all)
	}
}

func TestRoles(t *testing.T) {
	m := newManager(t)
	id, fault := m.AddRole("operator", []string{powerOn, SystemRead})
	if fault != nil || id < 1 {
		t.Fatalf("id %d, fault %T", id, fault)
	}
	if held := m.PrivilegesOf(id); !slices.Equal(held, []string{SystemAnonymous, SystemRead, SystemView, powerOn}) {
		t.Error(held)
	}
	next, _ := m.AddRole("other", nil)
	if next != id+1 {
		t.Errorf("the next role has the id %d", next)
	}
	if fault := m.UpdateRole(id, "operators", []string{snapshot}); fault != nil {
		t.Fatalf("%T", fault)
	}
	if held := m.PrivilegesOf(id); !slices.Contains(held, snapshot) || slices.Contains(held, powerOn) {
		t.Error(held)
	}
	if fault := m.UpdateRole(id, "renamed", nil); fault != nil || !slices.Contains(m.PrivilegesOf(id), snapshot) {
		t.Errorf("%T, or the privileges are lost", fault)
	}
}

func TestRolesThatCannotBe(t *testing.T) {
	m := newManager(t)
	id, _ := m.AddRole("operator", []string{powerOn})
	_, fault := m.AddRole("operator", nil)
	expectFault[types.AlreadyExists](t, fault)
	_, fault = m.AddRole("", nil)
	expectFault[types.InvalidName](t, fault)
	_, fault = m.AddRole("x", []string{"No.Such"})
	if property := expectFault[types.InvalidArgument](t, fault).InvalidProperty; property != "privIds" {
		t.Error(property)
	}
	expectFault[types.AlreadyExists](t, m.UpdateRole(id, "Admin", nil))
	expectFault[types.NotFound](t, m.UpdateRole(99, "x", nil))
	expectFault[types.NotFound](t, m.UpdateRole(id, "x", []string{"No.Such"}))
	expectFault[types.NotFound](t, m.RemoveRole(99, false))
	for _, system := range []int32{Admin, ReadOnly, View, Anonymous, NoAccess} {
		expectFault[types.InvalidArgument](t, m.RemoveRole(system, false))
		expectFault[types.InvalidArgument](t, m.UpdateRole(system, "x", nil))
	}
}

func TestARoleInUse(t *testing.T) {
	m := newManager(t)
	m.give(t, given{on: tenant, privilege: powerOn})
	id := m.role(t, powerOn)
	expectFault[types.RemoveFailed](t, m.RemoveRole(id, true))
	if fault := m.RemoveRole(id, false); fault != nil || len(m.On(tenant)) != 0 {
		t.Errorf("%T, permissions %+v", fault, m.On(tenant))
	}
}

func TestPermissionsAreAddedAndReplaced(t *testing.T) {
	m := newManager(t)
	m.give(t, given{on: tenant, privilege: powerOn}, given{on: tenant, group: dev, privilege: powerOn}, given{on: tenant, privilege: snapshot})
	list := m.On(tenant)
	expected := []types.Permission{
		{Entity: &tenant, Principal: dev, Group: true, RoleId: m.role(t, powerOn), Propagate: true},
		{Entity: &tenant, Principal: `VSPHERE.LOCAL\ann`, RoleId: m.role(t, snapshot), Propagate: true}}
	if !reflect.DeepEqual(list, expected) {
		t.Errorf("%+v", list)
	}
	if fault := m.ResetPermissions(tenant, []types.Permission{{Principal: ops, Group: true, RoleId: ReadOnly}}); fault != nil {
		t.Fatalf("%T", fault)
	}
	if list := m.On(tenant); len(list) != 1 || list[0].RoleId != ReadOnly {
		t.Errorf("%+v", list)
	}
}

func TestPermissionsThatCannotBe(t *testing.T) {
	m := newManager(t)
	set := func(entity vim.Ref, permission types.Permission) types.BaseMethodFault {
		return m.SetPermissions(entity, []types.Permission{permission})
	}
	fault := set(tenant, types.Permission{Principal: "bob@vsphere.local", RoleId: ReadOnly})
	if principal := expectFault[types.UserNotFound](t, fault).Principal; principal != "bob@vsphere.local" {
		t.Error(principal)
	}
	expectFault[types.UserNotFound](t, set(tenant, types.Permission{Principal: ann, Group: true, RoleId: ReadOnly}))
	expectFault[types.NotFound](t, set(tenant, types.Permission{Principal: ann, RoleId: 99}))
	expectFault[types.InvalidArgument](t, set(tenant, types.Permission{Principal: ann, RoleId: View}))
	expectFault[types.InvalidArgument](t, set(tenant, types.Permission{Principal: ann, RoleId: Anonymous}))
	expectFault[types.AuthMinimumAdminPermission](t, set(root, types.Permission{Principal: admin, RoleId: ReadOnly, Propagate: true}))
	expectFault[types.AuthMinimumAdminPermission](t, m.RemovePermission(root, admin, false))
	expectFault[types.AuthMinimumAdminPermission](t, m.ResetPermissions(root, nil))
	expectFault[types.NotFound](t, m.RemovePermission(tenant, ann, false))
	if len(m.All()) != 1 {
		t.Errorf("%+v", m.All())
	}
}

func TestMergePermissions(t *testing.T) {
	m := newManager(t)
	m.give(t, given{on: tenant, privilege: powerOn}, given{on: web, privilege: powerOn})
	id := m.role(t, powerOn)
	expectFault[types.InvalidArgument](t, m.MergePermissions(id, id))
	expectFault[types.InvalidArgument](t, m.MergePermissions(id, View))
	expectFault[types.NotFound](t, m.MergePermissions(99, id))
	expectFault[types.AuthMinimumAdminPermission](t, m.MergePermissions(Admin, id))
	if fault := m.MergePermissions(id, ReadOnly); fault != nil {
		t.Fatalf("%T", fault)
	}
	left, fault := m.WithRole(id)
	now, _ := m.WithRole(ReadOnly)
	if fault != nil || len(left) != 0 || len(now) != 2 {
		t.Errorf("%T: left %+v, now %+v", fault, left, now)
	}
	_, fault = m.WithRole(99)
	expectFault[types.NotFound](t, fault)
}

func TestEffectivePermissionsAreTheNearestOfEachHolder(t *testing.T) {
	m := newManager(t)
	m.give(t, given{on: dc, privilege: powerOn}, given{on: tenant, privilege: snapshot}, given{on: dc, group: dev, privilege: powerOn},
		given{on: tenant, group: ops, privilege: powerOn, local: true})
	var found []string
	for _, permission := range m.Effective(web, testTree{}) {
		found = append(found, permission.Entity.Value+" "+permission.Principal)
	}
	slices.Sort(found)
	if expected := []string{"dc " + dev, `root VSPHERE.LOCAL\administrator`, `tenant VSPHERE.LOCAL\ann`}; !slices.Equal(found, expected) {
		t.Errorf("%q", found)
	}
}

func TestAForgottenEntityHasNoPermissions(t *testing.T) {
	m := newManager(t)
	m.give(t, given{on: tenant, privilege: powerOn})
	m.Forget(tenant)
	if len(m.On(tenant)) != 0 || m.Access(ann, testTree{}).Any() {
		t.Error("the permissions are still there")
	}
}
