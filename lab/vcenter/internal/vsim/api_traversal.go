// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Traversals of the property collector, followed from objects of their type only, as vCenter does. The simulator ignores
// the type: from each VM it would follow "resourcePool", meant for clusters, to the pool with all its VMs, and so visit
// as many objects as the square of the VMs.

package vsim

import (
	"path"
	"reflect"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// followTraversals returns the specs with the objects that traversals select in their place. Traversals that it does not
// know are left to the simulator.
func followTraversals(ctx *simulator.Context, specs []types.PropertyFilterSpec) []types.PropertyFilterSpec {
	var followed []types.PropertyFilterSpec
	for _, spec := range specs {
		var selected []types.ObjectSpec
		kept := spec
		kept.ObjectSet = nil
		for _, object := range spec.ObjectSet {
			t := traversals{ctx: ctx, named: map[string]*types.TraversalSpec{}, visited: map[visit]bool{}}
			if len(object.SelectSet) == 0 || objectOf(ctx, object.Obj) == nil || !t.register(object.SelectSet) || !t.areKnown(object.SelectSet) {
				kept.ObjectSet = append(kept.ObjectSet, object)
				continue
			}
			if object.Skip == nil || !*object.Skip {
				selected = append(selected, types.ObjectSpec{Obj: object.Obj})
			}
			t.follow(object.Obj, object.SelectSet)
			selected = append(selected, t.selected...)
		}
		if len(kept.ObjectSet) > 0 {
			followed = append(followed, kept)
		}
		if len(selected) > 0 {
			// An object that is removed meanwhile is no longer selected.
			spec.ObjectSet, spec.ReportMissingObjectsInResults = selected, types.NewBool(true)
			followed = append(followed, spec)
		}
	}
	return followed
}

// objectOf returns an object of the inventory or of the session, such as a view.
func objectOf(ctx *simulator.Context, reference ref) mo.Reference {
	if ctx.Session != nil {
		return ctx.Session.Get(reference)
	}
	return ctx.Map.Get(reference)
}

type visit struct {
	object    ref
	traversal *types.TraversalSpec
}

type traversals struct {
	ctx      *simulator.Context
	named    map[string]*types.TraversalSpec
	visited  map[visit]bool
	selected []types.ObjectSpec
}

// register collects the traversals by their names, and returns whether all of them can be followed here.
func (t *traversals) register(set []types.BaseSelectionSpec) bool {
	for _, selection := range set {
		if spec, ok := selection.(*types.TraversalSpec); ok {
			if spec.Name != "" {
				t.named[spec.Name] = spec
			}
			if strings.Contains(spec.Path, ".") || !t.register(spec.SelectSet) {
				return false
			}
		}
	}
	return true
}

// areKnown returns whether each selection is a traversal or the name of one; the simulator refuses others.
func (t *traversals) areKnown(set []types.BaseSelectionSpec) bool {
	for _, selection := range set {
		if spec, ok := selection.(*types.TraversalSpec); ok {
			if !t.areKnown(spec.SelectSet) {
				return false
			}
		} else if t.named[selection.GetSelectionSpec().Name] == nil {
			return false
		}
	}
	return true
}

func (t *traversals) follow(object ref, set []types.BaseSelectionSpec) {
	for _, selection := range set {
		spec, ok := selection.(*types.TraversalSpec)
		if !ok {
			spec = t.named[selection.GetSelectionSpec().Name]
		}
		if spec == nil || t.visited[visit{object, spec}] {
			continue
		}
		t.visited[visit{object, spec}] = true
		for _, found := range t.references(object, spec) {
			if spec.Skip == nil || !*spec.Skip {
				t.selected = append(t.selected, types.ObjectSpec{Obj: found})
			}
			t.follow(found, spec.SelectSet)
		}
	}
}

// references returns what the traversal's property refers to, and nothing for an object of another type.
func (t *traversals) references(object ref, spec *types.TraversalSpec) (found []ref) {
	t.ctx.WithLock(object, func() {
		value, ok := t.managedObject(object)
		if !ok || !isType(object, value.Type(), spec.Type) {
			return
		}
		field := value.FieldByName(strings.ToUpper(spec.Path[:1]) + spec.Path[1:])
		if !field.IsValid() {
			return
		}
		switch held := field.Interface().(type) {
		case ref:
			found = []ref{held}
		case *ref:
			if held != nil {
				found = []ref{*held}
			}
		case []ref:
			found = append(found, held...)
		}
	})
	return found
}

func (t *traversals) managedObject(object ref) (reflect.Value, bool) {
	known := objectOf(t.ctx, object)
	if known == nil {
		return reflect.Value{}, false
	}
	return managedObject(known)
}

// managedObject returns the part of an object that is of the API's type: the innermost first field.
func managedObject(object mo.Reference) (reflect.Value, bool) {
	value := reflect.ValueOf(object).Elem()
	for path.Base(value.Type().PkgPath()) != "mo" {
		if value.Kind() != reflect.Struct || value.NumField() == 0 {
			return reflect.Value{}, false
		}
		value = reflect.Indirect(value.Field(0))
	}
	return value, true
}

// isType returns whether an object is of a type of the API or of one derived from it.
func isType(object ref, structure reflect.Type, name string) bool {
	if object.Type == name || structure.Name() == name {
		return true
	}
	// A type that it extends is embedded, by its name.
	index := fieldIndex(structure, name)
	return index != nil && structure.FieldByIndex(index).Anonymous
}
