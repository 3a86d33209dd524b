// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Devices of a draft: adding, editing and removing, with the keys, maximum number of controllers and units that vCenter
// assigns.

package vsim

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"
)

// bus describes a type of controller.
type bus struct {
	firstKey     int32 // of the first controller
	most         int32 // controllers
	units        int32
	reservedUnit int32 // unit of the controller itself; -1: none
	deviceKey    int32 // key of the first device on the first controller
}

var (
	scsiBus = bus{firstKey: 1000, most: 4, units: 16, reservedUnit: 7, deviceKey: 2000}
	ideBus  = bus{firstKey: 200, most: 2, units: 2, reservedUnit: -1, deviceKey: 3000}
	sataBus = bus{firstKey: 15000, most: 4, units: 30, reservedUnit: -1, deviceKey: 16000}
	nvmeBus = bus{firstKey: 31000, most: 4, units: 15, reservedUnit: -1, deviceKey: 32000}
)

const (
	pciController  = 100
	firstNICUnit   = 7
	mostNICs       = 10
	firstNICKey    = 4000
	firstOtherKey  = 14000
	firstSerialKey = 9000
)

func busOf(device types.BaseVirtualDevice) *bus {
	switch device.(type) {
	case types.BaseVirtualSCSIController:
		return &scsiBus
	case *types.VirtualIDEController:
		return &ideBus
	case types.BaseVirtualSATAController:
		return &sataBus
	case *types.VirtualNVMEController:
		return &nvmeBus
	}
	return nil
}

// isSingle returns true for devices of which every VM has exactly one.
func isSingle(device types.BaseVirtualDevice) bool {
	switch device.(type) {
	case *types.VirtualPCIController, *types.VirtualPS2Controller, *types.VirtualSIOController, *types.VirtualKeyboard,
		*types.VirtualPointingDevice, *types.VirtualMachineVideoCard, *types.VirtualMachineVMCIDevice:
		return true
	}
	return false
}

// deviceChange is a device change of a spec.
type deviceChange struct {
	*types.VirtualDeviceConfigSpec
	index int32
	keys  map[int32]int32 // maps the spec's temporary keys to real ones
}

func (c deviceChange) invalid(property string) types.BaseMethodFault {
	return &types.InvalidDeviceSpec{DeviceIndex: c.index,
		InvalidVmConfig: types.InvalidVmConfig{Property: "virtualDeviceSpec." + property}}
}

func (d *draft) applyDevices(spec *types.VirtualMachineConfigSpec) types.BaseMethodFault {
	keys := map[int32]int32{}
	for index, base := range spec.DeviceChange {
		change := deviceChange{base.GetVirtualDeviceConfigSpec(), int32(index), keys}
		if change.Device == nil {
			return change.invalid("device")
		}
		if fault := d.applyDevice(change); fault != nil {
			return fault
		}
	}
	if len(spec.DeviceChange) > 0 {
		d.linkControllers()
	}
	return nil
}

func (d *draft) applyDevice(change deviceChange) types.BaseMethodFault {
	if d.poweredOn && !d.onlyReconnects(change) {
		fault := &types.InvalidDeviceOperation{}
		because(&fault.MethodFault, "The lab does not change the devices of a virtual machine that is powered on.")
		return fault
	}
	switch change.Operation {
	case types.VirtualDeviceConfigSpecOperationAdd:
		return d.addDevice(change)
	case types.VirtualDeviceConfigSpecOperationEdit:
		return d.editDevice(change)
	case types.VirtualDeviceConfigSpecOperationRemove:
		return d.removeDevice(change)
	}
	return change.invalid("operation")
}

// onlyReconnects returns true for an edit that does not change the hardware: specs often repeat unchanged devices.
func (d *draft) onlyReconnects(change deviceChange) bool {
	if change.Operation != types.VirtualDeviceConfigSpecOperationEdit {
		return false
	}
	device := change.Device.GetVirtualDevice()
	old := d.device(device.Key)
	if old == nil {
		return true // the edit reports the missing device
	}
	was := old.GetVirtualDevice()
	if _, isCD := old.(*types.VirtualCdrom); isCD {
		return sameBacking(was.Backing, device.Backing) // a medium may be connected and disconnected
	}
	return sameBacking(was.Backing, device.Backing) && sameConnection(was.Connectable, device.Connectable)
}

