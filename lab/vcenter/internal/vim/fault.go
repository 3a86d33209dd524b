// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vim

import (
	"fmt"
	"slices"

	"github.com/vmware/govmomi/vim25/types"
)

// Because adds a cause with a message to a fault.
func Because(method *types.MethodFault, text string) {
	method.FaultCause = &types.LocalizedMethodFault{
		Fault: &types.SystemError{Reason: text}, LocalizedMessage: text}
}

// NotSupported returns the fault for a request that the lab refuses because it does not implement it.
func NotSupported(text string) types.BaseMethodFault {
	fault := &types.NotSupported{}
	Because(&fault.MethodFault, text)
	return fault
}

// InvalidArgument returns the fault for a property with a wrong value.
func InvalidArgument(property string) types.BaseMethodFault {
	return &types.InvalidArgument{InvalidProperty: property}
}

// InvalidArgumentf returns the fault for a property with a wrong value, with a message that explains it.
func InvalidArgumentf(property, format string, arguments ...any) types.BaseMethodFault {
	fault := &types.InvalidArgument{InvalidProperty: property}
	Because(&fault.MethodFault, fmt.Sprintf("A specified parameter was not correct: %s: ", property)+fmt.Sprintf(format, arguments...))
	return fault
}

// OneOf refuses a value that is not in an enumeration. An unset value passes: the caller has set a default or allows it.
func OneOf[E ~string, L ~[]E](property string, value E, allowed L) types.BaseMethodFault {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	return InvalidArgumentf(property, "%q is not one of %v.", value, allowed)
}

// NotEnoughMemory returns the fault for a host or a resource pool without enough unreserved memory.
func NotEnoughMemory(unreservedMB, requestedMB int64) types.BaseMethodFault {
	return &types.InsufficientMemoryResourcesFault{Unreserved: max(unreservedMB, 0) << 20, Requested: requestedMB << 20}
}

// NoCompatibleHost returns the fault for a VM that no host can run.
func NoCompatibleHost(text string) types.BaseMethodFault {
	fault := &types.NoCompatibleHost{}
	Because(&fault.MethodFault, text)
	return fault
}
