// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Changes of VMs: configuration, name, and removal with all files.

package vsim

import (
	"errors"
	"io/fs"
	"reflect"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
)

func (s *Server) reconfigVM(ctx *simulator.Context, request *types.ReconfigVM_Task) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.This)
	return s.task(ctx, vm.Self, "ReconfigVM_Task", s.exclusive(vm, func(by cause) (types.AnyType, types.BaseMethodFault) {
		return nil, s.reconfigure(by, vm, &request.Spec)
	}))
}

func (s *Server) reconfigure(by cause, vm *simulator.VirtualMachine, spec *types.VirtualMachineConfigSpec) types.BaseMethodFault {
	if s.isTemplate(vm) && !onlyNames(spec) {
		return notSupported("Only the name and the annotation of a template can be changed.")
	}
	d := s.draftOf(vm)
	oldName := d.name
	if name := escaped(spec.Name); spec.Name != "" && name != d.name {
		release, fault := s.takeName(*vm.Parent, name)
		if fault != nil {
			return fault
		}
		defer release()
		d.name = name
	}
	fault := d.apply(spec)
	if fault == nil {
		fault = s.fit(vm, d)
	}
	if fault != nil {
		d.drop()
		return fault
	}
	s.publishChange(vm, d)
	s.postReconfigured(by, vm, spec, oldName)
	return nil
}

// onlyName returns true for a spec that only renames the VM.
func onlyName(spec *types.VirtualMachineConfigSpec) bool {
	return spec.Name != "" && reflect.DeepEqual(*spec, types.VirtualMachineConfigSpec{Name: spec.Name})
}

func onlyNames(spec *types.VirtualMachineConfigSpec) bool {
	return reflect.DeepEqual(*spec, types.VirtualMachineConfigSpec{Name: spec.Name, Annotation: spec.Annotation,
		ChangeVersion: spec.ChangeVersion})
}

func (s *Server) renameVM(ctx *simulator.Context, request *types.Rename_Task) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.This)
	return s.task(ctx, vm.Self, "Rename_Task", s.exclusive(vm, func(by cause) (types.AnyType, types.BaseMethodFault) {
		if request.NewName == "" {
			return nil, &types.InvalidName{Name: request.NewName, Entity: &vm.Self}
		}
		return nil, s.reconfigure(by, vm, &types.VirtualMachineConfigSpec{Name: request.NewName})
	}))
}

func (s *Server) destroyVM(ctx *simulator.Context, request *types.Destroy_Task) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.This)
	return s.task(ctx, vm.Self, "Destroy_Task", s.exclusive(vm, func(by cause) (types.AnyType, types.BaseMethodFault) {
		return nil, s.destroy(by, vm)
	}))
}

// destroy removes a VM and its own files.
func (s *Server) destroy(by cause, vm *simulator.VirtualMachine) types.BaseMethodFault {
	if state := s.powerState(vm); state != types.VirtualMachinePowerStatePoweredOff {
		return wrongPowerState(state, types.VirtualMachinePowerStatePoweredOff)
	}
	s.erase(by, vm)
	return nil
}

// erase removes a VM that does not run in this vCenter, and its own files.
func (s *Server) erase(by cause, vm *simulator.VirtualMachine) {
	own := s.ownDisks(vm)
	s.unregister(by, vm)
	gone := s.diskUse.release(vm.Self, own)
	s.dropVolumes(gone)
	for _, disk := range gone {
		logFailure(s.stores.RemoveDisk(disk), "a disk of a destroyed VM", disk)
		// The VM of a shared disk may have been destroyed earlier. Its folder is removed with the last disk in it.
		logFailure(s.stores.RemoveFolder(disk.Dir()), "an empty folder", disk.Dir())
	}
	s.removeHome(vm.Config.Files.VmPathName)
	for store := range s.site.datastores {
		s.publishFree(store)
	}
}

// removeHome removes a configuration file, the files beside it, and their folder if it is empty.
func (s *Server) removeHome(configFile string) {
	vmx, err := datastore.ParsePath(configFile)
	if err != nil {
		return
	}
	stem := strings.TrimSuffix(vmx.Base(), ".vmx")
	for _, ending := range []string{".vmx", ".nvram", ".vmsd"} {
		file := vmx.Dir().Join(stem + ending)
		if err := s.stores.Remove(file); !errors.Is(err, fs.ErrNotExist) {
			logFailure(err, "a file of a destroyed VM", file)
		}
	}
	if home := vmx.Dir(); home.Relative != "" {
		logFailure(s.stores.RemoveFolder(home), "the folder of a destroyed VM", home)
	}
}

func (s *Server) refreshStorage(_ *simulator.Context, request *types.RefreshStorageInfo) (soap.HasFault, types.BaseMethodFault) {
	s.refreshFiles(s.vm(request.This))
	return &methods.RefreshStorageInfoBody{Res: &types.RefreshStorageInfoResponse{}}, nil
}
