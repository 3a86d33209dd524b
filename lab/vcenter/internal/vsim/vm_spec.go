// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Applying a configuration spec to a draft, with the restrictions of a powered-on VM.

package vsim

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

const (
	mostCPUs     = 768
	mostMemoryMB = 24 << 20
)

// apply applies the spec to the draft. After a fault, the draft must be dropped.
func (d *draft) apply(spec *types.VirtualMachineConfigSpec) types.BaseMethodFault {
	if spec.ChangeVersion != "" && spec.ChangeVersion != d.config.ChangeVersion {
		return &types.ConcurrentAccess{}
	}
	steps := []func(*types.VirtualMachineConfigSpec) types.BaseMethodFault{
		d.checkUnsupported, d.checkPower, d.applyIdentity, d.applySize, d.applyAllocation, d.applySettings,
		d.applyDevices, d.applyExtraConfig,
	}
	for _, step := range steps {
		if fault := step(spec); fault != nil {
			return fault
		}
	}
	now := d.server.clock.Now()
	d.config.Modified, d.config.ChangeVersion = now, now.UTC().Format("2006-01-02T15:04:05.000000000Z")
	return nil
}

// checkUnsupported refuses settings that would otherwise be silently ignored.
func (d *draft) checkUnsupported(spec *types.VirtualMachineConfigSpec) types.BaseMethodFault {
	for name, given := range map[string]bool{
		"crypto": spec.Crypto != nil, "vAppConfig": configuresVApp(spec.VAppConfig), "ftInfo": spec.FtInfo != nil,
		"deviceGroups": spec.DeviceGroups != nil, "sgxInfo": spec.SgxInfo != nil, "pmem": spec.Pmem != nil,
	} {
		if given {
			return notSupported("The lab does not support " + name + ".")
		}
	}
	return nil
}

// configuresVApp returns false for a vApp configuration without contents, which every import specification has.
func configuresVApp(config types.BaseVmConfigSpec) bool {
	value := reflect.ValueOf(config)
	return value.IsValid() && !value.IsNil() && !value.Elem().IsZero()
}

// checkPower refuses settings that require a powered-off VM.
func (d *draft) checkPower(spec *types.VirtualMachineConfigSpec) types.BaseMethodFault {
	if !d.poweredOn {
		return nil
	}
	if fault := d.checkHotAdd(spec); fault != nil {
		return fault
	}
	changes := func(wanted, is string) bool { return wanted != "" && wanted != is }
	if changes(spec.Firmware, d.config.Firmware) || changes(spec.Version, d.config.Version) ||
		changes(spec.GuestId, d.config.GuestId) || changes(spec.Uuid, d.config.Uuid) ||
		changes(spec.InstanceUuid, d.config.InstanceUuid) ||
		spec.MemoryHotAddEnabled != nil || spec.CpuHotAddEnabled != nil || spec.CpuHotRemoveEnabled != nil {
		return wrongPowerState(types.VirtualMachinePowerStatePoweredOn, types.VirtualMachinePowerStatePoweredOff)
	}
	return nil
}

func (d *draft) applyIdentity(spec *types.VirtualMachineConfigSpec) types.BaseMethodFault {
	if spec.GuestId != "" {
		if !isGuestID(spec.GuestId) {
			return invalidArgument("configSpec.guestId")
		}
		d.config.GuestId = spec.GuestId
	}
	d.config.GuestFullName = d.config.GuestId
	if spec.Version != "" {
		version, err := types.ParseHardwareVersion(spec.Version)
		if err != nil || !version.IsSupported() {
			return notSupported(fmt.Sprintf("The lab does not support the hardware version %q.", spec.Version))
		}
		d.config.Version = version.String()
	}
	for property, id := range map[string]struct {
		wanted string
		target *string
	}{"configSpec.uuid": {spec.Uuid, &d.config.Uuid}, "configSpec.instanceUuid": {spec.InstanceUuid, &d.config.InstanceUuid}} {
		if id.wanted == "" {
			continue
		}
		parsed, err := uuid.Parse(id.wanted)
		if err != nil {
			return invalidArgument(property)
		}
		*id.target = parsed.String()
	}
	switch spec.Firmware {
	case "":
	case string(types.GuestOsDescriptorFirmwareTypeBios), string(types.GuestOsDescriptorFirmwareTypeEfi):
		d.config.Firmware = spec.Firmware
	default:
		return invalidArgument("configSpec.firmware")
	}
	return nil
}

