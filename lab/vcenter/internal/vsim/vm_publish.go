// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Publishing of drafts: a draft becomes a VM in the inventory or changes one, with all dependent properties.

package vsim

import (
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
	"gantry.invalid/lab/vcenter/internal/vim"
)

// publishNew creates the VM of a draft.
func (s *Server) publishNew(d *draft, folder *simulator.Folder, pool *ref) *simulator.VirtualMachine {
	vm := &simulator.VirtualMachine{}
	vm.Name = d.name
	s.registry.NewEntity(vm)
	d.vm = vm.Self
	d.config.Name = d.name
	d.linkControllers()
	shareOut(&d.config)
	vm.Config = &d.config
	vm.ResourceConfig = resourceConfigOf(vm.Self, vm.Config, s.clock.Now())
	vm.ResourcePool, vm.EnvironmentBrowser = pool, *s.clusterOf(d.host.Self).EnvironmentBrowser
	vm.Capability = types.VirtualMachineCapability{SnapshotOperationsSupported: true, PoweredOffSnapshotsSupported: true,
		DiskSharesSupported: true, BootOptionsSupported: true, ToolsAutoUpdateSupported: false}
	vm.Runtime = types.VirtualMachineRuntimeInfo{Host: &d.host.Self,
		ConnectionState: types.VirtualMachineConnectionStateConnected, PowerState: types.VirtualMachinePowerStatePoweredOff,
		// pyVmomi cannot decode these two properties if they are empty.
		FaultToleranceState: types.VirtualMachineFaultToleranceStateNotConfigured,
		RecordReplayState:   types.VirtualMachineRecordReplayStateInactive}
	vm.Guest = guestOff(&d.config)
	vm.Layout = &types.VirtualMachineFileLayout{}
	vm.Summary = types.VirtualMachineSummary{Vm: &vm.Self, Runtime: vm.Runtime, Guest: guestSummary(vm.Guest),
		OverallStatus: types.ManagedEntityStatusGreen}
	vm.GuestHeartbeatStatus = types.ManagedEntityStatusGray
	vm.Summary.QuickStats.GuestHeartbeatStatus = types.ManagedEntityStatusGray
	vm.Summary.Config = summaryOf(&d.config)
	vm.Datastore, vm.Network = s.datastoresOf(&d.config), s.networksOf(&d.config)
	vm.LayoutEx, vm.Storage, vm.Summary.Storage = s.filesOf(&d.config)
	s.noteDisks(vm)
	s.addChild(folder, vm)
	s.changePlaces(vm, nil)
	s.removeObsolete(d)
	return vm
}

// publishChange applies a draft to its VM.
func (s *Server) publishChange(vm *simulator.VirtualMachine, d *draft) {
	d.config.Name = d.name
	before := s.placesOf(vm)
	s.locked(vm, func(ctx *simulator.Context) {
		old := vm.Config
		// The guest keeps running during the change: it may set options or power off.
		d.config.ExtraConfig = rebase(d.options, d.config.ExtraConfig, old.ExtraConfig)
		if vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOff {
			s.overlays.cover(vm.Self, old.ExtraConfig, d.written, true)
		} else {
			d.config.Hardware.Device = connected(d.config.Hardware.Device, false)
		}
		changes := diffConfig(old, &d.config)
		vm.Config = &d.config
		changes = append(changes, diffStruct("summary.config.", vm.Summary.Config, summaryOf(&d.config))...)
		if d.name != vm.Name {
			changes = append(changes, set("name", d.name))
		}
		changes = append(changes, set("resourceConfig", *resourceConfigOf(vm.Self, &d.config, s.clock.Now())))
		changes = append(changes, set("datastore", s.datastoresOf(&d.config)), set("network", s.networksOf(&d.config)))
		ctx.Update(vm, changes)
	})
	if d.poweredOn {
		s.tellGuest(vm, d.written)
	}
	s.refreshFiles(vm)
	s.noteDisks(vm)
	s.changePlaces(vm, before)
	s.removeObsolete(d)
}

