// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package authz

import (
	"testing"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// The inventory of the tests: root > dc > vms (a root folder of dc) > tenant > web; web is in the pool gold of the cluster.
var (
	root    = vim.Ref{Type: "Folder", Value: "root"}
	dc      = vim.Ref{Type: "Datacenter", Value: "dc"}
	vms     = vim.Ref{Type: "Folder", Value: "vms"}
	tenant  = vim.Ref{Type: "Folder", Value: "tenant"}
	cluster = vim.Ref{Type: "ClusterComputeResource", Value: "cluster"}
	pools   = vim.Ref{Type: "ResourcePool", Value: "pools"}
	gold    = vim.Ref{Type: "ResourcePool", Value: "gold"}
	web     = vim.Ref{Type: "VirtualMachine", Value: "web"}
	store   = vim.Ref{Type: "Datastore", Value: "store"}
)

type testTree struct{}

func (testTree) Owner(object vim.Ref) vim.Ref {
	switch object {
	case vms:
		return dc
	case pools:
		return cluster
	case root, dc, tenant, cluster, gold, web, store:
		return object
	}
	return root
}

func (testTree) Parents(entity vim.Ref) []vim.Ref {
	return map[vim.Ref][]vim.Ref{dc: {root}, vms: {dc}, tenant: {vms}, cluster: {dc}, pools: {cluster}, gold: {pools},
		web: {tenant, gold}, store: {dc}}[entity]
}

const (
	admin = "administrator@vsphere.local"
	ann   = "ann@vsphere.local"
)

func newManager(t *testing.T) *Manager {
	t.Helper()
	m, err := New(root, User{Name: admin, Password: "a secret"})
	if err == nil {
		err = m.AddUser(User{Name: ann, Password: "ann's", Groups: []string{"dev@vsphere.local", "ops@vsphere.local"}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// given is a permission, by default of ann, with a role of just one privilege.
type given struct {
	on        vim.Ref
	group     string
	privilege string // empty: NoAccess
	local     bool   // it does not propagate
}

func (m *Manager) give(t *testing.T, permissions ...given) {
	t.Helper()
	for _, one := range permissions {
		permission := types.Permission{Principal: ann, RoleId: NoAccess, Propagate: !one.local}
		if one.group != "" {
			permission.Principal, permission.Group = one.group, true
		}
		if one.privilege != "" {
			permission.RoleId = m.role(t, one.privilege)
		}
		if fault := m.SetPermissions(one.on, []types.Permission{permission}); fault != nil {
			t.Fatalf("%+v: %T", one, fault)
		}
	}
}

func (m *Manager) role(t *testing.T, privilege string) int32 {
	t.Helper()
	for _, role := range m.Roles() {
		if role.Name == privilege {
			return role.RoleId
		}
	}
	id, fault := m.AddRole(privilege, []string{privilege})
	if fault != nil {
		t.Fatalf("%T", fault)
	}
	return id
}

const (
	powerOn  = "VirtualMachine.Interact.PowerOn"
	snapshot = "VirtualMachine.State.CreateSnapshot"
	dev      = `VSPHERE.LOCAL\dev`
	ops      = "ops@vsphere.local"
)

func TestInheritanceAndPrecedence(t *testing.T) {
	for name, c := range map[string]struct {
		permissions []given
		on          vim.Ref
		has, lacks  []string
	}{
		"no permission":              {nil, web, nil, []string{SystemView, powerOn}},
		"a permission on the object": {[]given{{on: web, privilege: powerOn}}, web, []string{powerOn, SystemRead}, []string{snapshot}},
		"propagates":                 {[]given{{on: root, privilege: powerOn}}, web, []string{powerOn}, nil},
		"does not propagate":         {[]given{{on: tenant, privilege: powerOn, local: true}}, web, nil, []string{powerOn, SystemView}},
		"counts where it is defined": {[]given{{on: tenant, privilege: powerOn, local: true}}, tenant, []string{powerOn}, nil},
		"the nearest wins":           {[]given{{on: dc, privilege: powerOn}, {on: tenant, privilege: snapshot}, {on: gold}}, web, []string{snapshot}, []string{powerOn}},
		"one that does not propagate is not in the way": {[]given{{on: dc, privilege: powerOn}, {on: tenant, privilege: snapshot, local: true}},
			web, []string{powerOn}, []string{snapshot}},
		"no access on the object":      {[]given{{on: dc, privilege: powerOn}, {on: web}}, web, nil, []string{powerOn, SystemRead, SystemView}},
		"groups add up":                {[]given{{on: tenant, group: dev, privilege: powerOn}, {on: tenant, group: ops, privilege: snapshot}}, web, []string{powerOn, snapshot}, nil},
		"the user before the groups":   {[]given{{on: tenant, group: dev, privilege: powerOn}, {on: tenant, privilege: snapshot}}, web, []string{snapshot}, []string{powerOn}},
		"a nearer group before a user": {[]given{{on: dc, privilege: snapshot}, {on: web, group: dev, privilege: powerOn}}, web, []string{powerOn}, []string{snapshot}},
		"groups on different objects": {[]given{{on: tenant, group: dev, privilege: powerOn}, {on: web, group: ops, privilege: snapshot}},
			web, []string{snapshot}, []string{powerOn}},
		"folder and pool add up":          {[]given{{on: tenant, privilege: powerOn}, {on: gold, privilege: snapshot}}, web, []string{powerOn, snapshot}, nil},
		"no access on one of two parents": {[]given{{on: tenant}, {on: gold, privilege: snapshot}}, web, []string{snapshot}, []string{powerOn}},
		"a root folder is its datacenter": {[]given{{on: dc, privilege: powerOn, local: true}}, vms, []string{powerOn}, nil},
		"a root pool is its cluster":      {[]given{{on: cluster, privilege: powerOn, local: true}}, pools, []string{powerOn}, nil},
		"what leads to it is visible":     {[]given{{on: web, privilege: powerOn}}, dc, []string{SystemView}, []string{SystemRead, powerOn}},
		"no access shows nothing":         {[]given{{on: web}}, dc, nil, []string{SystemView}},
		"a manager is like the root":      {[]given{{on: root, privilege: powerOn, local: true}}, vim.Ref{Type: "FileManager", Value: "x"}, []string{powerOn}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := newManager(t)
			m.give(t, c.permissions...)
			access := m.Access("ANN@vsphere.local", testTree{})
			for _, privilege := range c.has {
				if !access.Has(privilege, c.on) {
					t.Errorf("%s is missing on %s", privilege, c.on)
				}
			}
			for _, privilege := range c.lacks {
				if access.Has(privilege, c.on) {
					t.Errorf("%s is granted on %s", privilege, c.on)
				}
			}
		})
	}
}

func TestAnAdministratorIsUnrestrictedUntilAnotherPermissionApplies(t *testing.T) {
	m := newManager(t)
	if access := m.Access(admin, testTree{}); !access.Unrestricted() || !access.Has(powerOn, web) {
		t.Error("the administrator is restricted")
	}
	if fault := m.SetPermissions(tenant, []types.Permission{{Principal: admin, RoleId: NoAccess}}); fault != nil {
		t.Fatal(fault)
	}
	access := m.Access(admin, testTree{})
	if access.Unrestricted() || access.Has(powerOn, tenant) || !access.Has(powerOn, web) {
		t.Error("a permission on the folder has no effect, or one that it should not have")
	}
}

func TestWhoHasAnyAccess(t *testing.T) {
	m := newManager(t)
	any := func(user string) bool { return m.Access(user, testTree{}).Any() }
	if !any(admin) || any(ann) || any("nobody") {
		t.Error("without permissions, only the administrator has access")
	}
	if m.give(t, given{on: tenant}); any(ann) {
		t.Error("no access is access")
	}
	if m.give(t, given{on: web, privilege: powerOn, local: true}); !any(ann) {
		t.Error("a permission on one object is no access")
	}
}

func TestADecisionDoesNotChangeWithLaterPermissions(t *testing.T) {
	m := newManager(t)
	m.give(t, given{on: tenant, privilege: powerOn})
	before := m.Access(ann, testTree{})
	if fault := m.RemovePermission(tenant, ann, false); fault != nil {
		t.Fatal(fault)
	}
	if !before.Has(powerOn, web) || m.Access(ann, testTree{}).Has(powerOn, web) {
		t.Error("the permission counts too long or too short")
	}
}
