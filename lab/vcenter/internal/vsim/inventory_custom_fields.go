// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Custom fields (custom attributes). The simulator has them, but without a type, which no pyVmomi can decode, without the
// fields that a new object has, and with fields of one type of objects accepted on all others.

package vsim

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// fieldType is the type of every field: vCenter has strings only (API, CustomFieldStringValue).
const fieldType = "string"

func (s *Server) customFields() *simulator.CustomFieldsManager {
	return s.registry.Get(*s.serviceContent().CustomFieldsManager).(*simulator.CustomFieldsManager)
}

// changeFields runs one of the simulator's methods, which set no type on fields, and keeps the list for new objects: they
// may be created while their folder is locked, and so must not wait for the manager.
func (s *Server) changeFields(ctx *simulator.Context, change func(*simulator.CustomFieldsManager) soap.HasFault) (body soap.HasFault) {
	manager := s.customFields()
	s.withLock(ctx, manager, func() {
		body = change(manager)
		setFieldTypes(manager.Field)
		fields := slices.Clone(manager.Field)
		s.fields.Store(&fields)
	})
	return body
}

func (s *Server) addCustomField(ctx *simulator.Context, request *types.AddCustomFieldDef) (soap.HasFault, types.BaseMethodFault) {
	body := s.changeFields(ctx, func(manager *simulator.CustomFieldsManager) soap.HasFault {
		return manager.AddCustomFieldDef(ctx, request)
	}).(*methods.AddCustomFieldDefBody)
	if body.Res != nil {
		body.Res.Returnval.Type = fieldType
		for _, entity := range s.registry.All(request.MoType) {
			s.withLock(ctx, entity, func() { setFieldTypes(entity.Entity().AvailableField) })
		}
	}
	return body, nil
}

func (s *Server) removeCustomField(ctx *simulator.Context, request *types.RemoveCustomFieldDef) (soap.HasFault, types.BaseMethodFault) {
	return s.changeFields(ctx, func(manager *simulator.CustomFieldsManager) soap.HasFault {
		return manager.RemoveCustomFieldDef(ctx, request)
	}), nil
}

func (s *Server) renameCustomField(ctx *simulator.Context, request *types.RenameCustomFieldDef) (soap.HasFault, types.BaseMethodFault) {
	return s.changeFields(ctx, func(manager *simulator.CustomFieldsManager) soap.HasFault {
		return manager.RenameCustomFieldDef(ctx, request)
	}), nil
}

func setFieldTypes(fields []types.CustomFieldDef) {
	for n := range fields {
		fields[n].Type = fieldType
	}
}

// setField refuses a field of another type of objects (unconfirmed: the reference names no fault for it).
func (s *Server) setField(ctx *simulator.Context, request *types.SetField) (soap.HasFault, types.BaseMethodFault) {
	manager := s.customFields()
	var body soap.HasFault
	var fault types.BaseMethodFault
	s.withLock(ctx, manager, func() {
		for _, field := range manager.Field {
			if field.Key == request.Key && !isFor(field, request.Entity) {
				fault = vim.InvalidArgumentf("key", "The field %s is for objects of type %s.", field.Name, field.ManagedObjectType)
				return
			}
		}
		body = manager.SetField(ctx, request)
	})
	return body, fault
}

func isFor(field types.CustomFieldDef, object ref) bool {
	return field.ManagedObjectType == "" || field.ManagedObjectType == object.Type
}

// addFields gives a new object the fields of its type.
func (s *Server) addFields(object mo.Entity) {
	fields := s.fields.Load()
	if fields == nil {
		return
	}
	entity := object.Entity()
	entity.AvailableField = nil
	for _, field := range *fields {
		if isFor(field, entity.Self) {
			entity.AvailableField = append(entity.AvailableField, field)
		}
	}
}
