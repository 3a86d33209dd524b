// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// com.vmware.vcenter.VM.info and what it consists of. A pointer is an optional field; which of them the SDK requires depends on the type
// of the boot, device or backing.

package vapi

// VMInfo is what is known of a VM. The maps are by the keys of devices.
type VMInfo struct {
	GuestOS     string                 `json:"guest_OS"`
	Name        string                 `json:"name"`
	Identity    *VMIdentity            `json:"identity"`
	Power       string                 `json:"power_state"`
	Frozen      *bool                  `json:"instant_clone_frozen"`
	Hardware    VMHardware             `json:"hardware"`
	Boot        VMBoot                 `json:"boot"`
	BootDevices []VMBootDevice         `json:"boot_devices"`
	CPU         VMCPU                  `json:"cpu"`
	Memory      VMMemory               `json:"memory"`
	Disks       map[string]VMDisk      `json:"disks"`
	NICs        map[string]VMNIC       `json:"nics"`
	CDROMs      map[string]VMDrive     `json:"cdroms"`
	Floppies    map[string]VMFloppy    `json:"floppies"`
	Parallel    map[string]VMParallel  `json:"parallel_ports"`
	Serial      map[string]VMPort      `json:"serial_ports"`
	SATA        map[string]SATAAdapter `json:"sata_adapters"`
	SCSI        map[string]SCSIAdapter `json:"scsi_adapters"`
	NVMe        *map[string]NVMe       `json:"nvme_adapters"`
}

func (VMInfo) structure() string { return "com.vmware.vcenter.VM.info" }

const hardware = "com.vmware.vcenter.vm.hardware."

// VMIdentity has the UUIDs of a VM.
type VMIdentity struct {
	Name     string `json:"name"`
	BIOS     string `json:"bios_uuid"`
	Instance string `json:"instance_uuid"`
}

func (VMIdentity) structure() string { return "com.vmware.vcenter.vm.identity.info" }

// VMHardware is the version of the virtual hardware.
type VMHardware struct {
	Version        string  `json:"version"`
	UpgradePolicy  string  `json:"upgrade_policy"`
	UpgradeVersion *string `json:"upgrade_version"`
	UpgradeStatus  string  `json:"upgrade_status"`
}

func (VMHardware) structure() string { return "com.vmware.vcenter.vm.hardware.info" }

// VMBoot is how a VM boots.
type VMBoot struct {
	Type       string  `json:"type"`
	Legacy     *bool   `json:"efi_legacy_boot"`
	Protocol   *string `json:"network_protocol"`
	Delay      int64   `json:"delay"`
	Retry      bool    `json:"retry"`
	RetryDelay int64   `json:"retry_delay"`
	EnterSetup bool    `json:"enter_setup_mode"`
}

func (VMBoot) structure() string { return hardware + "boot.info" }

// VMBootDevice is an entry of the boot order.
type VMBootDevice struct {
	Type  string    `json:"type"`
	NIC   *string   `json:"nic"`
	Disks *[]string `json:"disks"`
}

func (VMBootDevice) structure() string { return hardware + "boot.device.entry" }

// VMCPU is the CPUs of a VM.
type VMCPU struct {
	Count     int64 `json:"count"`
	PerSocket int64 `json:"cores_per_socket"`
	HotAdd    bool  `json:"hot_add_enabled"`
	HotRemove bool  `json:"hot_remove_enabled"`
}

func (VMCPU) structure() string { return hardware + "cpu.info" }

// VMMemory is the memory of a VM.
type VMMemory struct {
	Size   int64 `json:"size_MiB"`
	HotAdd bool  `json:"hot_add_enabled"`
}

func (VMMemory) structure() string { return hardware + "memory.info" }

// SCSIAddress is the place of a device on a SCSI controller.
type SCSIAddress struct {
	Bus  int64 `json:"bus"`
	Unit int64 `json:"unit"`
}

func (SCSIAddress) structure() string { return hardware + "scsi_address_info" }

// SATAAddress is the place of a device on a SATA controller.
type SATAAddress struct {
	Bus  int64 `json:"bus"`
	Unit int64 `json:"unit"`
}

func (SATAAddress) structure() string { return hardware + "sata_address_info" }

// NVMeAddress is the place of a device on an NVMe controller.
type NVMeAddress struct {
	Bus  int64 `json:"bus"`
	Unit int64 `json:"unit"`
}

func (NVMeAddress) structure() string { return hardware + "nvme_address_info" }

// IDEAddress is the place of a device on an IDE controller.
type IDEAddress struct {
	Primary bool `json:"primary"`
	Master  bool `json:"master"`
}

func (IDEAddress) structure() string { return hardware + "ide_address_info" }

// VMDisk is a disk of a VM.
type VMDisk struct {
	Label    string        `json:"label"`
	Type     string        `json:"type"`
	IDE      *IDEAddress   `json:"ide"`
	SCSI     *SCSIAddress  `json:"scsi"`
	SATA     *SATAAddress  `json:"sata"`
	NVMe     *NVMeAddress  `json:"nvme"`
	Backing  VMDiskBacking `json:"backing"`
	Capacity *int64        `json:"capacity"`
}