// removeObsolete removes the disks that the draft has replaced or removed.
func (s *Server) removeObsolete(d *draft) {
	for _, disk := range d.obsolete {
		if !s.diskUse.shared(disk, ref{}) {
			logFailure(s.stores.RemoveDisk(disk), "a removed disk's files", disk)
		}
	}
	for store := range s.site.datastores {
		s.publishFree(store)
	}
}

func (s *Server) refreshFiles(vm *simulator.VirtualMachine) {
	s.locked(vm, func(ctx *simulator.Context) {
		layout, storage, summary := s.filesOf(vm.Config)
		ctx.Update(vm, []types.PropertyChange{set("layoutEx", layout), set("storage", storage), set("summary.storage", summary)})
	})
}

// diffConfig returns a change for each property and each key of extraConfig that differs.
func diffConfig(old, changed *types.VirtualMachineConfigInfo) []types.PropertyChange {
	before, after := *old, *changed
	before.Hardware, after.Hardware = types.VirtualHardware{}, types.VirtualHardware{}
	changes := diffStruct("config.", before, after)
	changes = append(changes, diffStruct("config.hardware.", old.Hardware, changed.Hardware)...)
	return append(changes, diffOptions(old.ExtraConfig, changed.ExtraConfig)...)
}

func diffStruct(prefix string, old, changed any) []types.PropertyChange {
	before, after := reflect.ValueOf(old), reflect.ValueOf(changed)
	var changes []types.PropertyChange
	for i := range after.NumField() {
		field := after.Type().Field(i)
		if field.Anonymous || reflect.DeepEqual(before.Field(i).Interface(), after.Field(i).Interface()) {
			continue
		}
		change := set(prefix+strings.ToLower(field.Name[:1])+field.Name[1:], nil)
		value := after.Field(i)
		switch {
		case value.Kind() == reflect.Pointer && !value.IsNil():
			change.Val = value.Elem().Interface()
		case value.Kind() != reflect.Pointer && !(value.Kind() == reflect.Interface && value.IsNil()):
			change.Val = value.Interface()
		}
		changes = append(changes, change)
	}
	return changes
}

func diffOptions(old, changed []types.BaseOptionValue) []types.PropertyChange {
	values := map[string]any{}
	for _, option := range old {
		values[option.GetOptionValue().Key] = option.GetOptionValue().Value
	}
	var changes []types.PropertyChange
	for _, option := range changed {
		o := option.GetOptionValue()
		was, existed := values[o.Key]
		delete(values, o.Key)
		if existed && reflect.DeepEqual(was, o.Value) {
			continue
		}
		operation := types.PropertyChangeOpAdd
		if existed {
			operation = types.PropertyChangeOpAssign
		}
		changes = append(changes, types.PropertyChange{Name: optionPath(o.Key), Op: operation, Val: o})
	}
	for key := range values {
		changes = append(changes, types.PropertyChange{Name: optionPath(key), Op: types.PropertyChangeOpRemove})
	}
	return changes
}

// rebase applies the differences between two lists to a third list.
func rebase(from, to, onto []types.BaseOptionValue) []types.BaseOptionValue {
	for _, option := range from {
		if key := option.GetOptionValue().Key; optionValue(to, key) == "" {
			onto = mergeOption(onto, key, "")
		}
	}
	for _, option := range to {
		key := option.GetOptionValue().Key
		if value := optionValue(to, key); value != optionValue(from, key) {
			onto = mergeOption(onto, key, value)
		}
	}
	return onto
}

func optionPath(key string) string {
	return (&mo.Field{Path: "config.extraConfig", Key: key}).String()
}

