// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Snapshots of powered-off VMs: the disks become read-only, and child disks are created.

package vsim

import (
	"fmt"
	"slices"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
)

const deepestSnapshots = 31

func snapshotRefs(tree []types.VirtualMachineSnapshotTree) []ref {
	var references []ref
	for _, node := range tree {
		references = append(append(references, node.Snapshot), snapshotRefs(node.ChildSnapshotList)...)
	}
	return references
}

func (s *Server) createSnapshot(ctx *simulator.Context, request *types.CreateSnapshot_Task) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.This)
	return s.task(ctx, vm.Self, "CreateSnapshot_Task", s.exclusive(vm, func(by cause) (types.AnyType, types.BaseMethodFault) {
		return s.quiescedSnapshot(vm, request.Name, request.Description, request.Quiesce)
	}))
}

func (s *Server) createSnapshotEx(ctx *simulator.Context, request *types.CreateSnapshotEx_Task) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.This)
	return s.task(ctx, vm.Self, "CreateSnapshotEx_Task", s.exclusive(vm, func(by cause) (types.AnyType, types.BaseMethodFault) {
		return s.quiescedSnapshot(vm, request.Name, request.Description, request.QuiesceSpec != nil)
	}))
}

// quiescedSnapshot takes a snapshot, after the guest has frozen its file systems if quiesce is true.
func (s *Server) quiescedSnapshot(vm *simulator.VirtualMachine, name, description string, quiesce bool) (types.AnyType, types.BaseMethodFault) {
	if quiesce {
		if fault := s.quiesce(vm); fault != nil {
			return nil, fault
		}
	}
	snapshot, fault := s.snapshot(vm, name, description)
	if fault != nil {
		return nil, fault
	}
	return snapshot, nil
}

// quiesce asks the guest tools to freeze the file systems. "If the virtual machine is powered off or VMware Tools are not
// available, the quiesce flag is ignored" (API, CreateSnapshot_Task).
func (s *Server) quiesce(vm *simulator.VirtualMachine) types.BaseMethodFault {
	var tools string
	s.locked(vm, func(*simulator.Context) { tools = vm.Guest.ToolsRunningStatus })
	if tools != string(types.VirtualMachineToolsRunningStatusGuestToolsRunning) {
		return nil
	}
	err := s.hypervisor.Quiesce(vm.Self.Value)
	if err == nil {
		return nil
	}
	fault := &types.ApplicationQuiesceFault{}
	because(&fault.MethodFault, fmt.Sprintf("An error occurred while quiescing virtual machine %s: %v.", vm.Name, err))
	return fault
}

func (s *Server) requireOffForSnapshots(vm *simulator.VirtualMachine) types.BaseMethodFault {
	if s.isTemplate(vm) {
		return notSupported("The snapshots of a template cannot be changed.")
	}
	if s.powerState(vm) != types.VirtualMachinePowerStatePoweredOff {
		return notSupported("The lab creates, reverts to and removes snapshots only of virtual machines that are powered off.")
	}
	return nil
}

func (s *Server) snapshot(vm *simulator.VirtualMachine, name, description string) (ref, types.BaseMethodFault) {
	if name == "" {
		return ref{}, &types.InvalidName{Name: name, Entity: &vm.Self}
	}
	if fault := s.requireOffForSnapshots(vm); fault != nil {
		return ref{}, fault
	}
	d := s.draftOf(vm)
	frozen := copied(d.config)
	if fault := d.childDisks(); fault != nil {
		d.drop()
		return ref{}, fault
	}
	taken := &simulator.VirtualMachineSnapshot{}
	taken.Config, taken.Vm = frozen, vm.Self
	reference := s.registry.Put(taken).Reference()
	var fault types.BaseMethodFault
	s.locked(vm, func(ctx *simulator.Context) {
		node := types.VirtualMachineSnapshotTree{Snapshot: reference, Vm: vm.Self, Name: name, Description: description,
			CreateTime: s.clock.Now(), State: types.VirtualMachinePowerStatePoweredOff, ReplaySupported: types.NewBool(false)}
		info := types.VirtualMachineSnapshotInfo{CurrentSnapshot: &reference}
		if vm.Snapshot == nil {
			node.Id = 1
			info.RootSnapshotList = []types.VirtualMachineSnapshotTree{node}
		} else {
			info.RootSnapshotList = copied(*vm.Snapshot).RootSnapshotList
			node.Id = highestID(info.RootSnapshotList) + 1
			parent := findSnapshot(info.RootSnapshotList, vm.Snapshot.CurrentSnapshot)
			if len(snapshotRefs(info.RootSnapshotList)) >= deepestSnapshots {
				fault = invalidState(fmt.Sprintf("A virtual machine has at most %d snapshots.", deepestSnapshots))
				return
			}
			parent.ChildSnapshotList = append(parent.ChildSnapshotList, node)
		}
		setSnapshots(ctx, vm, &info)
	})
	if fault != nil {
		s.registry.Remove(s.context(), reference)
		d.drop()
		return ref{}, fault
	}
	s.publishChange(vm, d)
	return reference, nil
}

