// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"fmt"
	"slices"
	"testing"

	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/view"
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
		if got := newWatchFilter(ref{Type: "PropertyFilter", Value: "1"}, test.filter).concerns(test.object); got != test.want {
			t.Errorf("%s: the collector gets its changes: %v, want %v", test.name, got, test.want)
		}
	}
}

// kinds returns what happened to each object of an answer, by its value.
func kinds(set *types.UpdateSet) map[string]string {
	found := map[string]string{}
	for _, filter := range set.FilterSet {
		for _, update := range filter.ObjectSet {
			found[update.Obj.Value] = string(update.Kind)
		}
	}
	return found
}

func TestAListViewThatChangesReportsOnlyWhatEntersAndLeaves(t *testing.T) {
	l := newLab(t)
	web, api, job := l.create(l.spec("web")), l.create(l.spec("api")), l.create(l.spec("job"))
	list := must(view.NewManager(l.client.Client).CreateListView(t.Context(), []ref{web.Reference(), api.Reference()}))(t)
	collector := must(property.DefaultCollector(l.client.Client).Create(t.Context()))(t)
	must(collector.CreateFilter(t.Context(), types.CreateFilter{Spec: types.PropertyFilterSpec{
		PropSet: []types.PropertySpec{{Type: "VirtualMachine", PathSet: []string{"config.annotation"}}},
		ObjectSet: []types.ObjectSpec{{Obj: list.Reference(), Skip: types.NewBool(true), SelectSet: []types.BaseSelectionSpec{
			&types.TraversalSpec{Type: "ListView", Path: "view"}}}}}}))(t)
	first := must(collector.WaitForUpdates(t.Context(), ""))(t)
	if got := kinds(first); len(got) != 2 || got[web.Reference().Value] != "enter" || got[api.Reference().Value] != "enter" {
		t.Fatalf("first there are %v", got)
	}
	must(list.Add(t.Context(), []ref{job.Reference()}))(t)
	must(list.Remove(t.Context(), []ref{web.Reference()}))(t)
	second := must(collector.WaitForUpdates(t.Context(), first.Version))(t)
	if got := kinds(second); len(got) != 2 || got[web.Reference().Value] != "leave" || got[job.Reference().Value] != "enter" {
		t.Errorf("after the change there are %v", got)
	}
	// Of an object that has left nothing is reported, and of several values the last one.
	for n := range 3 {
		l.result(web.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{Annotation: fmt.Sprint("web ", n)}))
		l.result(api.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{Annotation: fmt.Sprint("api ", n)}))
	}
	third := must(collector.WaitForUpdates(t.Context(), second.Version))(t)
	changed := third.FilterSet[0].ObjectSet
	if len(changed) != 1 || changed[0].Obj != api.Reference() || changed[0].ChangeSet[0].Val != "api 2" {
		t.Errorf("the third answer has %v", changed)
	}
}

func TestAnAnswerHasAtMostAsManyObjectsAsTheClientAllows(t *testing.T) {
	l := newLab(t)
	var all []ref
	for n := range 5 {
		all = append(all, l.create(l.spec(fmt.Sprint("web", n))).Reference())
	}
	collector := must(property.DefaultCollector(l.client.Client).Create(t.Context()))(t)
	spec := types.PropertyFilterSpec{PropSet: []types.PropertySpec{{Type: "VirtualMachine", PathSet: []string{"name"}}}}
	for _, one := range all {
		spec.ObjectSet = append(spec.ObjectSet, types.ObjectSpec{Obj: one})
	}
	must(collector.CreateFilter(t.Context(), types.CreateFilter{Spec: spec}))(t)
	var got []ref
	var sizes []int
	version := ""
	for len(got) < len(all) {
		set := must(collector.WaitForUpdates(t.Context(), version, &types.WaitOptions{MaxObjectUpdates: 2}))(t)
		sizes, version = append(sizes, len(set.FilterSet[0].ObjectSet)), set.Version
		for _, update := range set.FilterSet[0].ObjectSet {
			got = append(got, update.Obj)
		}
		if truncated := set.Truncated != nil && *set.Truncated; truncated != (len(got) < len(all)) {
			t.Errorf("after %d of %d objects the answer says that more follow: %v", len(got), len(all), truncated)
		}
	}
	if !slices.Equal(sizes, []int{2, 2, 1}) || !slices.Equal(got, all) {
		t.Errorf("the answers had %v objects: %v", sizes, got)
	}
}