func sameBacking(was, is types.BaseVirtualDeviceBackingInfo) bool {
	if is == nil || reflect.ValueOf(is).IsNil() {
		return true
	}
	switch b := is.(type) {
	case types.BaseVirtualDeviceFileBackingInfo:
		old, ok := was.(types.BaseVirtualDeviceFileBackingInfo)
		return ok && old.GetVirtualDeviceFileBackingInfo().FileName == b.GetVirtualDeviceFileBackingInfo().FileName
	case *types.VirtualEthernetCardNetworkBackingInfo:
		old, ok := was.(*types.VirtualEthernetCardNetworkBackingInfo)
		return ok && old.DeviceName == b.DeviceName
	case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
		old, ok := was.(*types.VirtualEthernetCardDistributedVirtualPortBackingInfo)
		return ok && old.Port.PortgroupKey == b.Port.PortgroupKey
	}
	return reflect.DeepEqual(was, is)
}

func sameConnection(was, is *types.VirtualDeviceConnectInfo) bool {
	return is == nil || was != nil && was.Connected == is.Connected
}

func (d *draft) devices() object.VirtualDeviceList {
	return d.config.Hardware.Device
}

func (d *draft) device(key int32) types.BaseVirtualDevice {
	return d.devices().FindByKey(key)
}

func (d *draft) addDevice(change deviceChange) types.BaseMethodFault {
	device := change.Device
	base := device.GetVirtualDevice()
	temporary := base.Key
	if existing := d.existing(device); existing != nil {
		// Every VM has this device already. The spec's key is mapped to it.
		change.keys[temporary] = existing.GetVirtualDevice().Key
		return nil
	}
	if real, known := change.keys[base.ControllerKey]; known {
		base.ControllerKey = real
	}
	if fault := d.place(change); fault != nil {
		return fault
	}
	change.keys[temporary] = base.Key
	if base.DeviceInfo == nil || reflect.ValueOf(base.DeviceInfo).IsNil() {
		base.DeviceInfo = &types.Description{}
	}
	if fault := d.configure(change, nil); fault != nil {
		return fault
	}
	d.config.Hardware.Device = append(slices.Clip(d.config.Hardware.Device), device)
	label := base.DeviceInfo.GetDescription()
	if label.Label == "" {
		label.Label = d.label(device)
	}
	return nil
}

// existing returns the existing device for an addition of a default device: a single device or an IDE controller.
func (d *draft) existing(device types.BaseVirtualDevice) types.BaseVirtualDevice {
	for _, other := range d.config.Hardware.Device {
		if reflect.TypeOf(other) != reflect.TypeOf(device) {
			continue
		}
		if isSingle(device) {
			return other
		}
		if ide, ok := device.(*types.VirtualIDEController); ok && other.(*types.VirtualIDEController).BusNumber == ide.BusNumber {
			return other
		}
	}
	return nil
}

// place assigns the device's key, and its unit on its controller.
func (d *draft) place(change deviceChange) types.BaseMethodFault {
	device := change.Device
	if kind := busOf(device); kind != nil {
		return d.placeController(change, kind)
	}
	if _, isCard := device.(types.BaseVirtualEthernetCard); isCard {
		return d.placeCard(change)
	}
	base := device.GetVirtualDevice()
	kind := busOf(d.device(base.ControllerKey))
	_, isDisk := device.(*types.VirtualDisk)
	_, isCD := device.(*types.VirtualCdrom)
	if (isDisk || isCD) && kind == nil {
		return change.invalid("device.controllerKey")
	}
	if kind == nil {
		base.Key = d.freeKey(firstOther(device))
		return nil
	}
	return d.placeOnBus(change, kind)
}

func firstOther(device types.BaseVirtualDevice) int32 {
	if _, isSerial := device.(*types.VirtualSerialPort); isSerial {
		return firstSerialKey
	}
	return firstOtherKey
}

