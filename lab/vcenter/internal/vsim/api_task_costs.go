// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What operations cost. The sources:
//
//   - [limits]: "Limits on Simultaneous Migrations" (vCenter Server and Host Management, 6.5 and 6.7)
//   - [manager]: "Resource Manager Settings for Managing Migrations" (Broadcom, article 326281)
//   - [tasks]: "vCenter Limits for Tasks Running at the Same Time" (VMware's performance blog, February 2021)
//
// "All hosts have a maximum cost per host of 8" in [limits] is 16 since 6.0 ([manager], [tasks]), with twice the costs.
//
// Choices of the lab, for want of a source: a linked clone costs its unit on the host of the clone only; an instant clone costs as
// much; a cold migration costs once on a host that does not change, and nothing on datastores; other tasks (creation, reconfiguration, power, snapshots, imports and exports) cost nothing but their place among all
// operations. The other vCenter of a move counts nothing.

package vsim

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
	"gantry.invalid/lab/vcenter/internal/vim"
)

// usualLimits are the units of a host, a datastore and the vMotion network of a host, and how many tasks run in all.
const (
	usualHostUnits      = 16  // [manager], [tasks]
	usualDatastoreUnits = 128 // [limits], [manager]
	usualNetworkUnits   = 8   // [limits]: 8 with 10 GbE, 4 with 1 GbE
	usualOperations     = 640 // [tasks]: "approximately"
)

const (
	linkedCloneOnHost    = 1 // [tasks]
	provisioningOnHost   = 2 // [limits]: 1 of 8, for clones and cold migrations; a full clone on one host costs 4 ([tasks])
	vMotionOnHost        = 2 // [manager]
	storageVMotionOnHost = 8 // [manager], [tasks]; also if the host changes: [limits]

	vMotionOnDatastore        = 1  // [limits], [manager]
	storageVMotionOnDatastore = 16 // of the source, and of the destination: [limits], [manager]

	vMotionOnNetwork = 1 // [limits]
)

// oneOperation is what every task costs.
func oneOperation() costs { return costs{{resource{kind: operationUnits}, 1}} }

// withinTask returns the costs of what a task does that has its place among all operations already.
func (c costs) withinTask() costs {
	return slices.DeleteFunc(c, func(one cost) bool { return one.of.kind == operationUnits })
}

// cloneCosts are those of a clone onto a host.
func (s *Server) cloneCosts(source *simulator.VirtualMachine, spec *types.VirtualMachineCloneSpec, host ref) costs {
	if isLinked(spec) {
		return oneOperation().plus(hostUnits, host, linkedCloneOnHost)
	}
	return oneOperation().plus(hostUnits, s.hostOf(source), provisioningOnHost).plus(hostUnits, host, provisioningOnHost)
}

// isLinked returns true for a clone that copies no disk as a whole.
func isLinked(spec *types.VirtualMachineCloneSpec) bool {
	switch types.VirtualMachineRelocateDiskMoveOptions(spec.Location.DiskMoveType) {
	case types.VirtualMachineRelocateDiskMoveOptionsCreateNewChildDiskBacking,
		types.VirtualMachineRelocateDiskMoveOptionsMoveAllDiskBackingsAndAllowSharing,
		types.VirtualMachineRelocateDiskMoveOptionsMoveChildMostDiskBacking:
		return spec.Snapshot != nil
	}
	return false
}

// moveCosts are those of a move by a spec, as far as it is valid. If DRS chooses the host, it is the one that it would choose now.
func (s *Server) moveCosts(vm *simulator.VirtualMachine, spec *types.VirtualMachineRelocateSpec) costs {
	config, pool, from := s.placed(vm)
	on := s.powerState(vm) == types.VirtualMachinePowerStatePoweredOn
	r := relocation{vm: vm, on: on, from: from, pool: &pool, home: homeOf(config).Store, draft: &draft{server: s, vm: vm.Self, config: *config}}
	if spec.Service != nil {
		return costsOfMove(on, []ref{from}, s.datastoresOf(config), true, true)
	}
	if config.Template || s.planPool(&r, spec) != nil || s.planHost(&r, spec) != nil || r.host == nil {
		return oneOperation() // it will be refused
	}
	hosts, stores := vim.With([]ref{from}, r.host.Self), s.storesOfMove(config, spec)
	if len(stores) == 0 {
		return costsOfMove(on, hosts, s.datastoresOf(config), false, len(hosts) > 1)
	}
	return costsOfMove(on, hosts, stores, true, len(hosts) > 1)
}

// costsOfMove are those of a move between hosts, of which there is one if it does not change, with the datastores that it uses.
func costsOfMove(on bool, hosts, stores []ref, storage, toHost bool) costs {
	needs := oneOperation()
	for _, host := range hosts {
		switch {
		case on && storage:
			needs = needs.plus(hostUnits, host, storageVMotionOnHost)
		case on && toHost:
			needs = needs.plus(hostUnits, host, vMotionOnHost)
		case storage || toHost:
			needs = needs.plus(hostUnits, host, provisioningOnHost)
		}
		if on && toHost {
			needs = needs.plus(networkUnits, host, vMotionOnNetwork)
		}
	}
	for _, store := range stores {
		switch {
		case on && storage:
			needs = needs.plus(datastoreUnits, store, storageVMotionOnDatastore)
		case on && toHost:
			needs = needs.plus(datastoreUnits, store, vMotionOnDatastore)
		}
	}
	return needs
}

// storesOfMove returns the datastores from which and to which a move copies files.
func (s *Server) storesOfMove(config *types.VirtualMachineConfigInfo, spec *types.VirtualMachineRelocateSpec) (stores []ref) {
	moves := func(from datastore.Path, to *ref) {
		source := s.site.datastores[from.Store]
		if source != nil && to != nil && *to != source.Self {
			stores = vim.With(vim.With(stores, source.Self), *to)
		}
	}
	moves(homeOf(config), spec.Datastore)
	for _, disk := range disksOf(config.Hardware.Device) {
		to := spec.Datastore
		for n := range spec.Disk {
			if spec.Disk[n].DiskId == disk.Key {
				to = &spec.Disk[n].Datastore
			}
		}
		moves(diskPath(disk), to)
	}
	return stores
}
