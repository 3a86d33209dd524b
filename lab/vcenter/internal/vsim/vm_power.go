// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Power operations: VMs are started and stopped by the hypervisor, which determines their power state.

package vsim

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
	"gantry.invalid/lab/vcenter/internal/machine"
)

// run is one run of a VM, from its start to its end in the hypervisor.
type run struct {
	vm     *simulator.VirtualMachine
	shown  chan struct{} // closed when the VM is published as powered on, or the start has failed
	failed bool
	done   chan struct{} // closed when the VM is published as powered off
	quiet  bool          // a reset: the VM remains powered on in the inventory
	// Written under the mutex of runs:
	endedBy     cause // who powered it off; empty: the guest
	hasReported bool  // the guest has reported something
}

type runs struct {
	mu   sync.Mutex
	byID map[string]*run
}

func (r *runs) begin(vm *simulator.VirtualMachine) *run {
	r.mu.Lock()
	defer r.mu.Unlock()
	begun := &run{vm: vm, shown: make(chan struct{}), done: make(chan struct{})}
	r.byID[vm.Self.Value] = begun
	return begun
}

func (r *runs) get(id string) *run {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byID[id]
}

func (r *runs) end(id string, ended *run) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byID[id] == ended {
		delete(r.byID, id)
	}
}

func (s *Server) powerOnVM(ctx *simulator.Context, request *types.PowerOnVM_Task) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.This)
	if s.isTemplate(vm) {
		return nil, notSupported("A template cannot be powered on.")
	}
	return s.task(ctx, vm.Self, "PowerOnVM_Task", s.exclusive(vm, func(by cause) (types.AnyType, types.BaseMethodFault) {
		return nil, s.powerOn(by, vm, s.hostAsked(vm, request.Host))
	}))
}

// powerOn powers on a VM. The caller holds the VM's operation lock.
func (s *Server) powerOn(by cause, vm *simulator.VirtualMachine, only *ref) (fault types.BaseMethodFault) {
	state := s.powerState(vm)
	if state == types.VirtualMachinePowerStatePoweredOn {
		return wrongPowerState(state, types.VirtualMachinePowerStatePoweredOff)
	}
	if s.isTemplate(vm) {
		return notSupported("A template cannot be powered on.")
	}
	defer func() {
		if fault != nil {
			s.post(by, &types.VmFailedToPowerOnEvent{VmEvent: s.vmEvent(vm), Reason: *localized(fault)})
		}
	}()
	if state == types.VirtualMachinePowerStateSuspended {
		return s.resume(by, vm, only)
	}
	host, fault := s.admit(vm, only)
	if fault != nil {
		return fault
	}
	s.setHost(vm, host)
	defer s.placementChanged(s.clusterOf(host))
	s.post(by, &types.VmStartingEvent{VmEvent: s.vmEvent(vm)})
	if fault := s.boot(vm, atPowerOn); fault != nil {
		s.endAdmission(vm.Self)
		return fault
	}
	s.post(by, &types.VmPoweredOnEvent{VmEvent: s.vmEvent(vm)})
	return nil
}

// atPowerOn and atReset return whether a drive's medium is connected. A reset does not change the connections.
func atPowerOn(drive *types.VirtualDeviceConnectInfo) bool { return drive.StartConnected }
func atReset(drive *types.VirtualDeviceConnectInfo) bool   { return drive.Connected }

// boot starts a VM that has been admitted, and publishes it as powered on.
func (s *Server) boot(vm *simulator.VirtualMachine, holds func(*types.VirtualDeviceConnectInfo) bool) types.BaseMethodFault {
	var cards []*types.VirtualEthernetCard
	s.locked(vm, func(*simulator.Context) { cards = cardsOf(vm.Config.Hardware.Device) })
	if fault := permitMACs(cards); fault != nil {
		return fault
	}
	spec, fault := s.machineSpecWith(vm, holds)
	if fault != nil {
		return fault
	}
	begun := s.runs.begin(vm)
	if err := s.hypervisor.Start(spec); err != nil {
		begun.failed = true
		close(begun.shown)
		s.runs.end(vm.Self.Value, begun)
		return vmConfigFault(fmt.Sprintf("The lab's hypervisor did not start virtual machine %s: %v.", spec.Name, err))
	}
	now := s.clock.Now()
	s.locked(vm, func(ctx *simulator.Context) {
		config := *vm.Config
		config.Hardware.Device = connectedIf(config.Hardware.Device, holds)
		vm.Config = &config
		showMost(vm, int64(s.config.Hosts.CPUMHz))
		changes := append(powerChanges(types.VirtualMachinePowerStatePoweredOn), hotAddChanges(hotAddLimit(&config))...)
		ctx.Update(vm, append(changes,
			set("runtime.bootTime", now), set("summary.runtime.bootTime", now),
			set("runtime.cleanPowerOff", false), set("config.hardware.device", config.Hardware.Device)))
	})
	close(begun.shown)
	return nil
}

