// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The devices of a VM as com.vmware.vcenter.VM of the Automation API returns them.

package vsim

import (
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vapi"
	"gantry.invalid/lab/vcenter/internal/vim"
)

// addToInfo adds a device on a controller, which is nil for a device without one.
func (s *Server) addToInfo(info *vapi.VMInfo, device, controller types.BaseVirtualDevice) {
	base := device.GetVirtualDevice()
	id, label := deviceID(base.Key), labelOf(device)
	at := addressOn(controller, base)
	switch one := device.(type) {
	case *types.VirtualDisk:
		info.Disks[id] = vapi.VMDisk{Label: label, Type: at.kind, IDE: at.ide, SCSI: at.scsi, SATA: at.sata, NVMe: at.nvme,
			Backing:  vapi.VMDiskBacking{Type: "VMDK_FILE", File: fileOf(base.Backing)},
			Capacity: &one.CapacityInBytes}
	case types.BaseVirtualEthernetCard:
		info.NICs[id] = s.automationNIC(device, one.GetVirtualEthernetCard())
	case *types.VirtualCdrom:
		drive := vapi.VMDrive{Type: at.kind, Label: label, IDE: at.ide, SATA: at.sata, Connection: connectionOf(base)}
		drive.Backing = vapi.VMDriveBacking{Type: "CLIENT_DEVICE", Access: accessOf(base.Backing)}
		if file := fileOf(base.Backing); file != nil {
			drive.Backing = vapi.VMDriveBacking{Type: "ISO_FILE", ISO: file}
		}
		info.CDROMs[id] = drive
	case *types.VirtualFloppy:
		floppy := vapi.VMFloppy{Label: label, Backing: vapi.VMFloppyBacking{Type: "CLIENT_DEVICE"}, Connection: connectionOf(base)}
		if file := fileOf(base.Backing); file != nil {
			floppy.Backing = vapi.VMFloppyBacking{Type: "IMAGE_FILE", Image: file}
		}
		info.Floppies[id] = floppy
	case *types.VirtualParallelPort:
		port := vapi.VMParallel{Label: label, Backing: vapi.VMParallelBacking{Type: "HOST_DEVICE", Auto: autoDetect(base.Backing)}, Connection: connectionOf(base)}
		if file := fileOf(base.Backing); file != nil {
			port.Backing = vapi.VMParallelBacking{Type: "FILE", File: file}
		}
		info.Parallel[id] = port
	case *types.VirtualSerialPort:
		info.Serial[id] = vapi.VMPort{Label: label, Yield: one.YieldOnPoll, Backing: serialBacking(base.Backing), Connection: connectionOf(base)}
	case types.BaseVirtualSATAController:
		info.SATA[id] = vapi.SATAAdapter{Label: label, Type: "AHCI", Bus: int64(one.GetVirtualSATAController().BusNumber)}
	case *types.VirtualNVMEController:
		(*info.NVMe)[id] = vapi.NVMe{Label: label, Bus: int64(one.BusNumber)}
	case types.BaseVirtualSCSIController:
		info.SCSI[id] = automationSCSI(device, one.GetVirtualSCSIController())
	}
}

// address is the place of a device on its controller; the field of the kind is set.
type address struct {
	kind string
	ide  *vapi.IDEAddress
	scsi *vapi.SCSIAddress
	sata *vapi.SATAAddress
	nvme *vapi.NVMeAddress
}

func addressOn(controller types.BaseVirtualDevice, device *types.VirtualDevice) address {
	kind := busOf(controller)
	if kind == nil || device.UnitNumber == nil {
		return address{}
	}
	number := int64(controller.(types.BaseVirtualController).GetVirtualController().BusNumber)
	unit := int64(*device.UnitNumber)
	switch kind {
	case &ideBus:
		return address{kind: "IDE", ide: &vapi.IDEAddress{Primary: number == 0, Master: unit == 0}}
	case &sataBus:
		return address{kind: "SATA", sata: &vapi.SATAAddress{Bus: number, Unit: unit}}
	case &nvmeBus:
		return address{kind: "NVME", nvme: &vapi.NVMeAddress{Bus: number, Unit: unit}}
	}
	return address{kind: "SCSI", scsi: &vapi.SCSIAddress{Bus: number, Unit: unit}}
}

func connectionOf(base *types.VirtualDevice) vapi.Connection {
	connection := vapi.Connection{State: "NOT_CONNECTED"}
	if about := base.Connectable; about != nil {
		connection.Start, connection.GuestControl = about.StartConnected, about.AllowGuestControl
		if about.Connected {
			connection.State = "CONNECTED"
		}
	}
	return connection
}

// accessOf returns how a VM uses a drive of a client.
func accessOf(backing types.BaseVirtualDeviceBackingInfo) *string {
	access := "EMULATION"
	if _, through := backing.(*types.VirtualCdromRemotePassthroughBackingInfo); through {
		access = "PASSTHRU"
	}
	return &access
}