func isGuestID(id string) bool {
	for _, known := range simulator.GuestID {
		if id == string(known) {
			return true
		}
	}
	return false
}

func (d *draft) applySize(spec *types.VirtualMachineConfigSpec) types.BaseMethodFault {
	hardware := &d.config.Hardware
	switch {
	case spec.NumCPUs < 0 || spec.NumCPUs > mostCPUs:
		return invalidArgument("configSpec.numCPUs")
	case spec.NumCoresPerSocket != nil && *spec.NumCoresPerSocket < 0:
		return invalidArgument("configSpec.numCoresPerSocket")
	case spec.MemoryMB < 0 || spec.MemoryMB > mostMemoryMB || spec.MemoryMB%4 != 0:
		return invalidArgument("configSpec.memoryMB")
	}
	if spec.NumCPUs != 0 {
		hardware.NumCPU = spec.NumCPUs
	}
	if cores := spec.NumCoresPerSocket; cores != nil && *cores != 0 {
		hardware.NumCoresPerSocket = cores
	}
	if hardware.NumCPU%*hardware.NumCoresPerSocket != 0 {
		return invalidArgument("configSpec.numCoresPerSocket")
	}
	if spec.MemoryMB != 0 {
		hardware.MemoryMB = int32(spec.MemoryMB)
	}
	return nil
}

func (d *draft) applyAllocation(spec *types.VirtualMachineConfigSpec) types.BaseMethodFault {
	if fault := mergeAllocation(d.config.CpuAllocation, spec.CpuAllocation, "configSpec.cpuAllocation"); fault != nil {
		return fault
	}
	if fault := mergeAllocation(d.config.MemoryAllocation, spec.MemoryAllocation, "configSpec.memoryAllocation"); fault != nil {
		return fault
	}
	if spec.MemoryReservationLockedToMax != nil {
		d.config.MemoryReservationLockedToMax = spec.MemoryReservationLockedToMax
	}
	if locked := d.config.MemoryReservationLockedToMax; locked != nil && *locked {
		d.config.MemoryAllocation.Reservation = types.NewInt64(int64(d.config.Hardware.MemoryMB))
	}
	shareOut(&d.config)
	if reserved := *d.config.MemoryAllocation.Reservation; reserved > int64(d.config.Hardware.MemoryMB) {
		return invalidArgument("configSpec.memoryAllocation.reservation")
	}
	return nil
}

func mergeAllocation(target, change *types.ResourceAllocationInfo, property string) types.BaseMethodFault {
	if change == nil {
		return nil
	}
	if change.Reservation != nil {
		if *change.Reservation < 0 {
			return invalidArgument(property + ".reservation")
		}
		target.Reservation = change.Reservation
	}
	if change.Limit != nil {
		if *change.Limit < -1 {
			return invalidArgument(property + ".limit")
		}
		target.Limit = change.Limit
	}
	if change.Shares != nil {
		target.Shares = change.Shares
	}
	if limit := *target.Limit; limit >= 0 && limit < *target.Reservation {
		return invalidArgument(property + ".limit")
	}
	return nil
}