func summaryOf(config *types.VirtualMachineConfigInfo) types.VirtualMachineConfigSummary {
	return types.VirtualMachineConfigSummary{
		Name: config.Name, Template: config.Template, VmPathName: config.Files.VmPathName,
		MemorySizeMB: config.Hardware.MemoryMB, NumCpu: config.Hardware.NumCPU,
		MemoryReservation: int32(*config.MemoryAllocation.Reservation), CpuReservation: int32(*config.CpuAllocation.Reservation),
		NumEthernetCards: int32(len(cardsOf(config.Hardware.Device))), NumVirtualDisks: int32(len(disksOf(config.Hardware.Device))),
		Uuid: config.Uuid, InstanceUuid: config.InstanceUuid, GuestId: config.GuestId, GuestFullName: config.GuestFullName,
		Annotation: config.Annotation, ManagedBy: config.ManagedBy, HwVersion: config.Version,
		InstallBootRequired: types.NewBool(false),
	}
}

func (s *Server) datastoresOf(config *types.VirtualMachineConfigInfo) []ref {
	var references []ref
	use := func(text string) {
		if place, err := datastore.ParsePath(text); err == nil && s.site.datastores[place.Store] != nil {
			references = vim.With(references, s.site.datastores[place.Store].Self)
		}
	}
	use(config.Files.VmPathName)
	for _, device := range config.Hardware.Device {
		if backing, ok := device.GetVirtualDevice().Backing.(types.BaseVirtualDeviceFileBackingInfo); ok {
			use(backing.GetVirtualDeviceFileBackingInfo().FileName)
		}
	}
	return references
}

func (s *Server) networksOf(config *types.VirtualMachineConfigInfo) []ref {
	var references []ref
	for _, card := range cardsOf(config.Hardware.Device) {
		reference, _ := s.networkOf(card)
		references = vim.With(references, reference)
	}
	return references
}

// filesOf returns a VM's files with their sizes.
func (s *Server) filesOf(config *types.VirtualMachineConfigInfo) (*types.VirtualMachineFileLayoutEx,
	*types.VirtualMachineStorageInfo, *types.VirtualMachineStorageSummary) {
	now := s.clock.Now()
	layout := &types.VirtualMachineFileLayoutEx{Timestamp: now}
	summary := &types.VirtualMachineStorageSummary{Timestamp: now}
	add := func(place datastore.Path, kind types.VirtualMachineFileLayoutExFileType) int32 {
		key := int32(len(layout.File))
		size := s.sizeOf(place)
		layout.File = append(layout.File, types.VirtualMachineFileLayoutExFileInfo{Key: key, Name: place.String(),
			Type: string(kind), Size: size, UniqueSize: size, Accessible: types.NewBool(true)})
		summary.Committed += size
		return key
	}
	if vmx, err := datastore.ParsePath(config.Files.VmPathName); err == nil {
		stem := strings.TrimSuffix(vmx.Base(), ".vmx")
		add(vmx, types.VirtualMachineFileLayoutExFileTypeConfig)
		add(vmx.Dir().Join(stem+".nvram"), types.VirtualMachineFileLayoutExFileTypeNvram)
		add(vmx.Dir().Join(stem+".vmsd"), types.VirtualMachineFileLayoutExFileTypeSnapshotList)
	}
	for _, disk := range disksOf(config.Hardware.Device) {
		entry := types.VirtualMachineFileLayoutExDiskLayout{Key: disk.Key}
		chain, err := s.stores.Chain(diskPath(disk))
		if err != nil {
			continue // a missing disk is reported at power-on
		}
		for number, part := range chain {
			data := part.Path.Dir().Join(baseName(part.Data))
			keys := []int32{add(part.Path, types.VirtualMachineFileLayoutExFileTypeDiskDescriptor),
				add(data, types.VirtualMachineFileLayoutExFileTypeDiskExtent)}
			entry.Chain = append(entry.Chain, types.VirtualMachineFileLayoutExDiskUnit{FileKey: keys})
			if number == 0 {
				summary.Unshared += s.sizeOf(data)
				summary.Uncommitted += max(0, part.Capacity-s.sizeOf(data))
			}
		}
		layout.Disk = append(layout.Disk, entry)
	}
	storage := &types.VirtualMachineStorageInfo{Timestamp: now}
	for _, reference := range s.datastoresOf(config)[:min(1, len(s.datastoresOf(config)))] {
		storage.PerDatastoreUsage = []types.VirtualMachineUsageOnDatastore{{Datastore: reference,
			Committed: summary.Committed, Uncommitted: summary.Uncommitted, Unshared: summary.Unshared}}
	}
	return layout, storage, summary
}