func autoDetect(backing types.BaseVirtualDeviceBackingInfo) *bool {
	if device, ok := backing.(types.BaseVirtualDeviceDeviceBackingInfo); ok {
		return orElse(device.GetVirtualDeviceDeviceBackingInfo().UseAutoDetect, new(bool))
	}
	return new(bool)
}

// fileOf returns the file of a backing, nil if there is none.
func fileOf(backing types.BaseVirtualDeviceBackingInfo) *string {
	if file, ok := backing.(types.BaseVirtualDeviceFileBackingInfo); ok {
		return &file.GetVirtualDeviceFileBackingInfo().FileName
	}
	return nil
}

var adapterTypes = map[string]string{
	"VirtualE1000": "E1000", "VirtualE1000e": "E1000E", "VirtualPCNet32": "PCNET32", "VirtualVmxnet": "VMXNET",
	"VirtualVmxnet2": "VMXNET2", "VirtualVmxnet3": "VMXNET3",
}

func (s *Server) automationNIC(device types.BaseVirtualDevice, card *types.VirtualEthernetCard) vapi.VMNIC {
	nic := vapi.VMNIC{Label: labelOf(device), Type: adapterTypes[object.VirtualDeviceList{}.TypeName(device)], MAC: &card.MacAddress,
		MACType: enumerated(card.AddressType), Wake: vim.IsTrue(card.WakeOnLanEnabled), Connection: connectionOf(&card.VirtualDevice)}
	if vmxnet, ok := device.(*types.VirtualVmxnet3); ok {
		nic.UPT = orElse(vmxnet.UptCompatibilityEnabled, new(bool))
	}
	network, name := s.networkOf(card)
	nic.Backing = vapi.VMNICBacking{Type: networkTypes[network.Type], Network: &network.Value, Name: &name}
	switch backing := card.Backing.(type) {
	case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
		cookie := int64(backing.Port.ConnectionCookie)
		nic.Backing.Name, nic.Backing.Switch, nic.Backing.Port, nic.Backing.Cookie = nil, &backing.Port.SwitchUuid, &backing.Port.PortKey, &cookie
	case *types.VirtualEthernetCardOpaqueNetworkBackingInfo:
		nic.Backing.Name, nic.Backing.OpaqueType, nic.Backing.OpaqueID = nil, &backing.OpaqueNetworkType, &backing.OpaqueNetworkId
	}
	return nic
}

func serialBacking(backing types.BaseVirtualDeviceBackingInfo) vapi.VMPortBacking {
	switch b := backing.(type) {
	case *types.VirtualSerialPortPipeBackingInfo:
		kind := "PIPE_SERVER"
		if b.Endpoint == "client" {
			kind = "PIPE_CLIENT"
		}
		return vapi.VMPortBacking{Type: kind, Pipe: &b.PipeName, NoLoss: orElse(b.NoRxLoss, new(bool))}
	case types.BaseVirtualDeviceURIBackingInfo:
		about := b.GetVirtualDeviceURIBackingInfo()
		kind := "NETWORK_SERVER"
		if about.Direction == string(types.VirtualDeviceURIBackingOptionDirectionClient) {
			kind = "NETWORK_CLIENT"
		}
		port := vapi.VMPortBacking{Type: kind, Location: &about.ServiceURI}
		if about.ProxyURI != "" {
			port.Proxy = &about.ProxyURI
		}
		return port
	}
	if file := fileOf(backing); file != nil {
		return vapi.VMPortBacking{Type: "FILE", File: file}
	}
	return vapi.VMPortBacking{Type: "HOST_DEVICE", Auto: autoDetect(backing)}
}

var scsiTypes = map[string]string{
	"ParaVirtualSCSIController": "PVSCSI", "VirtualBusLogicController": "BUSLOGIC", "VirtualLsiLogicController": "LSILOGIC",
	"VirtualLsiLogicSASController": "LSILOGICSAS",
}

var sharings = map[types.VirtualSCSISharing]string{
	types.VirtualSCSISharingNoSharing: "NONE", types.VirtualSCSISharingVirtualSharing: "VIRTUAL",
	types.VirtualSCSISharingPhysicalSharing: "PHYSICAL",
}

func automationSCSI(device types.BaseVirtualDevice, controller *types.VirtualSCSIController) vapi.SCSIAdapter {
	return vapi.SCSIAdapter{Label: labelOf(device), Type: scsiTypes[object.VirtualDeviceList{}.TypeName(device)],
		Address: vapi.SCSIAddress{Bus: int64(controller.BusNumber), Unit: int64(controller.ScsiCtlrUnitNumber)},
		Sharing: sharings[controller.SharedBus]}
}
