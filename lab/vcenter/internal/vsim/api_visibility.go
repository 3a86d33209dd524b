// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What a user without all privileges is shown. An object without System.View is left out, or, if the client has named it, its
// properties are missing. A property without its privilege is in missingSet. (PropertyCollector.MissingProperty, SearchIndex and
// RetrieveAllPermissions in the vSphere Web Services API; that a named object is returned with missingSet is from a response of
// a vCenter in govmomi, vim25/mo/testdata.)

package vsim

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/authz"
)

// visibility is what one user may see.
type visibility struct {
	*authz.Access
	facts
	named map[ref]bool // the objects that the call names
}

// restrict removes from an answer what its user may not see.
func (s *Server) restrict(ctx *simulator.Context, call *simulator.Method, body soap.HasFault) soap.HasFault {
	if ctx.Session == nil || body.Fault() != nil {
		return body
	}
	v := visibility{Access: s.access(ctx.Session.UserName), facts: s.facts(ctx.Session.UserName), named: namedObjects(call.Body)}
	if v.Unrestricted() {
		return body
	}
	switch answer := body.(type) {
	case *methods.RetrievePropertiesExBody:
		if page := answer.Res.Returnval; page != nil {
			page.Objects = v.contents(page.Objects)
		}
	case *methods.ContinueRetrievePropertiesExBody:
		answer.Res.Returnval.Objects = v.contents(answer.Res.Returnval.Objects)
	case *methods.RetrievePropertiesBody:
		answer.Res.Returnval = v.contents(answer.Res.Returnval)
	case *methods.WaitForUpdatesExBody:
		v.updates(answer.Res.Returnval)
	case *methods.WaitForUpdatesBody:
		v.updates(&answer.Res.Returnval)
	case *methods.RetrieveAllPermissionsBody:
		answer.Res.Returnval = slices.DeleteFunc(answer.Res.Returnval, func(p types.Permission) bool { return !v.sees(*p.Entity) })
	default:
		v.found(body)
	}
	return body
}

func namedObjects(body any) map[ref]bool {
	var specs []types.PropertyFilterSpec
	switch request := body.(type) {
	case *types.RetrievePropertiesEx:
		specs = request.SpecSet
	case *types.RetrieveProperties:
		specs = request.SpecSet
	}
	named := map[ref]bool{}
	for _, spec := range specs {
		for _, object := range spec.ObjectSet {
			named[object.Obj] = true
		}
	}
	return named
}

// sees is false for an object that is not even visible. Objects that are not in the inventory are visible to all.
func (v *visibility) sees(object ref) bool {
	if object.Type == "Task" {
		return authz.SameUser(v.Requester(object), v.user) || v.Has(authz.SystemRead, object)
	}
	return !authz.IsEntity(object.Type) || v.Has(authz.SystemView, object)
}

// lacks returns the fault for a property that must not be read, nil if it may.
func (v *visibility) lacks(object ref, path string) types.BaseMethodFault {
	return v.lacking(v.Access, propertyNeeds(object, path))
}

// value returns the value of a property that the user may read. Otherwise it adds the property to the missing ones.
func (v *visibility) value(object ref, path string, value types.AnyType, missing *[]types.MissingProperty) (types.AnyType, bool) {
	if fault := v.lacks(object, path); fault != nil {
		*missing = append(*missing, types.MissingProperty{Path: path, Fault: *localized(fault)})
		return nil, false
	}
	if path == "effectiveRole" {
		return types.ArrayOfInt{Int: v.Roles(object)}, true
	}
	return value, true
}

func (v *visibility) contents(objects []types.ObjectContent) []types.ObjectContent {
	shown := []types.ObjectContent{}
	for _, object := range objects {
		if !v.sees(object.Obj) && !v.named[object.Obj] {
			continue
		}
		var properties []types.DynamicProperty
		for _, property := range object.PropSet {
			if value, ok := v.value(object.Obj, property.Name, property.Val, &object.MissingSet); ok {
				properties = append(properties, types.DynamicProperty{Name: property.Name, Val: value})
			}
		}
		object.PropSet = properties
		shown = append(shown, object)
	}
	return shown
}

func (v *visibility) updates(set *types.UpdateSet) {
	if set == nil {
		return
	}
	for n := range set.FilterSet {
		var shown []types.ObjectUpdate
		for _, update := range set.FilterSet[n].ObjectSet {
			if update.Kind == types.ObjectUpdateKindLeave || v.sees(update.Obj) {
				shown = append(shown, v.update(update))
			}
		}
		set.FilterSet[n].ObjectSet = shown
	}
}

func (v *visibility) update(update types.ObjectUpdate) types.ObjectUpdate {
	var changes []types.PropertyChange
	for _, change := range update.ChangeSet {
		value, ok := v.value(update.Obj, change.Name, change.Val, &update.MissingSet)
		if ok {
			change.Val = value
			changes = append(changes, change)
		}
	}
	update.ChangeSet = changes
	return update
}

// found is for searches, which do not find what the user may not see, or in most of them may not read.
func (v *visibility) found(body soap.HasFault) {
	one := func(privilege string, found **ref) {
		if *found != nil && !v.Has(privilege, **found) {
			*found = nil
		}
	}
	all := func(found *[]ref) {
		*found = slices.DeleteFunc(*found, func(object ref) bool { return !v.Has(authz.SystemRead, object) })
	}
	switch answer := body.(type) {
	case *methods.FindByInventoryPathBody:
		one(authz.SystemView, &answer.Res.Returnval)
	case *methods.FindChildBody:
		one(authz.SystemView, &answer.Res.Returnval)
	case *methods.FindByUuidBody:
		one(authz.SystemRead, &answer.Res.Returnval)
	case *methods.FindByDatastorePathBody:
		one(authz.SystemRead, &answer.Res.Returnval)
	case *methods.FindByDnsNameBody:
		one(authz.SystemRead, &answer.Res.Returnval)
	case *methods.FindByIpBody:
		one(authz.SystemRead, &answer.Res.Returnval)
	case *methods.FindAllByUuidBody:
		all(&answer.Res.Returnval)
	case *methods.FindAllByDnsNameBody:
		all(&answer.Res.Returnval)
	case *methods.FindAllByIpBody:
		all(&answer.Res.Returnval)
	}
}