func (d *draft) placeController(change deviceChange, kind *bus) types.BaseMethodFault {
	controller := change.Device.(types.BaseVirtualController).GetVirtualController()
	for _, other := range d.config.Hardware.Device {
		if busOf(other) == kind && other.(types.BaseVirtualController).GetVirtualController().BusNumber == controller.BusNumber {
			return change.invalid("device.busNumber")
		}
	}
	if controller.BusNumber < 0 || controller.BusNumber >= kind.most {
		return change.invalid("device.busNumber")
	}
	controller.Key = kind.firstKey + controller.BusNumber
	controller.ControllerKey, controller.UnitNumber = pciController, nil
	if scsi, ok := change.Device.(types.BaseVirtualSCSIController); ok {
		scsi.GetVirtualSCSIController().ScsiCtlrUnitNumber = scsiBus.reservedUnit
		if scsi.GetVirtualSCSIController().SharedBus == "" {
			scsi.GetVirtualSCSIController().SharedBus = types.VirtualSCSISharingNoSharing
		}
	}
	return nil
}

func (d *draft) placeCard(change deviceChange) types.BaseMethodFault {
	base := change.Device.GetVirtualDevice()
	used := map[int32]bool{}
	for _, other := range d.config.Hardware.Device {
		if card, ok := other.(types.BaseVirtualEthernetCard); ok {
			used[*card.GetVirtualEthernetCard().UnitNumber] = true
		}
	}
	// vCenter chooses an adapter's unit.
	for unit := int32(firstNICUnit); unit < firstNICUnit+mostNICs; unit++ {
		if !used[unit] {
			base.Key, base.ControllerKey, base.UnitNumber = firstNICKey+unit-firstNICUnit, pciController, types.NewInt32(unit)
			return nil
		}
	}
	return &types.TooManyDevices{InvalidVmConfig: types.InvalidVmConfig{Property: "virtualDeviceSpec.device"}}
}

func (d *draft) placeOnBus(change deviceChange, kind *bus) types.BaseMethodFault {
	base := change.Device.GetVirtualDevice()
	used := map[int32]bool{kind.reservedUnit: true}
	for _, other := range d.config.Hardware.Device {
		if o := other.GetVirtualDevice(); o.ControllerKey == base.ControllerKey && o.UnitNumber != nil {
			used[*o.UnitNumber] = true
		}
	}
	if base.UnitNumber != nil && *base.UnitNumber >= 0 {
		if used[*base.UnitNumber] || *base.UnitNumber >= kind.units {
			return change.invalid("device.unitNumber")
		}
	} else {
		unit := int32(0)
		for used[unit] {
			unit++
		}
		if unit >= kind.units {
			return &types.TooManyDevices{InvalidVmConfig: types.InvalidVmConfig{Property: "virtualDeviceSpec.device"}}
		}
		base.UnitNumber = &unit
	}
	base.Key = kind.deviceKey + (base.ControllerKey-kind.firstKey)*kind.units + *base.UnitNumber
	return nil
}

func (d *draft) freeKey(first int32) int32 {
	for d.device(first) != nil {
		first++
	}
	return first
}

// configure checks a device's backing and creates its files. old is nil for a new device.
func (d *draft) configure(change deviceChange, old types.BaseVirtualDevice) types.BaseMethodFault {
	base := change.Device.GetVirtualDevice()
	description := base.DeviceInfo.GetDescription()
	var fault types.BaseMethodFault
	switch device := change.Device.(type) {
	case *types.VirtualDisk:
		oldDisk, _ := old.(*types.VirtualDisk)
		if fault = d.configureDisk(change, device, oldDisk); fault == nil {
			description.Summary = fmt.Sprintf("%d KB", device.CapacityInKB)
		}
	case types.BaseVirtualEthernetCard:
		description.Summary, fault = d.configureCard(change, device.GetVirtualEthernetCard())
	case *types.VirtualCdrom:
		description.Summary, fault = d.configureCD(change, device)
	default:
		if description.Summary == "" {
			description.Summary = object.VirtualDeviceList{}.TypeName(change.Device)
		}
	}
	if fault != nil {
		return fault
	}
	allocateDevice(change.Device, old)
	switch change.Device.(type) {
	case types.BaseVirtualEthernetCard, *types.VirtualCdrom, *types.VirtualFloppy, *types.VirtualSerialPort:
		if base.Connectable == nil {
			base.Connectable = &types.VirtualDeviceConnectInfo{StartConnected: true, AllowGuestControl: true}
		}
	}
	if base.Connectable != nil && !d.poweredOn {
		base.Connectable.Connected = false
	}
	return nil
}

