// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Import specifications of OVF descriptors: the simulator's, with the device ids of the import lease.

package vsim

import (
	"fmt"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// createImportSpec replaces the simulator's device ids. Clients upload the files whose deviceId is an importKey of the lease,
// and silently skip the others.
func (s *Server) createImportSpec(ctx *simulator.Context, request *types.CreateImportSpec) (soap.HasFault, types.BaseMethodFault) {
	manager := s.registry.Get(request.This).(*simulator.OvfManager)
	unlock := s.registry.AcquireLock(ctx, manager)
	defer unlock()
	body, ok := manager.CreateImportSpec(ctx, request).(*methods.CreateImportSpecBody)
	if !ok || body.Res == nil {
		return body, nil
	}
	result := &body.Res.Returnval
	spec, ok := result.ImportSpec.(*types.VirtualMachineImportSpec)
	if !ok {
		return body, nil
	}
	keys := diskKeys(&spec.ConfigSpec)
	for n := range result.FileItem {
		item := &result.FileItem[n]
		var number int
		_, name, _ := strings.Cut(strings.TrimPrefix(item.DeviceId, "/"), "/")
		if _, err := fmt.Sscanf(name, "disk:%d", &number); err == nil && number < len(keys) {
			item.DeviceId = importKey(spec.ConfigSpec.Name, keys[number])
			continue
		}
		fault := &types.OvfUnsupportedElement{Name: item.Path}
		because(&fault.MethodFault, fmt.Sprintf("The lab imports disks only: it cannot import the file %s.", item.Path))
		result.Error = append(result.Error, *localized(fault))
	}
	return body, nil
}

// importKey returns the lease's key of a disk.
func importKey(vm, disk string) string {
	return "/" + vm + "/" + disk
}

// diskKeys names the disks of a specification by their controllers and units: ParaVirtualSCSIController0:1.
func diskKeys(spec *types.VirtualMachineConfigSpec) []string {
	var devices []types.BaseVirtualDevice
	for _, change := range spec.DeviceChange {
		devices = append(devices, change.GetVirtualDeviceConfigSpec().Device)
	}
	var keys []string
	units := map[int32]int32{}
	for _, disk := range disksOf(devices) {
		unit := units[disk.ControllerKey]
		if disk.UnitNumber != nil && *disk.UnitNumber >= 0 {
			unit = *disk.UnitNumber
		}
		units[disk.ControllerKey] = unit + 1
		disk.UnitNumber = types.NewInt32(unit)
		keys = append(keys, diskKey(devices, disk))
	}
	return keys
}

// diskKey names a disk by its controller among the devices, and its unit there.
func diskKey(devices []types.BaseVirtualDevice, disk *types.VirtualDisk) string {
	for _, device := range devices {
		controller, ok := device.(types.BaseVirtualController)
		if ok && device.GetVirtualDevice().Key == disk.ControllerKey {
			kind := strings.TrimPrefix(fmt.Sprintf("%T", device), "*types.")
			return fmt.Sprintf("%s%d:%d", kind, controller.GetVirtualController().BusNumber, *disk.UnitNumber)
		}
	}
	return fmt.Sprintf("VirtualDisk:%d", *disk.UnitNumber)
}