func setSnapshots(ctx *simulator.Context, vm *simulator.VirtualMachine, info *types.VirtualMachineSnapshotInfo) {
	changes := []types.PropertyChange{set("snapshot", nil), set("rootSnapshot", []ref{})}
	if info != nil && len(info.RootSnapshotList) > 0 {
		var roots []ref
		for _, node := range info.RootSnapshotList {
			roots = append(roots, node.Snapshot)
		}
		changes = []types.PropertyChange{set("snapshot", *info), set("rootSnapshot", roots)}
	}
	ctx.Update(vm, changes)
}

func highestID(tree []types.VirtualMachineSnapshotTree) int32 {
	highest := int32(0)
	for _, node := range tree {
		highest = max(highest, node.Id, highestID(node.ChildSnapshotList))
	}
	return highest
}

func findSnapshot(tree []types.VirtualMachineSnapshotTree, wanted *ref) *types.VirtualMachineSnapshotTree {
	if wanted == nil {
		return nil
	}
	for i := range tree {
		if tree[i].Snapshot == *wanted {
			return &tree[i]
		}
		if found := findSnapshot(tree[i].ChildSnapshotList, wanted); found != nil {
			return found
		}
	}
	return nil
}

// childDisks creates a child for each disk of the draft that is part of snapshots.
func (d *draft) childDisks() types.BaseMethodFault {
	for _, disk := range disksOf(d.config.Hardware.Device) {
		backing := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
		if backing.DiskMode != string(types.VirtualDiskModePersistent) {
			continue
		}
		parent := diskPath(disk)
		place := d.server.freeDeltaPath(d.home, parent)
		if fault := d.makeChild(disk, backing, place, parent, backing.Uuid); fault != nil {
			return fault
		}
	}
	return nil
}

// freeDeltaPath returns the next free path of web-000001.vmdk, web-000002.vmdk, and so on.
func (s *Server) freeDeltaPath(home, parent datastore.Path) datastore.Path {
	for number := 1; ; number++ {
		place := home.Join(fmt.Sprintf("%s-%06d.vmdk", stem(parent), number))
		if !s.diskNameTaken(place) {
			return place
		}
	}
}

func (s *Server) snapshotOf(reference ref) (*simulator.VirtualMachineSnapshot, *simulator.VirtualMachine) {
	snapshot := s.registry.Get(reference).(*simulator.VirtualMachineSnapshot)
	return snapshot, s.vm(snapshot.Vm)
}

func (s *Server) revertToSnapshot(ctx *simulator.Context, request *types.RevertToSnapshot_Task) (soap.HasFault, types.BaseMethodFault) {
	snapshot, vm := s.snapshotOf(request.This)
	return s.task(ctx, vm.Self, "RevertToSnapshot_Task", s.exclusive(vm, func(by cause) (types.AnyType, types.BaseMethodFault) {
		return nil, s.revert(vm, snapshot)
	}))
}

func (s *Server) revertToCurrentSnapshot(ctx *simulator.Context, request *types.RevertToCurrentSnapshot_Task) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.This)
	return s.task(ctx, vm.Self, "RevertToCurrentSnapshot_Task", s.exclusive(vm, func(by cause) (types.AnyType, types.BaseMethodFault) {
		if vm.Snapshot == nil || vm.Snapshot.CurrentSnapshot == nil {
			return nil, &types.NotFound{}
		}
		snapshot, ok := s.registry.Get(*vm.Snapshot.CurrentSnapshot).(*simulator.VirtualMachineSnapshot)
		if !ok {
			return nil, &types.NotFound{}
		}
		return nil, s.revert(vm, snapshot)
	}))
}

