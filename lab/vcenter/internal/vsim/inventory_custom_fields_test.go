// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Custom fields, as a client sees them in definitions and on objects.

package vsim

import (
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

func TestCustomFieldsHaveATypeAndApplyToTheirObjectsOnly(t *testing.T) {
	l := newLab(t)
	manager := must(object.GetCustomFieldsManager(l.client.Client))(t)
	before := l.create(l.spec("before"))
	owner := must(manager.Add(t.Context(), "owner", "VirtualMachine", nil, nil))(t)
	note := must(manager.Add(t.Context(), "note", "", nil, nil))(t)
	after := l.create(l.spec("after"))
	if owner.Type != "string" || note.Type != "string" {
		t.Errorf("the types are %q and %q", owner.Type, note.Type)
	}
	fields := func(of object.Reference) map[string]string {
		var entity mo.ManagedEntity
		if err := property.DefaultCollector(l.client.Client).RetrieveOne(t.Context(), of.Reference(), []string{"availableField"}, &entity); err != nil {
			t.Fatal(err)
		}
		found := map[string]string{}
		for _, field := range entity.AvailableField {
			found[field.Name] = field.Type
		}
		return found
	}
	for _, vm := range []object.Reference{before, after} {
		if found := fields(vm); len(found) != 2 || found["owner"] != "string" || found["note"] != "string" {
			t.Errorf("the fields of a VM are %v", found)
		}
	}
	if found := fields(l.folder); len(found) != 1 || found["note"] != "string" {
		t.Errorf("the fields of a folder are %v", found)
	}
	if err := manager.Set(t.Context(), after.Reference(), owner.Key, "ann"); err != nil {
		t.Fatal(err)
	}
	refused := isFault[types.InvalidArgument](l, l.faultOf(manager.Set(t.Context(), l.folder.Reference(), owner.Key, "ann")))
	if refused.InvalidProperty != "key" {
		t.Errorf("the fault is %+v", refused)
	}
	isFault[types.DuplicateName](l, l.refusal(nil, func() error { _, err := manager.Add(t.Context(), "owner", "VirtualMachine", nil, nil); return err }()))
	if err := manager.Rename(t.Context(), note.Key, "remark"); err != nil {
		t.Fatal(err)
	}
	if err := manager.Remove(t.Context(), owner.Key); err != nil {
		t.Fatal(err)
	}
	last := l.create(l.spec("last"))
	for _, vm := range []object.Reference{after, last} {
		if found := fields(vm); len(found) != 1 || found["remark"] != "string" {
			t.Errorf("the fields that remain are %v", found)
		}
	}
	for _, field := range must(manager.Field(t.Context()))(t) {
		if field.Type != "string" {
			t.Errorf("the definition is %+v", field)
		}
	}
}
