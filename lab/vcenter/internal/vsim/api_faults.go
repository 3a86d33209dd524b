// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The messages and constructors of faults.

package vsim

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
	"gantry.invalid/lab/vcenter/internal/vim"
)

type faultBody struct {
	Reason *soap.Fault `xml:"http://schemas.xmlsoap.org/soap/envelope/ Fault,omitempty"`
}

func (b *faultBody) Fault() *soap.Fault { return b.Reason }

func failed(fault types.BaseMethodFault) soap.HasFault {
	return &faultBody{simulator.Fault(faultText(fault), fault)}
}

// explain adds the text of a fault to an answer of the simulator, whose faults have none.
func explain(body soap.HasFault) soap.HasFault {
	if found := body.Fault(); found != nil && unexplained(found.String) {
		if fault, ok := found.VimFault().(types.BaseMethodFault); ok {
			found.String = faultText(fault)
		}
	}
	return body
}

// explained returns the fault of a task with its text, which the simulator's do not have.
func explained(fault types.LocalizedMethodFault) types.LocalizedMethodFault {
	if fault.Fault != nil && unexplained(fault.LocalizedMessage) {
		fault.LocalizedMessage = faultText(fault.Fault)
	}
	return fault
}

// unexplained returns true for the texts of the simulator's faults: nothing, or the fault's type in Go.
func unexplained(text string) bool {
	return text == "" || strings.HasPrefix(text, "*types.")
}

func localized(fault types.BaseMethodFault) *types.LocalizedMethodFault {
	return &types.LocalizedMethodFault{Fault: fault, LocalizedMessage: faultText(fault)}
}

// faultText returns the message of a fault.
func faultText(fault types.BaseMethodFault) string {
	if cause := fault.GetMethodFault().FaultCause; cause != nil && cause.LocalizedMessage != "" {
		return cause.LocalizedMessage
	}
	switch f := fault.(type) {
	case *types.DuplicateName:
		return fmt.Sprintf("The name '%s' already exists.", f.Name)
	case *types.InvalidName:
		return fmt.Sprintf("The name '%s' is invalid.", f.Name)
	case *types.ManagedObjectNotFound:
		return fmt.Sprintf("The object '%s:%s' has already been deleted or has not been completely created.", f.Obj.Type, f.Obj.Value)
	case *types.MethodNotFound:
		return fmt.Sprintf("%s has no method %s in the lab.", f.Receiver.Type, f.Method)
	case *types.InvalidArgument:
		return "A specified parameter was not correct: " + f.InvalidProperty + "."
	case *types.NotFound:
		return "The object or item referred to could not be found."
	case *types.UserNotFound:
		return fmt.Sprintf("The user or group named '%s' does not exist.", f.Principal)
	case *types.AlreadyExists:
		return fmt.Sprintf("The specified key, name, or identifier '%s' already exists.", f.Name)
	case *types.ResourceInUse:
		return fmt.Sprintf("The resource '%s' is in use.", f.Name)
	case *types.NotSupported:
		return "The operation is not supported on the object."
	case *types.InvalidState:
		return "The operation is not allowed in the current state."
	case *types.InvalidPowerState:
		return fmt.Sprintf("The attempted operation cannot be performed in the current state (%s).", f.ExistingState)
	case *types.TaskInProgress:
		return fmt.Sprintf("The operation is not allowed because another task is already in progress (%s).", f.Task.Value)
	case *types.FileNotFound:
		return fmt.Sprintf("File %s was not found.", f.File)
	case *types.FileAlreadyExists:
		return fmt.Sprintf("Cannot complete the operation because the file or folder %s already exists.", f.File)
	case *types.NoDiskSpace:
		return fmt.Sprintf("Insufficient disk space on datastore '%s'.", f.Datastore)
	case *types.InvalidDatastorePath:
		return fmt.Sprintf("Invalid datastore path '%s'.", f.DatastorePath)
	case *types.InvalidDatastore:
		return fmt.Sprintf("Invalid datastore '%s'.", f.Name)
	case *types.ConcurrentAccess:
		return "The object has been changed by another client since it was read (changeVersion)."
	case *types.InvalidDeviceSpec:
		return fmt.Sprintf("Invalid configuration for device '%d': %s.", f.DeviceIndex, f.Property)
	case *types.InvalidVmConfig:
		return "The virtual machine's configuration is invalid: " + f.Property + "."
	case *types.InsufficientMemoryResourcesFault:
		return fmt.Sprintf("Insufficient memory resources: %d bytes are requested, %d are unreserved.", f.Requested, f.Unreserved)
	case *types.NumVirtualCpusExceedsLimit:
		return fmt.Sprintf("The number of virtual CPUs exceeds the host's limit of %d.", f.MaxSupportedVcpus)
	case *types.ToolsUnavailable:
		return "Cannot complete operation because VMware Tools is not running in this virtual machine."
	case *types.NotAuthenticated:
		return "The session is not authenticated."
	case *types.NoPermission:
		return "Permission to perform this operation was denied."
	case *types.AuthMinimumAdminPermission:
		return "The change would leave the system without an administrator on the root folder."
	case *types.InvalidLogin:
		return "Cannot complete login due to an incorrect user name or password."
	case *types.MemoryHotPlugNotSupported:
		return "The memory of a virtual machine that is powered on cannot be changed: memoryHotAddEnabled is false."
	case *types.CpuHotPlugNotSupported:
		return "The CPUs of a virtual machine that is powered on cannot be changed: cpuHotAddEnabled is false."
	}
	return reflect.TypeOf(fault).Elem().Name()
}

// The faults that the rules of DRS return too.
var (
	because         = vim.Because
	notSupported    = vim.NotSupported
	invalidArgument = vim.InvalidArgument
)

func systemError(text string) types.BaseMethodFault {
	fault := &types.SystemError{Reason: text}
	because(&fault.MethodFault, text)
	return fault
}

func invalidState(text string) types.BaseMethodFault {
	fault := &types.InvalidState{}
	because(&fault.MethodFault, text)
	return fault
}

func invalidConfig(property string) types.BaseMethodFault {
	return &types.InvalidVmConfig{Property: property}
}

func vmConfigFault(text string) types.BaseMethodFault {
	fault := &types.GenericVmConfigFault{Reason: text}
	because(&fault.MethodFault, text)
	return fault
}

func wrongPowerState(is, wanted types.VirtualMachinePowerState) types.BaseMethodFault {
	return &types.InvalidPowerState{ExistingState: is, RequestedState: wanted}
}

// fileFault returns the fault for an error with a file of a datastore.
func fileFault(place datastore.Path, err error) types.BaseMethodFault {
	file := types.FileFault{File: place.String()}
	switch {
	case errors.Is(err, datastore.ErrNoSpace):
		fault := &types.NoDiskSpace{FileFault: file, Datastore: place.Store}
		because(&fault.MethodFault, fmt.Sprintf("Insufficient disk space on datastore '%s': %v.", place.Store, err))
		return fault
	case errors.Is(err, fs.ErrNotExist):
		return &types.FileNotFound{FileFault: file}
	case errors.Is(err, fs.ErrExist):
		return &types.FileAlreadyExists{FileFault: file}
	case errors.Is(err, datastore.ErrPath):
		return &types.InvalidDatastorePath{InvalidDatastore: types.InvalidDatastore{Name: place.Store}, DatastorePath: place.String()}
	}
	fault := &types.CannotAccessFile{FileFault: file}
	because(&fault.MethodFault, fmt.Sprintf("Cannot access file %s: %v.", place, err))
	return fault
}
