// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Guest operations: files, processes and credentials in a guest. The lab does not implement them and refuses them. The
// simulator would report success and do nothing.

package vsim

import (
	"reflect"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// guestManager is a manager whose methods are all refused.
type guestManager struct {
	mo.GuestAuthManager
}

// guestManagers lists the managers that vCenter has.
var guestManagers = []string{"GuestAuthManager", "GuestFileManager", "GuestProcessManager", "GuestAliasManager", "GuestWindowsRegistryManager"}

// guestMethods lists the methods of the managers (API, vim.vm.guest).
var guestMethods = map[string][]string{
	"GuestAuthManager": {"ValidateCredentialsInGuest", "AcquireCredentialsInGuest", "ReleaseCredentialsInGuest"},
	"GuestFileManager": {"MakeDirectoryInGuest", "DeleteFileInGuest", "DeleteDirectoryInGuest", "MoveDirectoryInGuest", "MoveFileInGuest",
		"CreateTemporaryFileInGuest", "CreateTemporaryDirectoryInGuest", "ListFilesInGuest", "ChangeFileAttributesInGuest",
		"InitiateFileTransferFromGuest", "InitiateFileTransferToGuest"},
	"GuestProcessManager": {"StartProgramInGuest", "ListProcessesInGuest", "TerminateProcessInGuest", "ReadEnvironmentVariableInGuest"},
	"GuestAliasManager":   {"AddGuestAlias", "RemoveGuestAlias", "RemoveGuestAliasByCert", "ListGuestAliases", "ListGuestMappedAliases"},
	"GuestWindowsRegistryManager": {"CreateRegistryKeyInGuest", "ListRegistryKeysInGuest", "DeleteRegistryKeyInGuest",
		"SetRegistryValueInGuest", "ListRegistryValuesInGuest", "DeleteRegistryValueInGuest"},
}

// installGuestOperations creates the managers that the simulator lacks, and replaces the methods of all managers.
func (s *Server) installGuestOperations() {
	operations := s.registry.Get(*s.serviceContent().GuestOperationsManager).(*simulator.GuestOperationsManager)
	for _, kind := range guestManagers {
		field := reflect.ValueOf(&operations.GuestOperationsManager).Elem().FieldByName(managerField(kind))
		if field.IsNil() {
			manager := &guestManager{mo.GuestAuthManager{Self: ref{Type: kind, Value: "guestOperations" + strings.TrimPrefix(kind, "Guest")}}}
			s.registry.Put(manager)
			field.Set(reflect.ValueOf(&manager.Self))
		}
		for _, name := range guestMethods[kind] {
			s.methods[kind+"."+name] = s.refuseGuestOperation
		}
	}
}

// managerField returns the property of the GuestOperationsManager. Only that of the registry manager has the full name.
func managerField(kind string) string {
	if kind == "GuestWindowsRegistryManager" {
		return kind
	}
	return strings.TrimPrefix(kind, "Guest")
}

// refuseGuestOperation is the handler of all methods: "InvalidPowerState: if the VM is not powered on";
// "GuestOperationsUnavailable: if the VM agent for guest operations is not running" (API, GuestFileManager and the others
// alike).
func (s *Server) refuseGuestOperation(_ *simulator.Context, body any) (soap.HasFault, types.BaseMethodFault) {
	reference, _ := reflect.Indirect(reflect.ValueOf(body)).FieldByName("Vm").Interface().(ref)
	vm := s.vm(reference)
	if vm == nil {
		return nil, &types.ManagedObjectNotFound{Obj: reference}
	}
	if state := s.powerState(vm); state != types.VirtualMachinePowerStatePoweredOn {
		return nil, wrongPowerState(state, types.VirtualMachinePowerStatePoweredOn)
	}
	fault := &types.GuestOperationsUnavailable{}
	because(&fault.MethodFault, "The guest operations agent could not be contacted: the lab does not implement guest operations.")
	return nil, fault
}
