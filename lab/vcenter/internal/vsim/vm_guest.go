// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The hypervisor's events: reports of guests, and VMs that power off.

package vsim

import (
	"fmt"
	"log/slog"
	"net"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// guestInfoOf returns the guestinfo.* keys of a VM, which its guest can read.
func guestInfoOf(config *types.VirtualMachineConfigInfo) map[string]string {
	values := map[string]string{}
	for _, option := range config.ExtraConfig {
		if o := option.GetOptionValue(); isGuestInfo(o.Key) {
			values[o.Key] = fmt.Sprint(o.Value)
		}
	}
	return values
}

// running waits until the inventory shows a VM as powered on. It returns nil if the VM does not run or its start failed.
func (s *Server) running(id string) *run {
	current := s.runs.get(id)
	if current == nil {
		return nil
	}
	<-current.shown
	if current.failed {
		return nil
	}
	return current
}

// setValues sets guestinfo.* keys for a guest. The values of a VM that is off by now are not shown: power off drops them.
func (s *Server) setValues(id string, values [][2]string, isOn bool) {
	current := s.running(id)
	if current == nil {
		return
	}
	vm := current.vm
	var keys []string
	for _, pair := range values {
		if !isGuestInfo(pair[0]) {
			slog.Warn("a guest tried to set a key that is not guestinfo.*", "vm", vm.Name, "key", pair[0])
			return
		}
		if largest := s.Behavior().ExtraConfigValueBytes; len(pair[1]) > largest {
			slog.Warn("a guest tried to set a value that is too large", "vm", vm.Name, "key", pair[0], "bytes", len(pair[1]))
			return
		}
		keys = append(keys, pair[0])
	}
	s.noteReport(current)
	s.locked(vm, func(ctx *simulator.Context) {
		options := vm.Config.ExtraConfig
		for _, pair := range values {
			options = mergeOption(options, pair[0], pair[1])
		}
		s.overlays.cover(vm.Self, vm.Config.ExtraConfig, keys, false)
		changes := append(diffOptions(vm.Config.ExtraConfig, options), set("config.extraConfig", options))
		config := *vm.Config
		config.ExtraConfig = options
		vm.Config = &config
		if isOn {
			ctx.Update(vm, changes)
		}
	})
}

// noteReport records that the guest has booted far enough to report something.
func (s *Server) noteReport(current *run) {
	s.runs.mu.Lock()
	defer s.runs.mu.Unlock()
	current.hasReported = true
}

func (s *Server) showReported(id string, info machine.GuestInfo) {
	current := s.running(id)
	if current == nil {
		return
	}
	s.noteReport(current)
	vm := current.vm
	s.locked(vm, func(ctx *simulator.Context) {
		guest := *vm.Guest
		guest.HostName = info.Hostname
		guest.Net, guest.IpAddress = s.guestNICs(vm.Config, info.NICs)
		guest.ToolsStatus = types.VirtualMachineToolsStatusToolsOk
		guest.ToolsRunningStatus = string(types.VirtualMachineToolsRunningStatusGuestToolsRunning)
		guest.ToolsVersionStatus = string(types.VirtualMachineToolsVersionStatusGuestToolsUnmanaged)
		guest.ToolsVersionStatus2 = guest.ToolsVersionStatus
		guest.ToolsVersion = "2147483647" // the version of guest-managed tools
		guest.GuestState = string(types.VirtualMachineGuestStateRunning)
		// "Ready to process soft power operations"; for "guest operations", what the guest says.
		guest.GuestStateChangeSupported = types.NewBool(true)
		guest.GuestOperationsReady = types.NewBool(info.Operations)
		showGuest(ctx, vm, &guest)
	})
}

// guestNICs combines the guest's report with the VM's network adapters.
func (s *Server) guestNICs(config *types.VirtualMachineConfigInfo, reported []machine.GuestNIC) (nics []types.GuestNicInfo, first string) {
	for _, nic := range reported {
		info := types.GuestNicInfo{MacAddress: nic.MAC, Connected: true, DeviceConfigId: -1, IpConfig: &types.NetIpConfigInfo{}}
		for _, card := range cardsOf(config.Hardware.Device) {
			if strings.EqualFold(card.MacAddress, nic.MAC) {
				_, info.Network = s.networkOf(card)
				info.DeviceConfigId = card.Key
			}
		}
		for _, address := range nic.Addresses {
			ip, subnet, err := net.ParseCIDR(address)
			if err != nil {
				slog.Warn("a guest reported an invalid address", "vm", config.Name, "address", address)
				continue
			}
			length, _ := subnet.Mask.Size()
			info.IpAddress = append(info.IpAddress, ip.String())
			info.IpConfig.IpAddress = append(info.IpConfig.IpAddress, types.NetIpConfigInfoIpAddress{
				IpAddress: ip.String(), PrefixLength: int32(length), State: string(types.NetIpConfigInfoIpAddressStatusPreferred)})
			if first == "" && ip.To4() != nil {
				first = ip.String()
			}
		}
		nics = append(nics, info)
	}
	return nics, first
}

func (s *Server) poweredOff(id, reason string) {
	current := s.running(id)
	if current == nil {
		return
	}
	s.runs.mu.Lock()
	quiet, by, hasReported := current.quiet, current.endedBy, current.hasReported
	s.runs.mu.Unlock()
	s.runs.end(id, current)
	slog.Info("VM is powered off", "vm", current.vm.Name, "reason", reason)
	if strings.HasPrefix(reason, machine.OffCrashed) {
		s.postCrashed(current.vm, reason, hasReported)
	}
	if !quiet {
		s.showOff(current.vm)
		s.post(by, &types.VmPoweredOffEvent{VmEvent: s.vmEvent(current.vm)})
	}
	close(current.done)
}

func (s *Server) showOff(vm *simulator.VirtualMachine) {
	s.endAdmission(vm.Self)
	s.locked(vm, func(ctx *simulator.Context) {
		config := *vm.Config
		config.Hardware.Device = connected(config.Hardware.Device, false)
		changes := append(powerChanges(types.VirtualMachinePowerStatePoweredOff), s.dropVolatile(vm, &config)...)
		vm.Config = &config
		changes = append(changes, hotAddChanges(0)...)
		ctx.Update(vm, append(changes,
			set("runtime.bootTime", nil), set("summary.runtime.bootTime", nil),
			set("runtime.suspendInterval", int64(0)), set("summary.runtime.suspendInterval", int64(0)),
			set("runtime.cleanPowerOff", true), set("config.hardware.device", config.Hardware.Device)))
		showGuest(ctx, vm, guestOff(&config))
		clearUse(vm)
	})
	s.placementChanged(s.clusterOf(s.hostOf(vm)))
	for _, disk := range s.ownDisks(vm) {
		if found, err := s.stores.Disk(disk); err == nil {
			s.stores.Named(disk.Store).Account(found.Data)
			s.publishFree(disk.Store)
		}
	}
	s.refreshFiles(vm)
}

// guestOff returns the guest information of a VM that is powered off.
func guestOff(config *types.VirtualMachineConfigInfo) *types.GuestInfo {
	return &types.GuestInfo{
		ToolsStatus:         types.VirtualMachineToolsStatusToolsNotRunning,
		ToolsRunningStatus:  string(types.VirtualMachineToolsRunningStatusGuestToolsNotRunning),
		ToolsVersionStatus:  string(types.VirtualMachineToolsVersionStatusGuestToolsUnmanaged),
		ToolsVersionStatus2: string(types.VirtualMachineToolsVersionStatusGuestToolsUnmanaged),
		GuestState:          string(types.VirtualMachineGuestStateNotRunning),
		GuestId:             config.GuestId, GuestFullName: config.GuestFullName, GuestFamily: "linuxGuest",
		GuestOperationsReady: types.NewBool(false), GuestStateChangeSupported: types.NewBool(false),
	}
}

func guestSummary(guest *types.GuestInfo) *types.VirtualMachineGuestSummary {
	return &types.VirtualMachineGuestSummary{GuestId: guest.GuestId, GuestFullName: guest.GuestFullName,
		ToolsStatus: guest.ToolsStatus, ToolsVersionStatus: guest.ToolsVersionStatus,
		ToolsVersionStatus2: guest.ToolsVersionStatus2, ToolsRunningStatus: guest.ToolsRunningStatus,
		HostName: guest.HostName, IpAddress: guest.IpAddress}
}

// showGuest publishes the guest information. The caller holds the VM's lock.
func showGuest(ctx *simulator.Context, vm *simulator.VirtualMachine, guest *types.GuestInfo) {
	changes := diffStruct("guest.", *vm.Guest, *guest)
	summary := guestSummary(guest)
	changes = append(changes, diffStruct("summary.guest.", *vm.Summary.Guest, *summary)...)
	vm.Guest, vm.Summary.Guest = guest, summary
	ctx.Update(vm, append(changes, showHeartbeat(vm)...))
}

// showHeartbeat returns the changes of a VM's heartbeat: "gray - VMware Tools are not installed or not running", "green - Guest
// operating system is responding normally" (VirtualMachine.guestHeartbeatStatus). The caller holds its lock.
func showHeartbeat(vm *simulator.VirtualMachine) []types.PropertyChange {
	status := types.ManagedEntityStatusGray
	if vm.Guest.ToolsRunningStatus == string(types.VirtualMachineToolsRunningStatusGuestToolsRunning) {
		status = types.ManagedEntityStatusGreen
	}
	if vm.GuestHeartbeatStatus == status {
		return nil
	}
	return []types.PropertyChange{set("guestHeartbeatStatus", status), set("summary.quickStats.guestHeartbeatStatus", status)}
}
