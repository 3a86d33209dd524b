// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"slices"
	"testing"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

// retrieved returns the types of the objects that the traversals select from the folder of VMs, sorted.
func (l *lab) retrieved(set ...types.BaseSelectionSpec) []string {
	query := types.RetrievePropertiesEx{This: l.client.ServiceContent.PropertyCollector, SpecSet: []types.PropertyFilterSpec{{
		PropSet:   []types.PropertySpec{{Type: "ManagedEntity", PathSet: []string{"name"}}},
		ObjectSet: []types.ObjectSpec{{Obj: l.server.site.datacenter.VmFolder, Skip: types.NewBool(true), SelectSet: set}}}}}
	answer := must(methods.RetrievePropertiesEx(l.Context(), l.client.Client, &query))(l.T)
	var found []string
	for _, object := range answer.Returnval.Objects {
		found = append(found, object.Obj.Type)
	}
	slices.Sort(found)
	return found
}

func traversal(name, kind, path string, then ...string) *types.TraversalSpec {
	spec := &types.TraversalSpec{SelectionSpec: types.SelectionSpec{Name: name}, Type: kind, Path: path}
	for _, other := range then {
		spec.SelectSet = append(spec.SelectSet, &types.SelectionSpec{Name: other})
	}
	return spec
}

func TestATraversalIsFollowedFromObjectsOfItsTypeOnly(t *testing.T) {
	l := newLab(t)
	must(0, l.server.AddIdle(2, "idle-", nil))(t)
	children := traversal("children", "Folder", "childEntity", "children", "pool")
	for _, test := range []struct {
		pool *types.TraversalSpec
		want []string
	}{
		{traversal("pool", "ComputeResource", "resourcePool"), []string{"VirtualMachine", "VirtualMachine"}},
		{traversal("pool", "VirtualMachine", "resourcePool"), []string{"ResourcePool", "VirtualMachine", "VirtualMachine"}},
		// Of a type that VMs and folders are derived from.
		{traversal("pool", "ManagedEntity", "parent"), []string{"Datacenter", "Folder", "VirtualMachine", "VirtualMachine"}},
	} {
		if found := l.retrieved(children, test.pool); !slices.Equal(found, test.want) {
			t.Errorf("%s of %s: %v", test.pool.Path, test.pool.Type, found)
		}
	}
}
