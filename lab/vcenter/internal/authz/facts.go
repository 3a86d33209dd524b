// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What the needs of calls depend on.

package authz

import (
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// Facts is the inventory as the needs of calls see it.
type Facts interface {
	Tree
	// Parent returns the folder, pool or cluster that contains an entity; nil for the root folder.
	Parent(entity vim.Ref) *vim.Ref
	// VM returns what is known of a virtual machine; nil if there is none.
	VM(vm vim.Ref) *VM
	// PoolMembers returns the pools and the VMs that are in a resource pool.
	PoolMembers(pool vim.Ref) (pools, vms []vim.Ref)
	// Datastore returns the datastore that a path ("[name] folder/file") names; nil if there is none.
	Datastore(path string) *vim.Ref
	// Network returns the network of a backing of a network adapter; nil if there is none.
	Network(backing types.BaseVirtualDeviceBackingInfo) *vim.Ref
	// PrivilegesOf returns the privileges of a role.
	PrivilegesOf(role int32) []string
	// Permissions returns the permissions that are defined on an entity.
	Permissions(entity vim.Ref) []types.Permission
	// Requester returns the user who has started a task.
	Requester(task vim.Ref) string
	// User is who calls.
	User() string
}

// VM is a virtual machine or a template.
type VM struct {
	Template   bool
	IsOn       bool
	Pool       *vim.Ref
	Datastores []vim.Ref
	Devices    []types.BaseVirtualDevice
	HomePath   string // of its configuration file
}

// device returns the device with a key, nil if there is none.
func (v *VM) device(key int32) types.BaseVirtualDevice {
	if v == nil {
		return nil
	}
	for _, device := range v.Devices {
		if device.GetVirtualDevice().Key == key {
			return device
		}
	}
	return nil
}
