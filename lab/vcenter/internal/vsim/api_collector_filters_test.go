// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"testing"

	"github.com/vmware/govmomi/vim25/types"
)

func TestCollectorGetsOnlyChangesThatItsFiltersMaySelect(t *testing.T) {
	list := ref{Type: "ListView", Value: "list-1"}
	selected := types.PropertyFilterSpec{
		PropSet: []types.PropertySpec{{Type: "Task", PathSet: []string{"info.state"}}},
		ObjectSet: []types.ObjectSpec{{Obj: list, SelectSet: []types.BaseSelectionSpec{
			&types.TraversalSpec{Type: "ListView", Path: "view"}}}}}
	traversed := types.PropertyFilterSpec{
		PropSet: []types.PropertySpec{{Type: "VirtualMachine", PathSet: []string{"name"}}},
		ObjectSet: []types.ObjectSpec{{Obj: ref{Type: "Datacenter", Value: "datacenter-2"}, SelectSet: []types.BaseSelectionSpec{
			&types.TraversalSpec{Type: "Datacenter", Path: "hostFolder", SelectSet: []types.BaseSelectionSpec{
				&types.TraversalSpec{Type: "HostSystem", Path: "vm"}}}}}}}
	entities := types.PropertyFilterSpec{PropSet: []types.PropertySpec{{Type: "ManagedEntity", PathSet: []string{"name"}}}}
	for _, test := range []struct {
		name   string
		filter types.PropertyFilterSpec
		object ref
		want   bool
	}{
		{"a task", selected, ref{Type: "Task", Value: "task-1"}, true},
		{"the list of tasks", selected, list, true},
		{"a VM that no filter selects", selected, ref{Type: "VirtualMachine", Value: "vm-1"}, false},
		{"a VM", traversed, ref{Type: "VirtualMachine", Value: "vm-1"}, true},
		{"an object on the way to VMs", traversed, ref{Type: "HostSystem", Value: "host-1"}, true},
		{"an object that is not on the way", traversed, ref{Type: "Datastore", Value: "datastore-1"}, false},
		{"a type that extends the selected one", entities, ref{Type: "Datastore", Value: "datastore-1"}, true},
	} {
		collector := &PropertyCollector{filters: map[ref]types.PropertyFilterSpec{{Type: "PropertyFilter", Value: "1"}: test.filter}}
		if got := collector.concerns(test.object); got != test.want {
			t.Errorf("%s: the collector gets its changes: %v, want %v", test.name, got, test.want)
		}
	}
}