func powerChanges(state types.VirtualMachinePowerState) []types.PropertyChange {
	return []types.PropertyChange{set("runtime.powerState", state), set("summary.runtime.powerState", state)}
}

// connected returns the devices with the connections of a power state.
func connected(devices []types.BaseVirtualDevice, on bool) []types.BaseVirtualDevice {
	return connectedIf(devices, func(device *types.VirtualDeviceConnectInfo) bool { return on && device.StartConnected })
}

func connectedIf(devices []types.BaseVirtualDevice, holds func(*types.VirtualDeviceConnectInfo) bool) []types.BaseVirtualDevice {
	changed := copied(types.ArrayOfVirtualDevice{VirtualDevice: devices}).VirtualDevice
	for _, device := range changed {
		if connection := device.GetVirtualDevice().Connectable; connection != nil {
			connection.Connected = holds(connection)
		}
	}
	return changed
}

// machineSpec returns the VM's specification for the hypervisor. All its files must exist.
func (s *Server) machineSpec(vm *simulator.VirtualMachine) (machine.Spec, types.BaseMethodFault) {
	return s.machineSpecWith(vm, atPowerOn)
}

func (s *Server) machineSpecWith(vm *simulator.VirtualMachine, holds func(*types.VirtualDeviceConnectInfo) bool) (machine.Spec, types.BaseMethodFault) {
	var config *types.VirtualMachineConfigInfo
	var host ref
	s.locked(vm, func(*simulator.Context) { config, host = vm.Config, *vm.Runtime.Host })
	spec := machine.Spec{ID: vm.Self.Value, UUID: config.Uuid, Name: config.Name, Host: s.nameOf(host), CPUs: int(config.Hardware.NumCPU),
		MemoryMB: int64(config.Hardware.MemoryMB), MaxCPUs: s.hotAddCPUs(config), MaxMemoryMB: hotAddLimit(config),
		Firmware: config.Firmware, GuestInfo: guestInfoOf(config)}
	spec.DiskFirst = spec.Firmware == string(types.GuestOsDescriptorFirmwareTypeBios) && !startsWithCD(config.BootOptions)
	for _, device := range config.Hardware.Device {
		var fault types.BaseMethodFault
		switch d := device.(type) {
		case *types.VirtualDisk:
			fault = s.addDisk(&spec, config, d)
		case types.BaseVirtualEthernetCard:
			spec.NICs = append(spec.NICs, s.nicOf(d.GetVirtualEthernetCard(), host))
		case *types.VirtualCdrom:
			fault = s.addISO(&spec, d, holds)
		}
		if fault != nil {
			return machine.Spec{}, fault
		}
	}
	return spec, nil
}

func (s *Server) nicOf(card *types.VirtualEthernetCard, host ref) machine.NIC {
	return machine.NIC{MAC: card.MacAddress, Network: s.segmentOf(card, host),
		Connected: card.Connectable == nil || card.Connectable.StartConnected}
}

// nicsOf returns the network adapters of a VM on a host for the hypervisor.
func (s *Server) nicsOf(config *types.VirtualMachineConfigInfo, host ref) []machine.NIC {
	var nics []machine.NIC
	for _, card := range cardsOf(config.Hardware.Device) {
		nics = append(nics, s.nicOf(card, host))
	}
	return nics
}

func (s *Server) addDisk(spec *machine.Spec, config *types.VirtualMachineConfigInfo, disk *types.VirtualDisk) types.BaseMethodFault {
	place := diskPath(disk)
	chain, err := s.stores.Chain(place)
	if err != nil {
		return fileFault(place, err)
	}
	for _, controller := range config.Hardware.Device {
		scsi, isSCSI := controller.(types.BaseVirtualSCSIController)
		if isSCSI && controller.GetVirtualDevice().Key == disk.ControllerKey && scsi.GetVirtualSCSIController().BusNumber == 0 {
			backing := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
			hasBootCode, err := chain[len(chain)-1].HasBootCode()
			if err != nil {
				return fileFault(place, err)
			}
			spec.Disks = append(spec.Disks, machine.Disk{Path: chain[0].Data, Format: chain[0].Format,
				Unit: int(*disk.UnitNumber), UUID: backing.Uuid, HasBootCode: hasBootCode})
			return nil
		}
	}
	return vmConfigFault("The lab runs only virtual machines whose disks are on SCSI controller 0.")
}