func (VMDisk) structure() string { return hardware + "disk.info" }

// VMDiskBacking is the file of a disk.
type VMDiskBacking struct {
	Type string  `json:"type"`
	File *string `json:"vmdk_file"`
}

func (VMDiskBacking) structure() string { return hardware + "disk.backing_info" }

// Connection is whether a device is connected. It is part of the structure of a device.
type Connection struct {
	State        string `json:"state"`
	Start        bool   `json:"start_connected"`
	GuestControl bool   `json:"allow_guest_control"`
}

// VMNIC is a network adapter of a VM.
type VMNIC struct {
	Label   string       `json:"label"`
	Type    string       `json:"type"`
	UPT     *bool        `json:"upt_compatibility_enabled"`
	MACType string       `json:"mac_type"`
	MAC     *string      `json:"mac_address"`
	Wake    bool         `json:"wake_on_lan_enabled"`
	Backing VMNICBacking `json:"backing"`
	Connection
}

func (VMNIC) structure() string { return hardware + "ethernet.info" }

// VMNICBacking is the network of an adapter.
type VMNICBacking struct {
	Type       string  `json:"type"`
	Network    *string `json:"network"`
	Name       *string `json:"network_name"`
	Switch     *string `json:"distributed_switch_uuid"`
	Port       *string `json:"distributed_port"`
	Cookie     *int64  `json:"connection_cookie"`
	OpaqueType *string `json:"opaque_network_type"`
	OpaqueID   *string `json:"opaque_network_id"`
}

func (VMNICBacking) structure() string { return hardware + "ethernet.backing_info" }

// VMDrive is a CD-ROM drive of a VM.
type VMDrive struct {
	Type    string         `json:"type"`
	Label   string         `json:"label"`
	IDE     *IDEAddress    `json:"ide"`
	SATA    *SATAAddress   `json:"sata"`
	Backing VMDriveBacking `json:"backing"`
	Connection
}

func (VMDrive) structure() string { return hardware + "cdrom.info" }

// VMDriveBacking is the medium of a drive.
type VMDriveBacking struct {
	Type   string  `json:"type"`
	ISO    *string `json:"iso_file"`
	Access *string `json:"device_access_type"`
}

func (VMDriveBacking) structure() string { return hardware + "cdrom.backing_info" }

// VMFloppy is a floppy drive of a VM.
type VMFloppy struct {
	Label   string          `json:"label"`
	Backing VMFloppyBacking `json:"backing"`
	Connection
}

func (VMFloppy) structure() string { return hardware + "floppy.info" }

// VMFloppyBacking is the medium of a floppy drive.
type VMFloppyBacking struct {
	Type  string  `json:"type"`
	Image *string `json:"image_file"`
}

func (VMFloppyBacking) structure() string { return hardware + "floppy.backing_info" }

// VMParallel is a parallel port of a VM.
type VMParallel struct {
	Label   string            `json:"label"`
	Backing VMParallelBacking `json:"backing"`
	Connection
}

func (VMParallel) structure() string { return hardware + "parallel.info" }

// VMParallelBacking is what a parallel port is connected to.
type VMParallelBacking struct {
	Type string  `json:"type"`
	File *string `json:"file"`
	Auto *bool   `json:"auto_detect"`
}

func (VMParallelBacking) structure() string { return hardware + "parallel.backing_info" }

// VMPort is a serial port of a VM.
type VMPort struct {
	Label   string        `json:"label"`
	Yield   bool          `json:"yield_on_poll"`
	Backing VMPortBacking `json:"backing"`
	Connection
}

func (VMPort) structure() string { return hardware + "serial.info" }

// VMPortBacking is what a serial port is connected to.
type VMPortBacking struct {
	Type     string  `json:"type"`
	File     *string `json:"file"`
	Auto     *bool   `json:"auto_detect"`
	Pipe     *string `json:"pipe"`
	NoLoss   *bool   `json:"no_rx_loss"`
	Location *string `json:"network_location"`
	Proxy    *string `json:"proxy"`
}

func (VMPortBacking) structure() string { return hardware + "serial.backing_info" }

// SATAAdapter is a SATA controller of a VM.
type SATAAdapter struct {
	Label string `json:"label"`
	Type  string `json:"type"`
	Bus   int64  `json:"bus"`
}

func (SATAAdapter) structure() string { return hardware + "adapter.sata.info" }

// SCSIAdapter is a SCSI controller of a VM.
type SCSIAdapter struct {
	Label   string      `json:"label"`
	Type    string      `json:"type"`
	Address SCSIAddress `json:"scsi"`
	Sharing string      `json:"sharing"`
}

func (SCSIAdapter) structure() string { return hardware + "adapter.scsi.info" }

// NVMe is an NVMe controller of a VM.
type NVMe struct {
	Label string `json:"label"`
	Bus   int64  `json:"bus"`
}

func (NVMe) structure() string { return hardware + "adapter.nvme.info" }
