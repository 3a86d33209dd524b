// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The virtual disk manager.

package vsim

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
)

func (s *Server) createVirtualDisk(ctx *simulator.Context, request *types.CreateVirtualDisk_Task) (soap.HasFault, types.BaseMethodFault) {
	spec, ok := request.Spec.(types.BaseFileBackedVirtualDiskSpec)
	if !ok {
		return nil, invalidArgument("spec")
	}
	capacity := spec.GetFileBackedVirtualDiskSpec().CapacityKb * 1024
	if capacity <= 0 || capacity > largestDisk {
		return nil, invalidArgument("spec.capacityKb")
	}
	thin := spec.GetFileBackedVirtualDiskSpec().DiskType == string(types.VirtualDiskTypeThin)
	return s.fileTask(ctx, request.Name, "CreateVirtualDisk_Task", func(place datastore.Path) error {
		return s.stores.CreateDisk(place, capacity, thin, datastore.NewUUID())
	})
}

func (s *Server) deleteVirtualDisk(ctx *simulator.Context, request *types.DeleteVirtualDisk_Task) (soap.HasFault, types.BaseMethodFault) {
	place, fault := s.place(request.Name)
	if fault != nil {
		return nil, fault
	}
	return s.task(ctx, s.site.datacenter.Self, "DeleteVirtualDisk_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		if _, err := s.stores.Disk(place); err != nil {
			return nil, fileFault(place, err)
		}
		if s.diskUse.shared(place, ref{}) {
			fault := &types.FileLocked{FileFault: types.FileFault{File: place.String()}}
			because(&fault.MethodFault, "A virtual machine uses the disk "+place.String()+".")
			return nil, fault
		}
		if err := s.stores.RemoveDisk(place); err != nil {
			return nil, fileFault(place, err)
		}
		s.publishFree(place.Store)
		return nil, nil
	})
}

func (s *Server) copyVirtualDisk(ctx *simulator.Context, request *types.CopyVirtualDisk_Task) (soap.HasFault, types.BaseMethodFault) {
	target, fault := s.place(request.DestName)
	if fault != nil {
		return nil, fault
	}
	return s.fileTask(ctx, request.SourceName, "CopyVirtualDisk_Task", func(source datastore.Path) error {
		return s.stores.CopyDisk(source, target, true, datastore.NewUUID())
	})
}

func (s *Server) extendVirtualDisk(ctx *simulator.Context, request *types.ExtendVirtualDisk_Task) (soap.HasFault, types.BaseMethodFault) {
	place, fault := s.place(request.Name)
	if fault != nil {
		return nil, fault
	}
	if s.diskUse.shared(place, ref{}) {
		return nil, invalidState("A virtual machine uses the disk " + place.String() + ".")
	}
	return s.fileTask(ctx, request.Name, "ExtendVirtualDisk_Task", func(place datastore.Path) error {
		return s.stores.GrowDisk(place, request.NewCapacityKb*1024)
	})
}

func (s *Server) queryVirtualDiskUUID(_ *simulator.Context, request *types.QueryVirtualDiskUuid) (soap.HasFault, types.BaseMethodFault) {
	place, fault := s.place(request.Name)
	if fault != nil {
		return nil, fault
	}
	disk, err := s.stores.Disk(place)
	if err != nil {
		return nil, fileFault(place, err)
	}
	return &methods.QueryVirtualDiskUuidBody{Res: &types.QueryVirtualDiskUuidResponse{Returnval: disk.UUID}}, nil
}