// revert discards the data written since the snapshot: the topmost disks are removed, and new child disks are created.
func (s *Server) revert(vm *simulator.VirtualMachine, snapshot *simulator.VirtualMachineSnapshot) types.BaseMethodFault {
	if s.registry.Get(snapshot.Self) == nil {
		return &types.ManagedObjectNotFound{Obj: snapshot.Self}
	}
	if fault := s.requireOffForSnapshots(vm); fault != nil {
		return fault
	}
	d := s.draftOf(vm)
	now := s.clock.Now()
	abandoned := disksOf(d.config.Hardware.Device)
	files, version := d.config.Files, now.UTC().Format(time.RFC3339Nano)
	d.config = copied(snapshot.Config)
	d.config.Files, d.config.ChangeVersion, d.config.Modified = files, version, now
	if fault := d.childDisks(); fault != nil {
		d.drop()
		return fault
	}
	kept := s.snapshotDisks(vm)
	for _, disk := range disksOf(d.config.Hardware.Device) {
		kept = append(kept, diskPath(disk))
	}
	s.locked(vm, func(ctx *simulator.Context) {
		info := copied(*vm.Snapshot)
		info.CurrentSnapshot = &snapshot.Self
		setSnapshots(ctx, vm, &info)
	})
	for _, disk := range abandoned {
		if place := diskPath(disk); !slices.Contains(kept, place) {
			d.obsolete = append(d.obsolete, place)
		}
	}
	s.publishChange(vm, d)
	return nil
}

// snapshotDisks returns the disks of the VM's snapshots.
func (s *Server) snapshotDisks(vm *simulator.VirtualMachine) []datastore.Path {
	var frozen []datastore.Path
	for _, config := range s.configs(vm)[1:] {
		for _, disk := range disksOf(config.Hardware.Device) {
			frozen = append(frozen, diskPath(disk))
		}
	}
	return frozen
}

func (s *Server) removeSnapshot(ctx *simulator.Context, request *types.RemoveSnapshot_Task) (soap.HasFault, types.BaseMethodFault) {
	snapshot, vm := s.snapshotOf(request.This)
	return s.task(ctx, vm.Self, "RemoveSnapshot_Task", s.exclusive(vm, func(by cause) (types.AnyType, types.BaseMethodFault) {
		if s.registry.Get(snapshot.Self) == nil {
			return nil, &types.ManagedObjectNotFound{Obj: snapshot.Self}
		}
		going := []ref{snapshot.Self}
		if request.RemoveChildren {
			node := findSnapshot(vm.Snapshot.RootSnapshotList, &snapshot.Self)
			going = append(snapshotRefs(node.ChildSnapshotList), going...)
		}
		return nil, s.dropSnapshots(vm, going)
	}))
}

func (s *Server) removeAllSnapshots(ctx *simulator.Context, request *types.RemoveAllSnapshots_Task) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.This)
	return s.task(ctx, vm.Self, "RemoveAllSnapshots_Task", s.exclusive(vm, func(by cause) (types.AnyType, types.BaseMethodFault) {
		if vm.Snapshot == nil {
			return nil, nil
		}
		going := snapshotRefs(vm.Snapshot.RootSnapshotList)
		slices.Reverse(going) // children are removed before their parents
		return nil, s.dropSnapshots(vm, going)
	}))
}

func (s *Server) dropSnapshots(vm *simulator.VirtualMachine, going []ref) types.BaseMethodFault {
	if fault := s.requireOffForSnapshots(vm); fault != nil {
		return fault
	}
	for _, reference := range going {
		snapshot := s.registry.Get(reference).(*simulator.VirtualMachineSnapshot)
		s.locked(vm, func(ctx *simulator.Context) {
			info := copied(*vm.Snapshot)
			node := findSnapshot(info.RootSnapshotList, &reference)
			if info.CurrentSnapshot != nil && *info.CurrentSnapshot == reference {
				info.CurrentSnapshot = parentOf(info.RootSnapshotList, reference)
			}
			info.RootSnapshotList = cutSnapshot(info.RootSnapshotList, reference, node.ChildSnapshotList)
			setSnapshots(ctx, vm, &info)
		})
		s.registry.Remove(s.context(), reference)
		if fault := s.consolidate(vm, snapshot); fault != nil {
			return fault
		}
	}
	s.refreshFiles(vm)
	return nil
}

func parentOf(tree []types.VirtualMachineSnapshotTree, wanted ref) *ref {
	for i := range tree {
		for _, child := range tree[i].ChildSnapshotList {
			if child.Snapshot == wanted {
				return &tree[i].Snapshot
			}
		}
		if found := parentOf(tree[i].ChildSnapshotList, wanted); found != nil {
			return found
		}
	}
	return nil
}

// cutSnapshot removes a snapshot from the tree and attaches its children to its parent.
func cutSnapshot(tree []types.VirtualMachineSnapshotTree, wanted ref, children []types.VirtualMachineSnapshotTree) []types.VirtualMachineSnapshotTree {
	var rest []types.VirtualMachineSnapshotTree
	for _, node := range tree {
		if node.Snapshot == wanted {
			rest = append(rest, children...)
			continue
		}
		node.ChildSnapshotList = cutSnapshot(node.ChildSnapshotList, wanted, children)
		rest = append(rest, node)
	}
	return rest
}

