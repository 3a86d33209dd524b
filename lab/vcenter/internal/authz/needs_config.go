// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What changes of a VM's configuration require. Source: vSphere Web Services API, ReconfigVM_Task, CreateVM_Task, and the
// "Reconfigure privilege" of each property of VirtualMachineConfigSpec.

package authz

import (
	"reflect"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// configChange is a change of one VM.
type configChange struct {
	*question
	on   vim.Ref // where the privileges are required
	vm   *VM     // as it is; nil: it does not exist yet
	home string  // the datastore path of disks that name none
}

// settings says which privilege each property of a spec requires on the VM, if it is set.
var settings = []struct {
	privilege string
	isSet     func(*types.VirtualMachineConfigSpec) bool
}{
	{"VirtualMachine.Config.Rename", func(s *types.VirtualMachineConfigSpec) bool { return s.Name != "" }},
	{"VirtualMachine.Config.Annotation", func(s *types.VirtualMachineConfigSpec) bool { return s.Annotation != "" }},
	{"VirtualMachine.Config.CPUCount", func(s *types.VirtualMachineConfigSpec) bool {
		return s.NumCPUs != 0 || s.NumCoresPerSocket != nil || s.CpuHotAddEnabled != nil || s.CpuHotRemoveEnabled != nil
	}},
	{"VirtualMachine.Config.Memory", func(s *types.VirtualMachineConfigSpec) bool {
		return s.MemoryMB != 0 || s.MemoryHotAddEnabled != nil
	}},
	{"VirtualMachine.Config.Resource", func(s *types.VirtualMachineConfigSpec) bool {
		return s.CpuAllocation != nil || s.MemoryAllocation != nil || s.CpuAffinity != nil || s.MemoryAffinity != nil ||
			s.LatencySensitivity != nil || s.MemoryReservationLockedToMax != nil
	}},
	{"VirtualMachine.Config.Settings", func(s *types.VirtualMachineConfigSpec) bool {
		return s.GuestId != "" || s.AlternateGuestName != "" || s.BootOptions != nil || s.Files != nil || s.Flags != nil ||
			s.Firmware != "" || s.Uuid != "" || s.InstanceUuid != "" || s.LocationId != "" || s.Tools != nil ||
			s.PowerOpInfo != nil || s.NestedHVEnabled != nil || s.VPMCEnabled != nil
	}},
	{"VirtualMachine.Config.ManagedBy", func(s *types.VirtualMachineConfigSpec) bool { return s.ManagedBy != nil }},
	{"VApp.ApplicationConfig", func(s *types.VirtualMachineConfigSpec) bool {
		return s.VAppConfig != nil || s.VAppConfigRemoved != nil
	}},
}

// settingsOfNew are required for a new VM too.
var settingsOfNew = []struct {
	privilege string
	isSet     func(*types.VirtualMachineConfigSpec) bool
}{
	{"VirtualMachine.Config.AdvancedConfig", func(s *types.VirtualMachineConfigSpec) bool { return len(s.ExtraConfig) > 0 }},
	{"VirtualMachine.Config.SwapPlacement", func(s *types.VirtualMachineConfigSpec) bool { return s.SwapPlacement != "" }},
	{"VirtualMachine.Config.ChangeTracking", func(s *types.VirtualMachineConfigSpec) bool { return s.ChangeTrackingEnabled != nil }},
}

func (c *configChange) createdWith(spec *types.VirtualMachineConfigSpec) {
	for _, setting := range settingsOfNew {
		if setting.isSet(spec) {
			c.need(setting.privilege, c.on)
		}
	}
	for _, change := range spec.DeviceChange {
		if disk, ok := deviceOf(change).(*types.VirtualDisk); ok {
			c.addDisk(change.GetVirtualDeviceConfigSpec(), disk)
		}
	}
	c.networks(spec.DeviceChange)
}

func (c *configChange) changedBy(spec *types.VirtualMachineConfigSpec) {
	for _, setting := range settings {
		if setting.isSet(spec) {
			c.need(setting.privilege, c.on)
		}
	}
	for _, setting := range settingsOfNew {
		if setting.isSet(spec) {
			c.need(setting.privilege, c.on)
		}
	}
	for _, change := range spec.DeviceChange {
		c.device(change.GetVirtualDeviceConfigSpec())
	}
	c.networks(spec.DeviceChange)
}

func (c *configChange) device(change *types.VirtualDeviceConfigSpec) {
	if change.Device == nil {
		return // the call fails for it
	}
	disk, isDisk := change.Device.(*types.VirtualDisk)
	switch change.Operation {
	case types.VirtualDeviceConfigSpecOperationAdd:
		if isDisk {
			c.addDisk(change, disk)
			return
		}
		c.need("VirtualMachine.Config.AddRemoveDevice", c.on)
	case types.VirtualDeviceConfigSpecOperationRemove:
		if isDisk {
			c.need("VirtualMachine.Config.RemoveDisk", c.on)
			return
		}
		c.need("VirtualMachine.Config.AddRemoveDevice", c.on)
	case types.VirtualDeviceConfigSpecOperationEdit:
		c.editDevice(change.Device)
	}
}

func (c *configChange) addDisk(change *types.VirtualDeviceConfigSpec, disk *types.VirtualDisk) {
	if change.FileOperation == "" {
		c.need("VirtualMachine.Config.AddExistingDisk", c.on)
		return
	}
	c.need(addNewDisk, c.on)
	path := c.home
	if backing, ok := disk.Backing.(types.BaseVirtualDeviceFileBackingInfo); ok {
		if file := backing.GetVirtualDeviceFileBackingInfo(); file.FileName != "" {
			path = file.FileName
		}
	}
	c.needIf(allocateSpace, c.facts.Datastore(path))
}

func (c *configChange) editDevice(device types.BaseVirtualDevice) {
	before := c.vm.device(device.GetVirtualDevice().Key)
	if before == nil {
		return // the call fails for it
	}
	was, is := before.GetVirtualDevice(), device.GetVirtualDevice()
	_, isCD := device.(*types.VirtualCdrom)
	disk, isDisk := device.(*types.VirtualDisk)
	old, _ := before.(*types.VirtualDisk)
	switch {
	case isCD && is.Backing != nil && !reflect.DeepEqual(was.Backing, is.Backing):
		c.need("VirtualMachine.Interact.SetCDMedia", c.on)
	case isDisk && old != nil && (disk.CapacityInKB > old.CapacityInKB || disk.CapacityInBytes > old.CapacityInBytes):
		c.need("VirtualMachine.Config.DiskExtend", c.on)
		c.needIf(allocateSpace, c.facts.Datastore(fileOf(old)))
	case is.Connectable == nil || reflect.DeepEqual(was.Connectable, is.Connectable) || !reflect.DeepEqual(was.Backing, is.Backing):
		c.need("VirtualMachine.Config.EditDevice", c.on)
	}
	if is.Connectable != nil && (was.Connectable == nil || was.Connectable.Connected != is.Connectable.Connected) {
		c.need("VirtualMachine.Interact.DeviceConnection", c.on)
	}
	if is.Connectable != nil && was.Connectable != nil && was.Connectable.StartConnected != is.Connectable.StartConnected {
		c.need("VirtualMachine.Config.EditDevice", c.on)
	}
}

// networks is for the networks to which adapters are connected.
func (c *configChange) networks(changes []types.BaseVirtualDeviceConfigSpec) {
	for _, change := range changes {
		card, ok := deviceOf(change).(types.BaseVirtualEthernetCard)
		if !ok || change.GetVirtualDeviceConfigSpec().Operation == types.VirtualDeviceConfigSpecOperationRemove {
			continue
		}
		device := card.GetVirtualEthernetCard().VirtualDevice
		network := c.facts.Network(device.Backing)
		if before := c.vm.device(device.Key); before != nil && sameRef(network, c.facts.Network(before.GetVirtualDevice().Backing)) {
			continue
		}
		c.needIf(assignNetwork, network)
	}
}

func deviceOf(change types.BaseVirtualDeviceConfigSpec) types.BaseVirtualDevice {
	return change.GetVirtualDeviceConfigSpec().Device
}

func fileOf(disk *types.VirtualDisk) string {
	if backing, ok := disk.Backing.(types.BaseVirtualDeviceFileBackingInfo); ok {
		return backing.GetVirtualDeviceFileBackingInfo().FileName
	}
	return ""
}
