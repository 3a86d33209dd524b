// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// A VM as com.vmware.vcenter.VM of the Automation API returns it.

package vsim

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vapi"
	"gantry.invalid/lab/vcenter/internal/vim"
)

// VM returns what is known of a VM.
func (d directory) VM(reference ref) (info vapi.VMInfo, found bool) {
	vm, found := d.server.registry.Get(reference).(*simulator.VirtualMachine)
	if !found {
		return info, false
	}
	d.server.locked(vm, func(*simulator.Context) { info = d.server.automationInfo(vm) })
	return info, true
}

func (s *Server) automationInfo(vm *simulator.VirtualMachine) vapi.VMInfo {
	config := vm.Config
	info := vapi.VMInfo{
		GuestOS:  guestOS(config.GuestId),
		Name:     vm.Name,
		Identity: &vapi.VMIdentity{Name: vm.Name, BIOS: config.Uuid, Instance: config.InstanceUuid},
		Power:    powerState(vm.Runtime.PowerState),
		Hardware: vapi.VMHardware{Version: hardwareVersion(config.Version), UpgradePolicy: "NEVER", UpgradeStatus: "NONE"},
		Boot:     bootOf(config), BootDevices: []vapi.VMBootDevice{},
		CPU: vapi.VMCPU{Count: int64(config.Hardware.NumCPU), PerSocket: coresPerSocket(config),
			HotAdd: vim.IsTrue(config.CpuHotAddEnabled), HotRemove: vim.IsTrue(config.CpuHotRemoveEnabled)},
		Memory: vapi.VMMemory{Size: int64(config.Hardware.MemoryMB), HotAdd: vim.IsTrue(config.MemoryHotAddEnabled)},
		Disks:  map[string]vapi.VMDisk{}, NICs: map[string]vapi.VMNIC{}, CDROMs: map[string]vapi.VMDrive{},
		Floppies: map[string]vapi.VMFloppy{}, Parallel: map[string]vapi.VMParallel{}, Serial: map[string]vapi.VMPort{},
		SATA: map[string]vapi.SATAAdapter{}, SCSI: map[string]vapi.SCSIAdapter{}, NVMe: &map[string]vapi.NVMe{},
	}
	if config.BootOptions != nil {
		info.BootDevices = bootDevices(config.BootOptions.BootOrder)
	}
	buses := map[int32]types.BaseVirtualDevice{}
	for _, device := range config.Hardware.Device {
		buses[device.GetVirtualDevice().Key] = device
	}
	for _, device := range config.Hardware.Device {
		s.addToInfo(&info, device, buses[device.GetVirtualDevice().ControllerKey])
	}
	return info
}

// oddGuests are the guest operating systems whose names are not derived from those of the vSphere API by rule.
var oddGuests = map[string]string{
	"winXPHomeGuest": "WIN_XP_HOME", "winXPProGuest": "WIN_XP_PRO", "winXPPro64Guest": "WIN_XP_PRO_64", "os2Guest": "OS2",
	"windowsHyperVGuest": "WINDOWS_HYPERV", "windows2019srv_64Guest": "WINDOWS_SERVER_2019",
	"windows2019srvNext_64Guest": "WINDOWS_SERVER_2021", "windows2022srvNext_64Guest": "WINDOWS_SERVER_2025",
	"eComStationGuest": "ECOMSTATION", "eComStation2Guest": "ECOMSTATION_2", "unixWare7Guest": "UNIXWARE_7",
	"openServer5Guest": "OPENSERVER_5", "openServer6Guest": "OPENSERVER_6", "amazonlinux2_64Guest": "AMAZONLINUX2_64",
	"amazonlinux3_64Guest": "AMAZONLINUX3_64", "crxPod1Guest": "CRXPOD_1", "crxSys1Guest": "CRXSYS_1",
}

var wordEnd = regexp.MustCompile(`([a-z])([A-Z0-9])|([0-9]x?)([A-Z])`)

// guestOS converts a guest id, such as debian12_64Guest, to a com.vmware.vcenter.vm.guest_OS, DEBIAN_12_64.
func guestOS(id string) string {
	if odd := oddGuests[id]; odd != "" {
		return odd
	}
	name := strings.Replace(id, "Guest", "", 1)
	for separated := ""; separated != name; { // matches overlap
		separated, name = name, wordEnd.ReplaceAllString(name, "${1}${3}_${2}${4}")
	}
	return strings.ToUpper(name)
}

func coresPerSocket(config *types.VirtualMachineConfigInfo) int64 {
	if cores := config.Hardware.NumCoresPerSocket; cores != nil && *cores > 0 {
		return int64(*cores)
	}
	return 1
}

// hardwareVersion converts vmx-21 to VMX_21, and vmx-09 to VMX_09.
func hardwareVersion(version string) string {
	return strings.ToUpper(strings.ReplaceAll(version, "-", "_"))
}

func bootOf(config *types.VirtualMachineConfigInfo) vapi.VMBoot {
	boot := vapi.VMBoot{Type: "BIOS", RetryDelay: 10000}
	if config.Firmware == string(types.GuestOsDescriptorFirmwareTypeEfi) {
		protocol := "IPV4"
		boot.Type, boot.Legacy, boot.Protocol = "EFI", new(bool), &protocol
	}
	if options := config.BootOptions; options != nil {
		boot.Delay, boot.Retry = options.BootDelay, vim.IsTrue(options.BootRetryEnabled)
		boot.EnterSetup = vim.IsTrue(options.EnterBIOSSetup)
		if options.BootRetryDelay != 0 {
			boot.RetryDelay = options.BootRetryDelay
		}
	}
	return boot
}

func bootDevices(order []types.BaseVirtualMachineBootOptionsBootableDevice) []vapi.VMBootDevice {
	devices := []vapi.VMBootDevice{}
	for _, one := range order {
		switch device := one.(type) {
		case *types.VirtualMachineBootOptionsBootableCdromDevice:
			devices = append(devices, vapi.VMBootDevice{Type: "CDROM"})
		case *types.VirtualMachineBootOptionsBootableFloppyDevice:
			devices = append(devices, vapi.VMBootDevice{Type: "FLOPPY"})
		case *types.VirtualMachineBootOptionsBootableEthernetDevice:
			nic := deviceID(device.DeviceKey)
			devices = append(devices, vapi.VMBootDevice{Type: "ETHERNET", NIC: &nic})
		case *types.VirtualMachineBootOptionsBootableDiskDevice:
			devices = append(devices, vapi.VMBootDevice{Type: "DISK", Disks: &[]string{deviceID(device.DeviceKey)}})
		}
	}
	return devices
}

func deviceID(key int32) string { return strconv.Itoa(int(key)) }
