// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Datastores whose clones show no parent. On vVols, and where the storage clones by itself, the chain of a linked clone's disk
// is not one of files, so that the backing has no parent. The lab's own chains are kept; only the answers leave them out.

package vsim

import (
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// hideParents removes the parents of disks from an answer, if the lab behaves so.
func (s *Server) hideParents(body soap.HasFault) soap.HasFault {
	if body.Fault() != nil || !s.Behavior().HideDiskParents {
		return body
	}
	switch answer := body.(type) {
	case *methods.RetrievePropertiesExBody:
		if page := answer.Res.Returnval; page != nil {
			hideParentsIn(page.Objects)
		}
	case *methods.ContinueRetrievePropertiesExBody:
		hideParentsIn(answer.Res.Returnval.Objects)
	case *methods.RetrievePropertiesBody:
		hideParentsIn(answer.Res.Returnval)
	}
	return body
}

func hideParentsIn(objects []types.ObjectContent) {
	for n := range objects {
		for i := range objects[n].PropSet {
			property := &objects[n].PropSet[i]
			switch value := property.Val.(type) {
			case types.ArrayOfVirtualDevice:
				property.Val = types.ArrayOfVirtualDevice{VirtualDevice: withoutParents(value.VirtualDevice)}
			case types.VirtualHardware:
				value.Device = withoutParents(value.Device)
				property.Val = value
			case types.VirtualMachineConfigInfo:
				value.Hardware.Device = withoutParents(value.Hardware.Device)
				property.Val = value
			}
		}
	}
}

// withoutParents returns the devices with copies of the disks: the inventory keeps the originals.
func withoutParents(devices []types.BaseVirtualDevice) []types.BaseVirtualDevice {
	shown := make([]types.BaseVirtualDevice, 0, len(devices))
	for _, device := range devices {
		disk, isDisk := device.(*types.VirtualDisk)
		if isDisk {
			alone := *disk
			backing := *disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
			backing.Parent, backing.DeltaDiskFormat = nil, ""
			alone.Backing = &backing
			device = &alone
		}
		shown = append(shown, device)
	}
	return shown
}
