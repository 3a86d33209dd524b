// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What calls that change folders, pools, files, recommendations and permissions require. Source: vSphere Web Services API, the
// description of each method.

package authz

import (
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

var destroyPrivileges = map[string]string{
	"VirtualMachine":                 "VirtualMachine.Inventory.Delete",
	"Datacenter":                     "Datacenter.Delete",
	"Folder":                         "Folder.Delete",
	"StoragePod":                     "Folder.Delete",
	"HostSystem":                     "Host.Inventory.RemoveHostFromCluster",
	"ResourcePool":                   "Resource.DeletePool",
	"VirtualApp":                     "VApp.Delete",
	"ClusterComputeResource":         "Host.Inventory.DeleteCluster",
	"DistributedVirtualSwitch":       "DVSwitch.Delete",
	"VmwareDistributedVirtualSwitch": "DVSwitch.Delete",
	"DistributedVirtualPortgroup":    "DVPortgroup.Delete",
	"Datastore":                      SystemRead,
	"Network":                        SystemRead,
}

var renamePrivileges = map[string]string{
	"VirtualMachine":                 "VirtualMachine.Config.Rename",
	"Datacenter":                     "Datacenter.Rename",
	"Folder":                         "Folder.Rename",
	"StoragePod":                     "Folder.Rename", // the reference does not list it
	"ResourcePool":                   "Resource.RenamePool",
	"VirtualApp":                     "VApp.Rename",
	"ClusterComputeResource":         "Host.Inventory.RenameCluster",
	"DistributedVirtualSwitch":       "DVSwitch.Modify",
	"VmwareDistributedVirtualSwitch": "DVSwitch.Modify",
	"DistributedVirtualPortgroup":    "DVPortgroup.Modify",
	"Datastore":                      "Datastore.Rename",
	"Network":                        SystemRead,
}

var movePrivileges = map[string]string{
	"VirtualMachine":                 "VirtualMachine.Inventory.Move",
	"Datacenter":                     "Datacenter.Move",
	"Folder":                         "Folder.Move",
	"StoragePod":                     "Folder.Move", // the reference does not list it
	"HostSystem":                     "Host.Inventory.MoveHost",
	"ClusterComputeResource":         "Host.Inventory.MoveCluster",
	"DistributedVirtualSwitch":       "DVSwitch.Move",
	"VmwareDistributedVirtualSwitch": "DVSwitch.Move",
	"Datastore":                      "Datastore.Move",
	"Network":                        "Network.Move",
	"DistributedVirtualPortgroup":    "Network.Move",
}

func destroy(q *question, _ *types.Destroy_Task) {
	q.needWithParent(destroyPrivileges[q.this.Type], q.this)
	if q.this.Type != "ResourcePool" {
		return
	}
	parent := q.facts.Parent(q.this)
	if _, vms := q.facts.PoolMembers(q.this); len(vms) > 0 && parent != nil {
		q.need(assignToPool, append([]vim.Ref{*parent}, vms...)...)
	}
}

func rename(q *question, _ *types.Rename_Task) { q.need(renamePrivileges[q.this.Type], q.this) }

func moveIntoFolder(q *question, r *types.MoveIntoFolder_Task) {
	for _, entity := range r.List {
		q.move(movePrivileges[entity.Type], entity, q.this)
	}
}

// move requires the privilege on the entity and on the containers that it leaves and enters.
func (q *question) move(privilege string, entity, target vim.Ref) {
	q.needWithParent(privilege, entity)
	q.need(privilege, target)
}

func updatePool(q *question, _ *types.UpdateConfig) { q.needWithParent("Resource.EditPool", q.this) }

// updateChildren: for a pool "the same as would be required for calling UpdateConfig on that entity", for a VM
// VirtualMachine.Config.Resource (API, UpdateChildResourceConfiguration).
func updateChildren(q *question, r *types.UpdateChildResourceConfiguration) {
	for _, spec := range r.Spec {
		switch {
		case spec.Entity == nil:
		case spec.Entity.Type == "VirtualMachine":
			q.need("VirtualMachine.Config.Resource", *spec.Entity)
		default:
			q.needWithParent("Resource.EditPool", *spec.Entity)
		}
	}
}

func moveIntoPool(q *question, r *types.MoveIntoResourcePool) {
	for _, entity := range r.List {
		if entity.Type == "ResourcePool" {
			q.move("Resource.MovePool", entity, q.this)
		} else {
			q.need(assignToPool, entity, q.this)
		}
	}
}

func destroyPools(q *question, _ *types.DestroyChildren) {
	pools, _ := q.facts.PoolMembers(q.this)
	q.need("Resource.DeletePool", append([]vim.Ref{q.this}, pools...)...)
	for _, pool := range pools {
		if _, vms := q.facts.PoolMembers(pool); len(vms) > 0 {
			q.need(assignToPool, append([]vim.Ref{q.this}, vms...)...)
		}
	}
}

func applyRecommendation(q *question, _ *types.ApplyRecommendation) {
	q.need("Resource.ApplyRecommendation", q.this)
}

// cancelTask requires nothing of whoever has started the task. The reference has Global.CancelTask for all, pyVmomi's type
// tables have nothing: unconfirmed.
func cancelTask(q *question, _ *types.CancelTask) {
	if !SameUser(q.facts.Requester(q.this), q.facts.User()) {
		q.need("Global.CancelTask", q.this)
	}
}

// files is for changes of files.
func (q *question) files(paths ...string) {
	for _, path := range paths {
		q.needIf(FileManagement, q.facts.Datastore(path))
	}
}

// disks is for changes of virtual disks. That the datacenter must be readable is from a fault of a vCenter (govmomi issue 1391).
func (q *question) disks(datacenter *vim.Ref, paths ...string) {
	q.needIf(SystemRead, datacenter)
	q.files(paths...)
}

// The privileges for changes of the files of a datastore, and for a look at them.
const (
	FileManagement = "Datastore.FileManagement"
	Browse         = "Datastore.Browse"
)

func (q *question) browse(path string) { q.needIf(Browse, q.facts.Datastore(path)) }

// hold requires what is to be given to others: nobody gives more than they have.
func (q *question) hold(object vim.Ref, privileges []string) {
	for _, privilege := range privileges {
		q.need(privilege, object)
	}
}

func (q *question) grant(entity vim.Ref, permissions []types.Permission) {
	for _, permission := range permissions {
		q.hold(entity, q.facts.PrivilegesOf(permission.RoleId))
	}
}

func removePermission(q *question, r *types.RemoveEntityPermission) {
	for _, permission := range q.facts.Permissions(r.Entity) {
		if sameHolder(permission, types.Permission{Principal: r.User, Group: r.IsGroup}) {
			q.hold(r.Entity, q.facts.PrivilegesOf(permission.RoleId))
		}
	}
}

func mergePermissions(q *question, r *types.MergePermissions) {
	q.hold(q.this, q.facts.PrivilegesOf(r.SrcRoleId))
	q.hold(q.this, q.facts.PrivilegesOf(r.DstRoleId))
}
