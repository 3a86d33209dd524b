// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Folders: making, moving into, removing.

package vsim

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

func (s *Server) createFolder(_ *simulator.Context, request *types.CreateFolder) (soap.HasFault, types.BaseMethodFault) {
	parent := s.registry.Get(request.This).(*simulator.Folder)
	if !slices.Contains(parent.ChildType, "Folder") {
		return nil, notSupported("This folder cannot contain folders.")
	}
	name := escaped(request.Name)
	release, fault := s.takeName(parent.Self, name)
	if fault != nil {
		return nil, fault
	}
	defer release()
	folder := &simulator.Folder{}
	folder.Name, folder.ChildType = name, parent.ChildType
	s.registry.NewEntity(folder)
	s.addChild(parent, folder)
	return &methods.CreateFolderBody{Res: &types.CreateFolderResponse{Returnval: folder.Self}}, nil
}

func (s *Server) renameFolder(ctx *simulator.Context, request *types.Rename_Task) (soap.HasFault, types.BaseMethodFault) {
	folder := s.registry.Get(request.This).(*simulator.Folder)
	return s.task(ctx, folder.Self, "Rename_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		name := escaped(request.NewName)
		if name == folder.Name {
			return nil, nil
		}
		if folder.Parent == nil || folder.Parent.Type != "Folder" {
			return nil, notSupported("The root folders of a datacenter cannot be renamed.")
		}
		release, fault := s.takeName(*folder.Parent, name)
		if fault != nil {
			return nil, fault
		}
		defer release()
		s.update(folder, set("name", name))
		return nil, nil
	})
}

func (s *Server) moveIntoFolder(ctx *simulator.Context, request *types.MoveIntoFolder_Task) (soap.HasFault, types.BaseMethodFault) {
	target := s.registry.Get(request.This).(*simulator.Folder)
	return s.task(ctx, target.Self, "MoveIntoFolder_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		for _, reference := range request.List {
			if fault := s.moveInto(target, reference); fault != nil {
				return nil, fault
			}
		}
		return nil, nil
	})
}

func (s *Server) moveInto(target *simulator.Folder, reference ref) types.BaseMethodFault {
	entity, ok := s.registry.Get(reference).(mo.Entity)
	if !ok {
		return &types.ManagedObjectNotFound{Obj: reference}
	}
	if !slices.Contains(target.ChildType, reference.Type) {
		return notSupported("This folder cannot contain objects of type " + reference.Type + ".")
	}
	source, ok := s.registry.Get(*entity.Entity().Parent).(*simulator.Folder)
	if !ok || s.datacenterOf(source.Self) != s.datacenterOf(target.Self) {
		return notSupported("This object cannot be moved.")
	}
	if source == target {
		return nil
	}
	for above := ref(target.Self); ; {
		if above == reference {
			return invalidArgument("list") // a folder into itself
		}
		folder, isFolder := s.registry.Get(above).(*simulator.Folder)
		if !isFolder || folder.Parent == nil {
			break
		}
		above = *folder.Parent
	}
	release, fault := s.takeName(target.Self, entity.Entity().Name)
	if fault != nil {
		return fault
	}
	defer release()
	s.unlink(source, reference)
	s.update(entity, set("parent", target.Self))
	s.link(target, reference)
	return nil
}

func (s *Server) destroyFolder(ctx *simulator.Context, request *types.Destroy_Task) (soap.HasFault, types.BaseMethodFault) {
	return s.removeFolder(ctx, request.This, "Destroy_Task", s.destroy)
}

// unregisterFolder keeps the files of the VMs in the folder: it "unregisters all virtual machines and vApps", and then destroys
// the folders (API, UnregisterAndDestroy_Task).
func (s *Server) unregisterFolder(ctx *simulator.Context, request *types.UnregisterAndDestroy_Task) (soap.HasFault, types.BaseMethodFault) {
	return s.removeFolder(ctx, request.This, "UnregisterAndDestroy_Task", s.unregisterOff)
}

// removeMachine is what becomes of the VMs in a folder that is removed.
type removeMachine func(by cause, vm *simulator.VirtualMachine) types.BaseMethodFault

func (s *Server) removeFolder(ctx *simulator.Context, reference ref, method string, remove removeMachine) (soap.HasFault, types.BaseMethodFault) {
	folder := s.registry.Get(reference).(*simulator.Folder)
	return s.task(ctx, folder.Self, method, func(by cause) (types.AnyType, types.BaseMethodFault) {
		if folder.Parent == nil || folder.Parent.Type != "Folder" {
			return nil, notSupported("The root folders of a datacenter cannot be destroyed.")
		}
		if fault := s.requireDestroyable(folder.Self); fault != nil {
			return nil, fault
		}
		return nil, s.removeTree(by, folder, remove)
	})
}

// requireDestroyable looks at the whole tree first, so that as a rule all of it goes or nothing.
func (s *Server) requireDestroyable(folder ref) types.BaseMethodFault {
	for _, child := range s.children(folder) {
		switch object := s.registry.Get(child).(type) {
		case *simulator.Folder:
			if fault := s.requireDestroyable(child); fault != nil {
				return fault
			}
		case *simulator.VirtualMachine:
			if state := s.powerState(object); state != types.VirtualMachinePowerStatePoweredOff {
				return wrongPowerState(state, types.VirtualMachinePowerStatePoweredOff)
			}
		default:
			return &types.ResourceInUse{Type: child.Type, Name: s.nameOf(child)}
		}
	}
	return nil
}

func (s *Server) removeTree(by cause, folder *simulator.Folder, remove removeMachine) types.BaseMethodFault {
	for _, child := range s.children(folder.Self) {
		var fault types.BaseMethodFault
		switch object := s.registry.Get(child).(type) {
		case *simulator.Folder:
			fault = s.removeTree(by, object, remove)
		case *simulator.VirtualMachine:
			_, fault = s.exclusive(object, func(by cause) (types.AnyType, types.BaseMethodFault) { return nil, remove(by, object) })(by)
		}
		if _, isGone := fault.(*types.ManagedObjectNotFound); fault != nil && !isGone {
			return fault
		}
	}
	s.removeChild(folder)
	return nil
}
