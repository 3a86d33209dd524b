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

var _ machine.Events = (*Server)(nil)

func isGuestInfo(key string) bool {
	return strings.HasPrefix(key, "guestinfo.")
}

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

// Set implements the guest's info-set. A guest can set only guestinfo.* keys.
func (s *Server) Set(id, key, value string) {
	current := s.running(id)
	if current == nil {
		return
	}
	if !isGuestInfo(key) {
		slog.Warn("a guest tried to set a key that is not guestinfo.*", "vm", current.vm.Name, "key", key)
		return
	}
	s.noteReport(current)
	vm := current.vm
	s.locked(vm, func(ctx *simulator.Context) {
		options := mergeOption(vm.Config.ExtraConfig, key, value)
		changes := append(diffOptions(vm.Config.ExtraConfig, options), set("config.extraConfig", options))
		config := *vm.Config
		config.ExtraConfig = options
		vm.Config = &config
		ctx.Update(vm, changes)
	})
}

// noteReport records that the guest has booted far enough to report something.
func (s *Server) noteReport(current *run) {
	s.runs.mu.Lock()
	defer s.runs.mu.Unlock()
	current.hasReported = true
}

// Guest publishes a report of the guest tools, which also means that they run.
func (s *Server) Guest(id string, info machine.GuestInfo) {
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
		showGuest(ctx, vm, &guest)
	})
	s.showHeartbeat(vm, types.ManagedEntityStatusGreen)
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

// Off is called once for each successful start.
func (s *Server) Off(id, reason string) {
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
		vm.Config = &config
		ctx.Update(vm, append(powerChanges(types.VirtualMachinePowerStatePoweredOff),
			set("runtime.bootTime", nil), set("summary.runtime.bootTime", nil),
			set("runtime.cleanPowerOff", true), set("config.hardware.device", config.Hardware.Device)))
		showGuest(ctx, vm, guestOff(&config))
		clearUse(vm)
	})
	s.showHeartbeat(vm, types.ManagedEntityStatusGray)
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
	ctx.Update(vm, changes)
}