// startsWithCD returns whether the boot order lists the CD before any disk. Without an order, VMware's BIOS tries disks before
// CDs. ("bootOrder: Listed devices are used for booting. After list is exhausted, default BIOS boot device algorithm is used":
// API, VirtualMachineBootOptions.) UEFI boots no boot sector, so that the order of its devices does not matter here.
func startsWithCD(options *types.VirtualMachineBootOptions) bool {
	if options == nil {
		return false
	}
	for _, device := range options.BootOrder {
		switch device.(type) {
		case *types.VirtualMachineBootOptionsBootableCdromDevice:
			return true
		case *types.VirtualMachineBootOptionsBootableDiskDevice:
			return false
		}
	}
	return false
}

// addISO adds the medium of a drive. A drive that is disconnected or has no ISO is skipped.
func (s *Server) addISO(spec *machine.Spec, drive *types.VirtualCdrom, holds func(*types.VirtualDeviceConnectInfo) bool) types.BaseMethodFault {
	backing, ok := drive.Backing.(*types.VirtualCdromIsoBackingInfo)
	if !ok || drive.Connectable != nil && !holds(drive.Connectable) {
		return nil
	}
	place, err := datastore.ParsePath(backing.FileName)
	if err != nil {
		return &types.InvalidDatastorePath{DatastorePath: backing.FileName}
	}
	_, file, err := s.stores.Locate(place)
	if err == nil {
		var info fs.FileInfo
		if info, err = os.Stat(file); err == nil && !info.Mode().IsRegular() {
			err = errors.New("it is a folder")
		}
	}
	if err != nil {
		return fileFault(place, err)
	}
	if spec.ISO != "" {
		return vmConfigFault("The lab runs only virtual machines with at most one connected ISO image.")
	}
	spec.ISO = file
	return nil
}

func (s *Server) powerOffVM(ctx *simulator.Context, request *types.PowerOffVM_Task) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.This)
	return s.task(ctx, vm.Self, "PowerOffVM_Task", s.exclusive(vm, func(by cause) (types.AnyType, types.BaseMethodFault) {
		if state := s.powerState(vm); state == types.VirtualMachinePowerStatePoweredOff { // a suspended VM loses its state
			return nil, wrongPowerState(state, types.VirtualMachinePowerStatePoweredOn)
		}
		s.post(by, &types.VmStoppingEvent{VmEvent: s.vmEvent(vm)})
		return nil, s.kill(by, vm, s.runs.get(vm.Self.Value))
	}))
}

// kill powers off a VM and returns when the inventory shows it. The VM may have powered off by itself meanwhile.
func (s *Server) kill(by cause, vm *simulator.VirtualMachine, current *run) types.BaseMethodFault {
	if current == nil {
		return nil
	}
	if s.isOffUnheard(vm.Self.Value) {
		<-current.done
		return wrongPowerState(types.VirtualMachinePowerStatePoweredOff, types.VirtualMachinePowerStatePoweredOn)
	}
	s.runs.mu.Lock()
	current.endedBy = by
	s.runs.mu.Unlock()
	if err := s.hypervisor.Kill(vm.Self.Value); err != nil {
		select {
		case <-current.done:
			return nil
		case <-time.After(time.Second):
			return systemError(fmt.Sprintf("Powering off virtual machine %s failed: %v.", vm.Name, err))
		}
	}
	<-current.done
	return nil
}

func (s *Server) resetVM(ctx *simulator.Context, request *types.ResetVM_Task) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.This)
	return s.task(ctx, vm.Self, "ResetVM_Task", s.exclusive(vm, func(by cause) (types.AnyType, types.BaseMethodFault) {
		current := s.runs.get(vm.Self.Value)
		if state := s.powerState(vm); state != types.VirtualMachinePowerStatePoweredOn || current == nil {
			return nil, wrongPowerState(state, types.VirtualMachinePowerStatePoweredOn)
		}
		s.runs.mu.Lock()
		current.quiet = true
		s.runs.mu.Unlock()
		s.post(by, &types.VmResettingEvent{VmEvent: s.vmEvent(vm)})
		if fault := s.kill(by, vm, current); fault != nil {
			return nil, fault
		}
		if fault := s.boot(vm, atReset); fault != nil {
			s.showOff(vm)
			s.post(by, &types.VmPoweredOffEvent{VmEvent: s.vmEvent(vm)})
			return nil, fault
		}
		return nil, nil
	}))
}

func (s *Server) shutdownGuest(ctx *simulator.Context, request *types.ShutdownGuest) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.This)
	if fault := s.requireTools(vm); fault != nil {
		return nil, fault
	}
	s.post(causeOf(ctx), &types.VmGuestShutdownEvent{VmEvent: s.vmEvent(vm)})
	if err := s.hypervisor.PowerButton(vm.Self.Value); err != nil {
		return nil, systemError(fmt.Sprintf("Shutting down the guest of virtual machine %s failed: %v.", vm.Name, err))
	}
	return &methods.ShutdownGuestBody{Res: &types.ShutdownGuestResponse{}}, nil
}
