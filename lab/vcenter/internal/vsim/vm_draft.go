// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// A draft of a VM: its new configuration and the files created for it. It is published as a whole, or its files are removed.

package vsim

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/simulator/esx"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
)

type draft struct {
	server    *Server
	vm        ref // zero for a new VM
	name      string
	home      datastore.Path // the VM's folder
	host      *simulator.HostSystem
	config    types.VirtualMachineConfigInfo
	options   []types.BaseOptionValue // the previous extraConfig; the guest may change it meanwhile
	written   []string                // the keys of extraConfig in the spec
	was       types.VirtualHardware   // the previous hardware
	poweredOn bool
	frozen    bool // the VM has snapshots: its disks cannot be resized

	undo     []func() error   // called in reverse order when the draft is dropped
	obsolete []datastore.Path // disks to remove when the draft is published
}

// newConfig returns the defaults of a VM that is created now.
func newConfig(now time.Time) types.VirtualMachineConfigInfo {
	allocation := types.DefaultResourceConfigSpec()
	return types.VirtualMachineConfigInfo{
		GuestId: string(types.VirtualMachineGuestOsIdentifierOtherGuest),
		Version: "vmx-21", Firmware: string(types.GuestOsDescriptorFirmwareTypeBios),
		CreateDate: &now, Uuid: uuid.NewString(), InstanceUuid: uuid.NewString(),
		CpuAllocation: &allocation.CpuAllocation, MemoryAllocation: &allocation.MemoryAllocation,
		LatencySensitivity:  &types.LatencySensitivity{Level: types.LatencySensitivitySensitivityLevelNormal},
		BootOptions:         &types.VirtualMachineBootOptions{},
		Tools:               &types.ToolsConfigInfo{LastInstallInfo: &types.ToolsConfigInfoToolsLastInstallInfo{}},
		MemoryHotAddEnabled: types.NewBool(false), CpuHotAddEnabled: types.NewBool(false), CpuHotRemoveEnabled: types.NewBool(false),
		SwapPlacement: string(types.VirtualMachineConfigInfoSwapPlacementTypeInherit),
		Hardware: types.VirtualHardware{NumCPU: 1, NumCoresPerSocket: types.NewInt32(1), MemoryMB: 32,
			Device: copied(types.ArrayOfVirtualDevice{VirtualDevice: esx.VirtualDevice}).VirtualDevice},
	}
}

// makeHome creates the VM's folder, with a number appended if the name is taken.
func (d *draft) makeHome() types.BaseMethodFault {
	stores := d.server.stores
	home, err := stores.MakeUniqueFolder(d.home)
	if err != nil {
		return fileFault(d.home, err)
	}
	d.home = home
	d.undo = append(d.undo, func() error { return stores.RemoveFolder(home) })
	return d.makeConfigFiles(home.Join(d.name + ".vmx"))
}

// makeConfigFiles creates the files of a VM other than disks.
func (d *draft) makeConfigFiles(vmx datastore.Path) types.BaseMethodFault {
	stores := d.server.stores
	stem := strings.TrimSuffix(vmx.Base(), ".vmx")
	for _, file := range []struct {
		place   datastore.Path
		content string
	}{
		{vmx, fmt.Sprintf(".encoding = \"UTF-8\"\ndisplayName = %q\nuuid.bios = %q\n", d.name, d.config.Uuid)},
		{d.home.Join(stem + ".nvram"), ""},
		{d.home.Join(stem + ".vmsd"), ""},
	} {
		if err := stores.WriteFile(file.place, []byte(file.content)); err != nil {
			return fileFault(file.place, err)
		}
		d.undo = append(d.undo, func() error { return stores.Remove(file.place) })
	}
	folder := d.home.String() + "/"
	d.config.Files = types.VirtualMachineFileInfo{VmPathName: vmx.String(), SnapshotDirectory: folder,
		SuspendDirectory: folder, LogDirectory: folder}
	return nil
}

// drop reverts the changes made for a draft that is not published.
func (d *draft) drop() {
	for n := len(d.undo) - 1; n >= 0; n-- {
		logFailure(d.undo[n](), "a file of a VM that was not created", d.home)
	}
	for store := range d.server.site.datastores {
		d.server.publishFree(store)
	}
}

// logFailure logs an error of clean-up that cannot be returned to a client.
func logFailure(err error, what string, where datastore.Path) {
	if err != nil {
		slog.Error("not removed: "+what, "path", where.String(), "error", err)
	}
}

// draftOf returns a draft of a change of a VM.
func (s *Server) draftOf(vm *simulator.VirtualMachine) *draft {
	d := &draft{server: s, vm: vm.Self}
	s.locked(vm, func(*simulator.Context) {
		d.name, d.config, d.options = vm.Name, copied(*vm.Config), vm.Config.ExtraConfig
		d.was = vm.Config.Hardware
		d.poweredOn = vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOff
		d.frozen = vm.Snapshot != nil
		d.host, _ = s.registry.Get(*vm.Runtime.Host).(*simulator.HostSystem)
	})
	d.home = homeOf(&d.config)
	return d
}

// homeOf returns the folder of the configuration file.
func homeOf(config *types.VirtualMachineConfigInfo) datastore.Path {
	place, err := datastore.ParsePath(config.Files.VmPathName)
	if err != nil {
		return datastore.Path{}
	}
	return place.Dir()
}
