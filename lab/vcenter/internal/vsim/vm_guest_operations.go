// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Guest operations: files, processes and credentials in a guest. vCenter checks privileges and the power state, and the host
// relays a command to the guest's tools, which decide (contracts.md, section 9). The lab does the same: what a guest does not
// offer, the guest refuses.

package vsim

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/toolbox/vix"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/guest/guestops"
	"gantry.invalid/guest/relay"
)

// guestAnswerTime is how long a guest may take to answer one command. An emulated one on a busy host is slow.
const guestAnswerTime = time.Minute

// guestManager is a manager that the simulator lacks.
type guestManager struct {
	mo.GuestAuthManager
}

// guestManagers lists the managers that vCenter has.
var guestManagers = []string{"GuestAuthManager", "GuestFileManager", "GuestProcessManager", "GuestAliasManager", "GuestWindowsRegistryManager"}

// guestCommands lists the methods of the managers (API, vim.vm.guest), each with the command that is relayed for it
// (open-vm-tools: vixCommands.h).
var guestCommands = map[string]map[string]uint32{
	"GuestAuthManager": {"ValidateCredentialsInGuest": guestops.CommandValidateCredentials, "AcquireCredentialsInGuest": 190,
		"ReleaseCredentialsInGuest": 191},
	"GuestFileManager": {"MakeDirectoryInGuest": vix.CommandCreateDirectoryEx, "DeleteFileInGuest": vix.CommandDeleteGuestFileEx,
		"DeleteDirectoryInGuest": vix.CommandDeleteGuestDirectoryEx, "MoveDirectoryInGuest": vix.CommandMoveGuestDirectory,
		"MoveFileInGuest": vix.CommandMoveGuestFileEx, "CreateTemporaryFileInGuest": vix.CommandCreateTemporaryFileEx,
		"CreateTemporaryDirectoryInGuest": vix.CommandCreateTemporaryDirectory, "ListFilesInGuest": vix.CommandListFiles,
		"ChangeFileAttributesInGuest":   vix.CommandSetGuestFileAttributes,
		"InitiateFileTransferFromGuest": vix.CommandInitiateFileTransferFromGuest,
		"InitiateFileTransferToGuest":   vix.CommandInitiateFileTransferToGuest},
	"GuestProcessManager": {"StartProgramInGuest": vix.CommandStartProgram, "ListProcessesInGuest": vix.CommandListProcessesEx,
		"TerminateProcessInGuest": vix.CommandTerminateProcess, "ReadEnvironmentVariableInGuest": vix.CommandReadEnvVariables},
	"GuestAliasManager": {"AddGuestAlias": 197, "RemoveGuestAlias": 198, "RemoveGuestAliasByCert": 207, "ListGuestAliases": 199,
		"ListGuestMappedAliases": 200},
	"GuestWindowsRegistryManager": {"CreateRegistryKeyInGuest": 201, "ListRegistryKeysInGuest": 202, "DeleteRegistryKeyInGuest": 203,
		"SetRegistryValueInGuest": 204, "ListRegistryValuesInGuest": 205, "DeleteRegistryValueInGuest": 206},
}

// guestOperation makes a call in a guest and returns the answer of the API.
type guestOperation func(ctx context.Context, guest relay.Guest, vm *simulator.VirtualMachine, body any) (soap.HasFault, error)