// consolidate handles the disks of a removed snapshot. A disk without children is removed, a disk with a single child of
// this VM is merged with it, and a disk with several children, such as linked clones, is kept.
func (s *Server) consolidate(vm *simulator.VirtualMachine, removed *simulator.VirtualMachineSnapshot) types.BaseMethodFault {
	for _, disk := range disksOf(removed.Config.Hardware.Device) {
		frozen := diskPath(disk)
		configs := s.configs(vm)
		if usedAsTop(configs, frozen) {
			continue
		}
		above := childDisksOf(configs, frozen)
		switch {
		case s.diskUse.shared(frozen, vm.Self) || len(above) > 1:
			s.diskUse.addOrphan(frozen)
		case len(above) == 0:
			s.noteDisks(vm)
			if err := s.stores.RemoveDisk(frozen); err != nil {
				return fileFault(frozen, err)
			}
		case s.diskUse.shared(above[0], vm.Self):
			s.diskUse.addOrphan(frozen)
		default:
			if err := s.mergeDisk(configs, above[0], frozen); err != nil {
				return fileFault(above[0], err)
			}
			if fault := s.replaceDisk(vm, above[0], frozen); fault != nil {
				return fault
			}
		}
	}
	return nil
}

// mergeDisk merges a disk into its parent, which becomes the parent of the disk's children.
func (s *Server) mergeDisk(configs []*types.VirtualMachineConfigInfo, disk, below datastore.Path) error {
	if err := s.stores.MergeDisk(disk); err != nil {
		return err
	}
	for _, upper := range childDisksOf(configs, disk) {
		if err := s.stores.Reparent(upper, below); err != nil {
			return err
		}
	}
	return nil
}

func usedAsTop(configs []*types.VirtualMachineConfigInfo, place datastore.Path) bool {
	for _, config := range configs {
		for _, disk := range disksOf(config.Hardware.Device) {
			if diskPath(disk) == place {
				return true
			}
		}
	}
	return false
}

// childDisksOf returns the direct children of a disk.
func childDisksOf(configs []*types.VirtualMachineConfigInfo, place datastore.Path) []datastore.Path {
	var above []datastore.Path
	for _, config := range configs {
		for _, disk := range disksOf(config.Hardware.Device) {
			for b := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo); b.Parent != nil; b = b.Parent {
				upper, err := datastore.ParsePath(b.FileName)
				if err == nil && b.Parent.FileName == place.String() && !slices.Contains(above, upper) {
					above = append(above, upper)
				}
			}
		}
	}
	return above
}

// replaceDisk replaces a merged disk in the VM and its snapshots by the disk that it was merged into.
func (s *Server) replaceDisk(vm *simulator.VirtualMachine, gone, now datastore.Path) types.BaseMethodFault {
	rewrite := func(config *types.VirtualMachineConfigInfo) types.BaseMethodFault {
		for _, disk := range disksOf(config.Hardware.Device) {
			backing := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
			top := diskPath(disk)
			if top == gone {
				top = now
			}
			chain, err := s.stores.Chain(top)
			if err != nil {
				return fileFault(top, err)
			}
			described := s.backingOf(chain)
			described.DiskMode, described.Sharing = backing.DiskMode, backing.Sharing
			disk.Backing = described
		}
		return nil
	}
	var snapshots []ref
	d := s.draftOf(vm)
	if fault := rewrite(&d.config); fault != nil {
		return fault
	}
	s.locked(vm, func(*simulator.Context) {
		if vm.Snapshot != nil {
			snapshots = snapshotRefs(vm.Snapshot.RootSnapshotList)
		}
	})
	for _, reference := range snapshots {
		snapshot := s.registry.Get(reference).(*simulator.VirtualMachineSnapshot)
		config := copied(snapshot.Config)
		if fault := rewrite(&config); fault != nil {
			return fault
		}
		s.update(snapshot, set("config", config))
	}
	s.publishChange(vm, d)
	return nil
}

func (s *Server) renameSnapshot(_ *simulator.Context, request *types.RenameSnapshot) (soap.HasFault, types.BaseMethodFault) {
	snapshot, vm := s.snapshotOf(request.This)
	s.locked(vm, func(ctx *simulator.Context) {
		info := copied(*vm.Snapshot)
		node := findSnapshot(info.RootSnapshotList, &snapshot.Self)
		if request.Name != "" {
			node.Name = request.Name
		}
		if request.Description != "" {
			node.Description = request.Description
		}
		setSnapshots(ctx, vm, &info)
	})
	return &methods.RenameSnapshotBody{Res: &types.RenameSnapshotResponse{}}, nil
}
