// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// One filter of a property collector: the objects that its client knows of, and what the client is told of changes.

package vsim

import (
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// watchFilter is a filter of one collector. Except for its spec it belongs to the request that waits.
type watchFilter struct {
	self    ref
	spec    types.PropertyFilterSpec
	entered bool         // the client has its objects
	known   map[ref]bool // the objects that the client has
}

func newWatchFilter(self ref, spec types.PropertyFilterSpec) *watchFilter {
	return &watchFilter{self: self, spec: spec, known: map[ref]bool{}}
}

// concerns returns whether the filter may select the object, or select others through it.
func (f *watchFilter) concerns(object ref) bool {
	for _, set := range f.spec.PropSet {
		if set.Type == object.Type || extended[set.Type] {
			return true
		}
	}
	return f.traverses(object)
}

// traverses returns whether the filter selects others through the object, or names it.
func (f *watchFilter) traverses(object ref) bool {
	for _, set := range f.spec.ObjectSet {
		if set.Obj == object || selectsThrough(set.SelectSet, object.Type) {
			return true
		}
	}
	return false
}

// extended are the types that other types extend, and which so stand for more than themselves in a filter.
var extended = map[string]bool{
	"ComputeResource": true, "DistributedVirtualSwitch": true, "ExtensibleManagedObject": true, "Folder": true,
	"ManagedEntity": true, "ManagedObject": true, "ManagedObjectView": true, "Network": true, "ResourcePool": true,
	"View": true,
}

func selectsThrough(selections []types.BaseSelectionSpec, kind string) bool {
	for _, selection := range selections {
		traversal, ok := selection.(*types.TraversalSpec)
		if ok && (traversal.Type == kind || extended[traversal.Type] || selectsThrough(traversal.SelectSet, kind)) {
			return true
		}
	}
	return false
}

// isFixed returns whether the filter selects just the objects that it names.
func (f *watchFilter) isFixed() bool {
	for _, set := range f.spec.ObjectSet {
		if len(set.SelectSet) > 0 {
			return false
		}
	}
	return true
}

// mayReach returns whether the changes may make the filter select other objects than before.
func (f *watchFilter) mayReach(changed []*objectChange) bool {
	if f.isFixed() {
		return false
	}
	for _, change := range changed {
		if change.created || f.traverses(change.object) {
			return true
		}
	}
	return false
}

// updates returns what the client is told of the changes.
func (f *watchFilter) updates(ctx *simulator.Context, c *PropertyCollector, changed []*objectChange) ([]types.ObjectUpdate, soap.HasFault) {
	var updates []types.ObjectUpdate
	entered := map[ref]bool{}
	if !f.entered || f.mayReach(changed) {
		found, fault := f.reach(ctx, c, entered)
		if fault != nil {
			return nil, fault
		}
		updates = found
	}
	for _, change := range changed {
		switch {
		case !f.known[change.object]:
		case change.removed:
			delete(f.known, change.object)
			updates = append(updates, leaving(change.object))
		case !entered[change.object]:
			if values := f.values(ctx, c, change); len(values) > 0 {
				updates = append(updates, types.ObjectUpdate{Obj: change.object, Kind: types.ObjectUpdateKindModify, ChangeSet: values})
			}
		}
	}
	return updates, nil
}

func leaving(object ref) types.ObjectUpdate {
	return types.ObjectUpdate{Obj: object, Kind: types.ObjectUpdateKindLeave}
}

// reach returns the objects that the filter selects from now on, with their values, and those that it no longer selects.
func (f *watchFilter) reach(ctx *simulator.Context, c *PropertyCollector, entered map[ref]bool) ([]types.ObjectUpdate, soap.HasFault) {
	members := f.spec
	members.PropSet = nil
	for _, set := range f.spec.PropSet {
		members.PropSet = append(members.PropSet, types.PropertySpec{Type: set.Type})
	}
	selected, fault := c.read(ctx, members)
	if fault != nil {
		return nil, fault
	}
	still := map[ref]bool{}
	added := types.PropertyFilterSpec{PropSet: f.spec.PropSet}
	for _, one := range selected {
		if still[one.Obj] = true; !f.known[one.Obj] {
			added.ObjectSet = append(added.ObjectSet, types.ObjectSpec{Obj: one.Obj})
		}
	}
	updates := f.left(still)
	f.entered = true
	if len(added.ObjectSet) == 0 {
		return updates, nil
	}
	contents, fault := c.read(ctx, added)
	for _, content := range contents {
		f.known[content.Obj], entered[content.Obj] = true, true
		update := types.ObjectUpdate{Obj: content.Obj, Kind: types.ObjectUpdateKindEnter, MissingSet: content.MissingSet}
		for _, property := range content.PropSet {
			update.ChangeSet = append(update.ChangeSet, assigned(property.Name, property.Val))
		}
		updates = append(updates, update)
	}
	return updates, fault
}

// left returns the objects that the client has and the filter does not select, and named objects that do not exist.
func (f *watchFilter) left(selected map[ref]bool) (updates []types.ObjectUpdate) {
	for object := range f.known {
		if !selected[object] {
			delete(f.known, object)
			updates = append(updates, leaving(object))
		}
	}
	if !f.entered && f.isFixed() {
		for _, set := range f.spec.ObjectSet {
			if !selected[set.Obj] {
				updates = append(updates, leaving(set.Obj))
			}
		}
	}
	return updates
}

func assigned(name string, value types.AnyType) types.PropertyChange {
	return types.PropertyChange{Name: name, Op: types.PropertyChangeOpAssign, Val: value}
}

// values returns the changed properties that the filter has. A property that contains the changed one, or is one key of it,
// is read again.
func (f *watchFilter) values(ctx *simulator.Context, c *PropertyCollector, change *objectChange) (values []types.PropertyChange) {
	var again []string
	seen := map[string]bool{}
	for _, set := range f.spec.PropSet {
		if set.Type != change.object.Type && !extended[set.Type] {
			continue
		}
		for _, value := range change.values {
			if set.All != nil && *set.All {
				values = append(values, value)
				continue
			}
			for _, path := range set.PathSet {
				if seen[path] || !showsChange(path, value.Name) {
					continue
				}
				seen[path] = true
				if path == value.Name {
					values = append(values, value)
				} else {
					again = append(again, path)
				}
			}
		}
	}
	if len(again) == 0 {
		return values
	}
	spec := types.PropertyFilterSpec{PropSet: []types.PropertySpec{{Type: change.object.Type, PathSet: again}},
		ObjectSet: []types.ObjectSpec{{Obj: change.object}}}
	contents, _ := c.read(ctx, spec) // an object that is removed meanwhile leaves with the next answer
	for _, content := range contents {
		now := map[string]types.AnyType{}
		for _, property := range content.PropSet {
			now[property.Name] = property.Val
		}
		for _, path := range again {
			values = append(values, assigned(path, now[path]))
		}
	}
	return values
}

// showsChange returns whether the property with this path is other when the changed one is.
func showsChange(path, changed string) bool {
	if path == changed || strings.HasPrefix(changed, path+".") || strings.HasPrefix(changed, path+"[") {
		return true
	}
	var field mo.Field
	if !field.FromString(path) || field.Key == nil {
		return false
	}
	field.Item = ""
	return field.String() == changed
}

// read returns the objects that a spec selects, with their properties.
func (c *PropertyCollector) read(ctx *simulator.Context, spec types.PropertyFilterSpec) ([]types.ObjectContent, soap.HasFault) {
	spec.ReportMissingObjectsInResults = types.NewBool(true)
	body := c.RetrievePropertiesEx(ctx, &types.RetrievePropertiesEx{This: c.Self, SpecSet: []types.PropertyFilterSpec{spec}})
	if body.Fault() != nil {
		return nil, body
	}
	answer := body.(*methods.RetrievePropertiesExBody).Res.Returnval
	if answer == nil {
		return nil, nil
	}
	return answer.Objects, nil
}