// installGuestOperations creates the managers that the simulator lacks, and replaces the methods of all managers.
func (s *Server) installGuestOperations() {
	operations := s.registry.Get(*s.serviceContent().GuestOperationsManager).(*simulator.GuestOperationsManager)
	offered := map[string]guestOperation{
		"ValidateCredentialsInGuest":    validateCredentials,
		"StartProgramInGuest":           startProgram,
		"ListProcessesInGuest":          listProcesses,
		"TerminateProcessInGuest":       terminateProcess,
		"InitiateFileTransferFromGuest": s.initiateTransfer,
		"InitiateFileTransferToGuest":   s.initiateUpload,
	}
	for _, kind := range guestManagers {
		field := reflect.ValueOf(&operations.GuestOperationsManager).Elem().FieldByName(managerField(kind))
		if field.IsNil() {
			manager := &guestManager{mo.GuestAuthManager{Self: ref{Type: kind, Value: "guestOperations" + strings.TrimPrefix(kind, "Guest")}}}
			s.registry.Put(manager)
			field.Set(reflect.ValueOf(&manager.Self))
		}
		for name, command := range guestCommands[kind] {
			operation := offered[name]
			if operation == nil {
				operation = refusedCommand(name, command)
			}
			s.methods[kind+"."+name] = s.inGuest(operation)
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

// inGuest returns the handler of a method: "InvalidPowerState: if the VM is not powered on"; "GuestOperationsUnavailable: if the
// VM agent for guest operations is not running" (API, GuestFileManager and the others alike).
func (s *Server) inGuest(operation guestOperation) func(*simulator.Context, any) (soap.HasFault, types.BaseMethodFault) {
	return func(_ *simulator.Context, body any) (soap.HasFault, types.BaseMethodFault) {
		arguments := reflect.Indirect(reflect.ValueOf(body))
		reference, _ := arguments.FieldByName("Vm").Interface().(ref)
		vm := s.vm(reference)
		if vm == nil {
			return nil, &types.ManagedObjectNotFound{Obj: reference}
		}
		if state := s.powerState(vm); state != types.VirtualMachinePowerStatePoweredOn {
			return nil, wrongPowerState(state, types.VirtualMachinePowerStatePoweredOn)
		}
		guest := s.guestOf(vm)
		if field := arguments.FieldByName("Auth"); field.IsValid() {
			credentials, isNamed := field.Interface().(*types.NamePasswordAuthentication)
			if !isNamed {
				return nil, guestFault(&guestops.Refusal{Code: vix.AuthenticationFail,
					Text: "The guest accepts NamePasswordAuthentication only."}, "", 0)
			}
			guest.User, guest.Password = credentials.Username, credentials.Password
		}
		answer, err := operation(context.Background(), guest, vm, body)
		if err != nil {
			path, pid := subjectOf(body)
			return nil, guestFault(err, path, pid)
		}
		return answer, nil
	}
}

// guestOf returns the guest of a VM, without credentials.
func (s *Server) guestOf(vm *simulator.VirtualMachine) relay.Guest {
	return relay.Guest{Send: func(ctx context.Context, command []byte) ([]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, guestAnswerTime)
		defer cancel()
		return s.hypervisor.Relay(ctx, vm.Self.Value, command)
	}}
}

// subjectOf returns the file or the process that a request names.
func subjectOf(body any) (path string, pid int64) {
	switch request := body.(type) {
	case *types.StartProgramInGuest:
		return request.Spec.GetGuestProgramSpec().ProgramPath, 0
	case *types.InitiateFileTransferFromGuest:
		return request.GuestFilePath, 0
	case *types.InitiateFileTransferToGuest:
		return request.GuestFilePath, 0
	case *types.TerminateProcessInGuest:
		return "", request.Pid
	}
	return "", 0
}

// guestFault returns the fault for an error. Whether vCenter passes on the text of the guest is not known; the lab does.
func guestFault(err error, path string, pid int64) types.BaseMethodFault {
	var refusal *guestops.Refusal
	if !errors.As(err, &refusal) {
		fault := &types.GuestOperationsUnavailable{}
		because(&fault.MethodFault, fmt.Sprintf("The guest operations agent could not be contacted: %v.", err))
		return fault
	}
	var fault types.BaseMethodFault
	switch refusal.Code {
	case vix.AuthenticationFail:
		fault = &types.InvalidGuestLogin{}
	case guestops.OperationDisabled:
		fault = &types.OperationDisabledByGuest{}
	case vix.UnrecognizedCommandInGuest:
		fault = &types.OperationNotSupportedByGuest{}
	case vix.FileNotFound:
		fault = &types.FileNotFound{FileFault: types.FileFault{File: path}}
	case vix.FileAccessError:
		fault = &types.CannotAccessFile{FileFault: types.FileFault{File: path}}
	case vix.InvalidArg:
		fault = &types.InvalidArgument{}
	case vix.NoSuchProcess:
		fault = &types.GuestProcessNotFound{Pid: pid}
	default: // the text is that of ESXi (govmomi: toolbox/process/process.go)
		return systemError(fmt.Sprintf("vix error codes = (%d, 0).", refusal.Code))
	}
	because(fault.GetMethodFault(), refusal.Text)
	return fault
}

// refusedCommand is the operation of a method that the guest does not offer. Its arguments are not relayed.
func refusedCommand(name string, command uint32) guestOperation {
	return func(ctx context.Context, guest relay.Guest, _ *simulator.VirtualMachine, _ any) (soap.HasFault, error) {
		if err := guest.Call(ctx, command); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("the guest accepts the command %d, and the lab has no answer of %s", command, name)
	}
}

func validateCredentials(ctx context.Context, guest relay.Guest, _ *simulator.VirtualMachine, _ any) (soap.HasFault, error) {
	err := guest.Validate(ctx)
	return &methods.ValidateCredentialsInGuestBody{Res: &types.ValidateCredentialsInGuestResponse{}}, err
}

func startProgram(ctx context.Context, guest relay.Guest, _ *simulator.VirtualMachine, body any) (soap.HasFault, error) {
	wanted := body.(*types.StartProgramInGuest).Spec.GetGuestProgramSpec()
	pid, err := guest.StartProgram(ctx, wanted.ProgramPath, wanted.Arguments, wanted.WorkingDirectory, wanted.EnvVariables)
	return &methods.StartProgramInGuestBody{Res: &types.StartProgramInGuestResponse{Returnval: pid}}, err
}

func terminateProcess(ctx context.Context, guest relay.Guest, _ *simulator.VirtualMachine, body any) (soap.HasFault, error) {
	err := guest.Terminate(ctx, body.(*types.TerminateProcessInGuest).Pid)
	return &methods.TerminateProcessInGuestBody{Res: &types.TerminateProcessInGuestResponse{}}, err
}

// processList is the answer of ListProcessesInGuest. The library would leave out an exit code of 0.
type processList struct {
	Res    *processListResponse `xml:"urn:vim25 ListProcessesInGuestResponse"`
	Fault_ *soap.Fault          `xml:"http://schemas.xmlsoap.org/soap/envelope/ Fault"`
}

type processListResponse struct {
	Returnval []processInfo `xml:"returnval"`
}

type processInfo struct {
	types.GuestProcessInfo
	EndTime  *time.Time `xml:"endTime"`
	ExitCode *int32     `xml:"exitCode"`
}

// Fault implements soap.HasFault.
func (p *processList) Fault() *soap.Fault { return p.Fault_ }

func listProcesses(ctx context.Context, guest relay.Guest, _ *simulator.VirtualMachine, body any) (soap.HasFault, error) {
	found, err := guest.ListProcesses(ctx, body.(*types.ListProcessesInGuest).Pids)
	list := &processListResponse{}
	for _, process := range found {
		info := processInfo{GuestProcessInfo: types.GuestProcessInfo{Name: process.Name, Pid: process.PID, Owner: process.Owner,
			CmdLine: process.Command, StartTime: time.Unix(process.Started, 0).UTC()}}
		if process.Ended != 0 {
			ended := time.Unix(process.Ended, 0).UTC()
			info.EndTime, info.ExitCode = &ended, &process.ExitCode
		}
		list.Returnval = append(list.Returnval, info)
	}
	return &processList{Res: list}, err
}
