// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What calls that create, change and move virtual machines require. Source, unless another is named: vSphere Web Services API,
// the description of each method in VirtualMachine and Folder.

package authz

import (
	"slices"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

const (
	allocateSpace = "Datastore.AllocateSpace"
	assignNetwork = "Network.Assign"
	assignToPool  = "Resource.AssignVMToPool"
	addNewDisk    = "VirtualMachine.Config.AddNewDisk"
)

// createVM requires fewer privileges than the same changes of an existing VM.
func createVM(q *question, r *types.CreateVM_Task) {
	q.create(&r.Config, q.this)
}

// create is for a new VM in a folder.
func (q *question) create(spec *types.VirtualMachineConfigSpec, folder vim.Ref) {
	c := configChange{question: q, on: folder}
	if spec.Files != nil {
		c.home = spec.Files.VmPathName
		q.needIf(allocateSpace, q.facts.Datastore(c.home))
	}
	c.createdWith(spec)
}

// importVApp is for a VM; the lab imports no vApps. (vSphere Web Services API, ResourcePool.ImportVApp: depending on the
// properties of the VM, what CreateVM_Task requires for them.)
func importVApp(q *question, r *types.ImportVApp) {
	if spec, ok := r.Spec.(*types.VirtualMachineImportSpec); ok && r.Folder != nil {
		q.create(&spec.ConfigSpec, *r.Folder)
	}
}

func cloneVM(q *question, r *types.CloneVM_Task) {
	source := q.facts.VM(q.this)
	q.need(map[[2]bool]string{
		{false, false}: "VirtualMachine.Provisioning.Clone",
		{false, true}:  "VirtualMachine.Provisioning.CreateTemplateFromVM",
		{true, false}:  "VirtualMachine.Provisioning.DeployTemplate",
		{true, true}:   "VirtualMachine.Provisioning.CloneTemplate",
	}[[2]bool{source.Template, r.Spec.Template}], q.this)
	if r.Spec.Customization != nil {
		q.need("VirtualMachine.Provisioning.Customize", q.this)
	}
	q.need("VirtualMachine.Inventory.CreateFromExisting", r.Folder)
	// vSphere Security, "Required Privileges for Common Tasks", deploying a VM from a template: on the destination folder.
	q.need(addNewDisk, r.Folder)
	if !r.Spec.Template {
		q.cloneIntoPool(source, r.Spec.Location.Pool)
	}
	q.cloneOnto(source, &r.Spec.Location, r.Folder)
	changes := r.Spec.Location.DeviceChange
	if r.Spec.Config != nil {
		changes = append(slices.Clone(changes), r.Spec.Config.DeviceChange...)
		// On which object the privileges for changes of a clone are required is unconfirmed; the clone will be in the folder.
		(&configChange{question: q, on: r.Folder, vm: source}).changedBy(r.Spec.Config)
	}
	q.keepNetworks(source, changes)
}

// instantClone has only Provisioning.Clone in the reference; that the rest is as for other clones is unconfirmed.
func instantClone(q *question, r *types.InstantClone_Task) {
	source, folder := q.facts.VM(q.this), q.facts.Parent(q.this)
	if r.Spec.Location.Folder != nil {
		folder = r.Spec.Location.Folder
	}
	q.needIf("VirtualMachine.Inventory.CreateFromExisting", folder)
	q.cloneIntoPool(source, r.Spec.Location.Pool)
	q.cloneOnto(source, &r.Spec.Location, *folder)
	q.keepNetworks(source, r.Spec.Location.DeviceChange)
}

func (q *question) cloneIntoPool(source *VM, pool *vim.Ref) {
	if pool == nil {
		pool = source.Pool
	}
	q.needIf(assignToPool, pool)
}

// cloneOnto is for the datastores and networks of a clone: those of the source, unless others are named.
func (q *question) cloneOnto(source *VM, location *types.VirtualMachineRelocateSpec, folder vim.Ref) {
	if named := locationDatastores(location); len(named) > 0 {
		q.need(allocateSpace, named...)
	} else {
		q.need(allocateSpace, source.Datastores...)
	}
	(&configChange{question: q, on: folder, vm: source}).networks(location.DeviceChange)
}

// keepNetworks is for the networks of a clone that are those of the source. (vSphere Security, "Required Privileges for Common
// Tasks": on the network that the VM will be assigned to.)
func (q *question) keepNetworks(source *VM, changes []types.BaseVirtualDeviceConfigSpec) {
	for _, device := range source.Devices {
		card, ok := device.(types.BaseVirtualEthernetCard)
		changed := slices.ContainsFunc(changes, func(change types.BaseVirtualDeviceConfigSpec) bool {
			edited := deviceOf(change)
			return edited != nil && edited.GetVirtualDevice().Key == device.GetVirtualDevice().Key
		})
		if ok && !changed {
			q.needIf(assignNetwork, q.facts.Network(card.GetVirtualEthernetCard().Backing))
		}
	}
}

func locationDatastores(location *types.VirtualMachineRelocateSpec) (named []vim.Ref) {
	if location.Datastore != nil {
		named = vim.With(named, *location.Datastore)
	}
	for _, disk := range location.Disk {
		named = vim.With(named, disk.Datastore)
	}
	return named
}

func reconfigVM(q *question, r *types.ReconfigVM_Task) {
	vm := q.facts.VM(q.this)
	(&configChange{question: q, on: q.this, vm: vm, home: vm.HomePath}).changedBy(&r.Spec)
}

// relocateVM is a move. What a move to another vCenter requires there is checked there.
func relocateVM(q *question, r *types.RelocateVM_Task) {
	vm := q.facts.VM(q.this)
	if vm.IsOn {
		q.need("Resource.HotMigrate", q.this)
	}
	if r.Spec.Service != nil {
		return
	}
	q.arriveAt(&r.Spec, vm)
	if r.Spec.Folder != nil && !sameRef(r.Spec.Folder, q.facts.Parent(q.this)) {
		q.move("VirtualMachine.Inventory.Move", q.this, *r.Spec.Folder)
	}
}

func (q *question) arriveAt(spec *types.VirtualMachineRelocateSpec, vm *VM) {
	q.needIf(assignToPool, spec.Pool)
	q.need(allocateSpace, locationDatastores(spec)...)
	(&configChange{question: q, on: q.this, vm: vm}).networks(spec.DeviceChange)
}

// ArrivalNeeds returns what a move from another vCenter requires here. (vSphere Web Services API, VirtualMachine.
// RelocateVM_Task: VirtualMachine.Inventory.Register on the destination folder.)
func ArrivalNeeds(facts Facts, spec *types.VirtualMachineRelocateSpec) []Need {
	q := &question{facts: facts}
	q.needIf("VirtualMachine.Inventory.Register", spec.Folder)
	q.arriveAt(spec, nil)
	return q.needs
}

func migrateVM(q *question, _ *types.MigrateVM_Task) {
	if q.facts.VM(q.this).IsOn {
		q.need("Resource.HotMigrate", q.this)
		return
	}
	q.need("Resource.ColdMigrate", q.this)
}

func sameRef(a, b *vim.Ref) bool { return a != nil && b != nil && *a == *b }