func (s *Server) sizeOf(place datastore.Path) int64 {
	_, file, err := s.stores.Locate(place)
	if err != nil {
		return 0
	}
	info, err := os.Stat(file)
	if err != nil {
		return 0
	}
	return datastore.Allocated(info)
}

func baseName(path string) string {
	return path[strings.LastIndexByte(path, '/')+1:]
}

// placesOf returns the objects that list a VM: its host, pool, datastores and networks.
func (s *Server) placesOf(vm *simulator.VirtualMachine) (places []ref) {
	s.locked(vm, func(*simulator.Context) {
		places = slices.Concat([]ref{*vm.Runtime.Host}, vm.Datastore, vm.Network)
		if vm.ResourcePool != nil {
			places = append(places, *vm.ResourcePool)
		}
	})
	return places
}

// changePlaces lists a VM that was listed by others before where it is now.
func (s *Server) changePlaces(vm *simulator.VirtualMachine, before []ref) {
	now := s.placesOf(vm)
	for _, place := range before {
		if !slices.Contains(now, place) {
			s.changeMembers(place, func(list []ref) []ref { return vim.Without(list, vm.Self) })
		}
	}
	for _, place := range now {
		if !slices.Contains(before, place) {
			// Who reads the list meanwhile does not see what is behind its end.
			s.changeMembers(place, func(list []ref) []ref { return append(list, vm.Self) })
		}
	}
}

// unlist removes a VM from all lists.
func (s *Server) unlist(vm *simulator.VirtualMachine) {
	for _, place := range s.placesOf(vm) {
		s.changeMembers(place, func(list []ref) []ref { return vim.Without(list, vm.Self) })
	}
}

func (s *Server) changeMembers(place ref, change func([]ref) []ref) {
	object := s.registry.Get(place)
	if object == nil {
		return
	}
	var list *[]ref
	switch o := object.(type) {
	case *simulator.HostSystem:
		list = &o.Vm
	case *simulator.Datastore:
		list = &o.Vm
	case *simulator.ResourcePool:
		list = &o.Vm
	case *mo.Network:
		list = &o.Vm
	case *mo.OpaqueNetwork:
		list = &o.Vm
	case *simulator.DistributedVirtualPortgroup:
		list = &o.Vm
	default:
		return
	}
	s.locked(object, func(ctx *simulator.Context) { ctx.Update(object, []types.PropertyChange{set("vm", change(*list))}) })
}

// setPool and setHost move a VM in the inventory.
func (s *Server) setPool(vm *simulator.VirtualMachine, pool *ref) {
	before := s.placesOf(vm)
	s.locked(vm, func(ctx *simulator.Context) {
		change := set("resourcePool", nil)
		if pool != nil {
			change.Val = *pool
		}
		ctx.Update(vm, []types.PropertyChange{change})
	})
	s.changePlaces(vm, before)
}

func (s *Server) setHost(vm *simulator.VirtualMachine, host ref) {
	from := s.hostOf(vm)
	if from == host {
		return
	}
	before := s.placesOf(vm)
	s.update(vm, set("runtime.host", host), set("summary.runtime.host", host))
	s.changePlaces(vm, before)
	s.hostChanged(vm, from, host)
}

func (s *Server) hostOf(vm *simulator.VirtualMachine) (host ref) {
	s.locked(vm, func(*simulator.Context) { host = *vm.Runtime.Host })
	return host
}

func (s *Server) powerState(vm *simulator.VirtualMachine) (state types.VirtualMachinePowerState) {
	s.locked(vm, func(*simulator.Context) { state = vm.Runtime.PowerState })
	return state
}

func (s *Server) isTemplate(vm *simulator.VirtualMachine) (template bool) {
	s.locked(vm, func(*simulator.Context) { template = vm.Config.Template })
	return template
}
