// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Usage of disks. A disk with children is kept when its VM is destroyed, as in a real vCenter: destroying the source of
// linked clones removes the VM and leaves the shared disks, and destroying the last clone removes them. (vSphere Web
// Services SDK Programming Guide, "Removing Snapshots and Deleting Linked Virtual Machines".)

package vsim

import (
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
)

type diskUse struct {
	mu      sync.Mutex
	users   map[datastore.Path]map[ref]bool
	byVM    map[ref][]datastore.Path
	orphans map[datastore.Path]bool // disks without a VM; they are removed with their last user
}

// set replaces the disks that a VM uses, with all their parents.
func (u *diskUse) set(vm ref, disks []datastore.Path) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.users == nil {
		u.users, u.byVM, u.orphans = map[datastore.Path]map[ref]bool{}, map[ref][]datastore.Path{}, map[datastore.Path]bool{}
	}
	u.forget(vm)
	for _, disk := range disks {
		if u.users[disk] == nil {
			u.users[disk] = map[ref]bool{}
		}
		u.users[disk][vm] = true
	}
	if len(disks) > 0 {
		u.byVM[vm] = disks
	}
}

func (u *diskUse) forget(vm ref) {
	for _, disk := range u.byVM[vm] {
		delete(u.users[disk], vm)
		if len(u.users[disk]) == 0 {
			delete(u.users, disk)
		}
	}
	delete(u.byVM, vm)
}

// shared returns true if another VM uses the disk.
func (u *diskUse) shared(disk datastore.Path, vm ref) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	for user := range u.users[disk] {
		if user != vm {
			return true
		}
	}
	return false
}

// addOrphan marks a disk that no configuration uses directly any more, although it has children.
func (u *diskUse) addOrphan(disk datastore.Path) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.orphans[disk] = true
}

// release ends a VM's usage, and returns the disks to remove: its own and orphaned disks that are not used any more.
func (u *diskUse) release(vm ref, own []datastore.Path) []datastore.Path {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.byVM == nil {
		return own
	}
	used := u.byVM[vm]
	u.forget(vm)
	for _, disk := range own {
		u.orphans[disk] = true
	}
	var gone []datastore.Path
	for _, disk := range append(used, own...) {
		if u.orphans[disk] && len(u.users[disk]) == 0 {
			gone = append(gone, disk)
			delete(u.orphans, disk)
		}
	}
	return gone
}

// unused returns the orphans among the disks that are not used any more. They are to be removed.
func (u *diskUse) unused(disks []datastore.Path) []datastore.Path {
	u.mu.Lock()
	defer u.mu.Unlock()
	var gone []datastore.Path
	for _, disk := range disks {
		if u.orphans[disk] && len(u.users[disk]) == 0 {
			gone = append(gone, disk)
			delete(u.orphans, disk)
		}
	}
	return gone
}

// diskPaths returns all disks that a VM and its snapshots depend on.
func (s *Server) diskPaths(vm *simulator.VirtualMachine) []datastore.Path {
	seen := map[datastore.Path]bool{}
	var paths []datastore.Path
	for _, config := range s.configs(vm) {
		for _, disk := range disksOf(config.Hardware.Device) {
			for backing := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo); backing != nil; backing = backing.Parent {
				if place, err := datastore.ParsePath(backing.FileName); err == nil && !seen[place] {
					seen[place] = true
					paths = append(paths, place)
				}
			}
		}
	}
	return paths
}

// ownDisks returns the topmost disks of the VM and its snapshots, which are removed when the VM is destroyed. First Class Disks that
// outlive their VM are none of them.
func (s *Server) ownDisks(vm *simulator.VirtualMachine) []datastore.Path {
	seen := map[datastore.Path]bool{}
	var own []datastore.Path
	for _, config := range s.configs(vm) {
		for _, disk := range disksOf(config.Hardware.Device) {
			if place := diskPath(disk); !seen[place] && !s.outlives(disk) {
				seen[place] = true
				own = append(own, place)
			}
		}
	}
	return own
}

// configs returns the configurations of the VM and its snapshots. They must not be modified.
func (s *Server) configs(vm *simulator.VirtualMachine) []*types.VirtualMachineConfigInfo {
	var configs []*types.VirtualMachineConfigInfo
	var snapshots []ref
	s.locked(vm, func(*simulator.Context) {
		configs = append(configs, vm.Config)
		if vm.Snapshot != nil {
			snapshots = snapshotRefs(vm.Snapshot.RootSnapshotList)
		}
	})
	for _, reference := range snapshots {
		if snapshot, ok := s.registry.Get(reference).(*simulator.VirtualMachineSnapshot); ok {
			configs = append(configs, &snapshot.Config)
		}
	}
	return configs
}
