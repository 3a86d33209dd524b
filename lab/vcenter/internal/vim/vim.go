// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package vim has helpers for data objects of the vSphere API: references, optional flags, and faults with a message.
package vim

import (
	"slices"

	"github.com/vmware/govmomi/vim25/types"
)

// Ref refers to a managed object.
type Ref = types.ManagedObjectReference

// IsTrue reads an optional flag, which is false when it is unset.
func IsTrue(flag *bool) bool { return flag != nil && *flag }

// With returns the list with one more reference, unless the list contains it. The list itself does not change: others may be
// reading it.
func With(list []Ref, one Ref) []Ref {
	if slices.Contains(list, one) {
		return list
	}
	return append(slices.Clone(list), one)
}

// Without returns the list without a reference. The list itself does not change: others may be reading it.
func Without(list []Ref, one Ref) []Ref {
	return slices.DeleteFunc(slices.Clone(list), func(r Ref) bool { return r == one })
}