// configureCD accepts an ISO that does not exist: this is checked at power-on.
func (d *draft) configureCD(change deviceChange, device *types.VirtualCdrom) (string, types.BaseMethodFault) {
	iso, ok := device.Backing.(*types.VirtualCdromIsoBackingInfo)
	if !ok {
		return "Remote device", nil
	}
	place, store, fault := d.locate(iso.FileName)
	if fault != nil {
		return "", fault
	}
	iso.FileName, iso.Datastore = place.String(), &store.Self
	return "ISO " + iso.FileName, nil
}

func (d *draft) editDevice(change deviceChange) types.BaseMethodFault {
	base := change.Device.GetVirtualDevice()
	old := d.device(base.Key)
	if old == nil || reflect.TypeOf(old) != reflect.TypeOf(change.Device) {
		return change.invalid("device.key")
	}
	was := old.GetVirtualDevice()
	// An edit may omit the controller, the unit and the backing.
	base.ControllerKey, base.UnitNumber = was.ControllerKey, was.UnitNumber
	if base.Backing == nil || reflect.ValueOf(base.Backing).IsNil() {
		base.Backing = was.Backing
	}
	if base.Connectable == nil {
		base.Connectable = was.Connectable
	}
	base.DeviceInfo = was.DeviceInfo
	if fault := d.configure(change, old); fault != nil {
		return fault
	}
	index := slices.IndexFunc(d.config.Hardware.Device, func(other types.BaseVirtualDevice) bool { return other == old })
	d.config.Hardware.Device[index] = change.Device
	return nil
}

func (d *draft) removeDevice(change deviceChange) types.BaseMethodFault {
	key := change.Device.GetVirtualDevice().Key
	old := d.device(key)
	if old == nil || isSingle(old) {
		return change.invalid("device.key")
	}
	if busOf(old) != nil {
		for _, other := range d.config.Hardware.Device {
			if other.GetVirtualDevice().ControllerKey == key {
				fault := &types.InvalidDeviceOperation{}
				because(&fault.MethodFault, "The controller still has devices.")
				return fault
			}
		}
	}
	if disk, isDisk := old.(*types.VirtualDisk); isDisk {
		if fault := d.removeDisk(change, disk); fault != nil {
			return fault
		}
	}
	d.config.Hardware.Device = slices.DeleteFunc(d.config.Hardware.Device,
		func(other types.BaseVirtualDevice) bool { return other == old })
	return nil
}

// linkControllers updates each controller's list of devices.
func (d *draft) linkControllers() {
	below := map[int32][]int32{}
	for _, device := range d.config.Hardware.Device {
		base := device.GetVirtualDevice()
		if base.ControllerKey != 0 {
			below[base.ControllerKey] = append(below[base.ControllerKey], base.Key)
		}
	}
	for _, device := range d.config.Hardware.Device {
		if controller, ok := device.(types.BaseVirtualController); ok {
			controller.GetVirtualController().Device = below[device.GetVirtualDevice().Key]
		}
	}
}

// label returns the label that clients show: "Hard disk 1".
func (d *draft) label(device types.BaseVirtualDevice) string {
	count := func(same func(types.BaseVirtualDevice) bool) int {
		n := 0
		for _, other := range d.config.Hardware.Device {
			if same(other) {
				n++
			}
		}
		return n
	}
	switch typed := device.(type) {
	case *types.VirtualDisk:
		return fmt.Sprintf("Hard disk %d", count(func(o types.BaseVirtualDevice) bool { _, ok := o.(*types.VirtualDisk); return ok }))
	case types.BaseVirtualEthernetCard:
		return fmt.Sprintf("Network adapter %d", count(func(o types.BaseVirtualDevice) bool {
			_, ok := o.(types.BaseVirtualEthernetCard)
			return ok
		}))
	case *types.VirtualCdrom:
		return fmt.Sprintf("CD/DVD drive %d", count(func(o types.BaseVirtualDevice) bool { _, ok := o.(*types.VirtualCdrom); return ok }))
	case types.BaseVirtualSCSIController:
		return fmt.Sprintf("SCSI controller %d", typed.GetVirtualSCSIController().BusNumber)
	}
	return d.devices().Name(device)
}