// applySettings copies settings that have no effect in the lab.
func (d *draft) applySettings(spec *types.VirtualMachineConfigSpec) types.BaseMethodFault {
	c := &d.config
	if spec.Annotation != "" {
		c.Annotation = spec.Annotation
	}
	if spec.AlternateGuestName != "" {
		c.AlternateGuestName = spec.AlternateGuestName
	}
	if spec.Flags != nil {
		c.Flags = *spec.Flags
	}
	if spec.PowerOpInfo != nil {
		c.DefaultPowerOps = *spec.PowerOpInfo
	}
	if managed := spec.ManagedBy; managed != nil {
		c.ManagedBy = managed
		if managed.ExtensionKey == "" {
			c.ManagedBy = nil
		}
	}
	replace(&c.BootOptions, spec.BootOptions)
	replace(&c.Tools, spec.Tools)
	replace(&c.LatencySensitivity, spec.LatencySensitivity)
	replace(&c.CpuAffinity, spec.CpuAffinity)
	replace(&c.MemoryAffinity, spec.MemoryAffinity)
	replace(&c.MemoryHotAddEnabled, spec.MemoryHotAddEnabled)
	replace(&c.CpuHotAddEnabled, spec.CpuHotAddEnabled)
	replace(&c.CpuHotRemoveEnabled, spec.CpuHotRemoveEnabled)
	replace(&c.NestedHVEnabled, spec.NestedHVEnabled)
	replace(&c.ChangeTrackingEnabled, spec.ChangeTrackingEnabled)
	replace(&c.MessageBusTunnelEnabled, spec.MessageBusTunnelEnabled)
	return nil
}

func replace[T any](target **T, change *T) {
	if change != nil {
		*target = change
	}
}

// applyExtraConfig merges extraConfig. A key with an empty value is removed. The size of a value is limited: a value of guest info
// has 64 KiB at most (vm-operator issue 148; open-vm-tools lib/include/guest_msg_def.h). That vCenter refuses more, and with this
// fault, is unconfirmed.
func (d *draft) applyExtraConfig(spec *types.VirtualMachineConfigSpec) types.BaseMethodFault {
	for _, change := range spec.ExtraConfig {
		option := change.GetOptionValue()
		if option.Key == "" {
			return invalidArgument("configSpec.extraConfig.key")
		}
		value := ""
		if option.Value != nil {
			value = fmt.Sprint(option.Value)
		}
		d.config.ExtraConfig = mergeOption(d.config.ExtraConfig, option.Key, value)
		d.written = append(d.written, option.Key)
		if strings.EqualFold(option.Key, "disk.EnableUUID") {
			d.config.Flags.DiskUuidEnabled = types.NewBool(strings.EqualFold(value, "TRUE"))
		}
		if len(value) > d.server.Behavior().ExtraConfigValueBytes {
			return invalidArgument("configSpec.extraConfig")
		}
	}
	if len(spec.ExtraConfig) > 0 && sizeOf(d.config.ExtraConfig) > d.server.Behavior().ExtraConfigBytes {
		return invalidArgument("configSpec.extraConfig")
	}
	return nil
}

// sizeOf returns the size of the options in the VMX file, which has 1 MiB at most by default (tools.setInfo.sizeLimit).
func sizeOf(options []types.BaseOptionValue) int {
	size := 0
	for _, option := range options {
		o := option.GetOptionValue()
		size += len(o.Key) + len(fmt.Sprint(o.Value))
	}
	return size
}

// mergeOption returns a new list, since the old one may be in use by readers.
func mergeOption(options []types.BaseOptionValue, key, value string) []types.BaseOptionValue {
	merged := make([]types.BaseOptionValue, 0, len(options)+1)
	added := value == ""
	for _, option := range options {
		if option.GetOptionValue().Key != key {
			merged = append(merged, option)
		} else if !added {
			merged = append(merged, &types.OptionValue{Key: key, Value: value})
			added = true
		}
	}
	if !added {
		merged = append(merged, &types.OptionValue{Key: key, Value: value})
	}
	return merged
}

func optionValue(options []types.BaseOptionValue, key string) string {
	for _, option := range options {
		if option.GetOptionValue().Key == key {
			return fmt.Sprint(option.GetOptionValue().Value)
		}
	}
	return ""
}
