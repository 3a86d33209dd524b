// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The steps of a relocation: copying the files, migrating the guest, removing the old files.

package vsim

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
	"gantry.invalid/lab/vcenter/internal/machine"
	"gantry.invalid/lab/vcenter/internal/vim"
)

func diskProperty(index int, property string) string {
	return fmt.Sprintf("spec.disk[%d].%s", index, property)
}

// perform makes the relocation. It is called when there are no known blockers.
func (s *Server) perform(by cause, r *relocation, progress func(int32)) types.BaseMethodFault {
	before := s.diskPaths(r.vm)
	oldConfig, event := r.draft.config.Files.VmPathName, s.vmEvent(r.vm)
	s.postMoving(by, r)
	if fault := s.transfer(r, progress); fault != nil {
		r.draft.drop()
		s.postNotMoved(by, r, fault)
		return fault
	}
	progress(progressMoved)
	s.publishRelocation(r)
	s.postMoved(by, r, event)
	if r.homeChanged {
		s.removeHome(oldConfig)
	}
	// Orphaned parent disks are removed with their last user.
	for _, disk := range s.diskUse.unused(before) {
		logFailure(s.stores.RemoveDisk(disk), "a disk that has no children any more", disk)
		logFailure(s.stores.RemoveFolder(disk.Dir()), "an empty folder", disk.Dir())
	}
	for store := range s.site.datastores {
		s.publishFree(store)
	}
	if r.folder != nil && *r.vm.Parent != r.folder.Self {
		return s.moveInto(r.folder, r.vm.Self)
	}
	return nil
}

// transfer creates the VM's new files and, if the VM is powered on, migrates the guest to them and to the host.
func (s *Server) transfer(r *relocation, progress func(int32)) types.BaseMethodFault {
	if r.homeChanged {
		r.draft.home = datastore.Path{Store: r.home, Relative: r.draft.name}
		if fault := r.draft.makeHome(); fault != nil {
			return fault
		}
	}
	steps, fault := r.copySteps()
	if fault != nil {
		return fault
	}
	if !r.on {
		return r.copyDisks(steps, progress)
	}
	spec, fault := s.machineSpec(r.vm)
	if fault != nil {
		return fault
	}
	if fault := r.adapt(&spec, steps); fault != nil {
		return fault
	}
	var copyFault types.BaseMethodFault
	var copyFiles func() error
	if len(steps) > 0 {
		copyFiles = func() error {
			if copyFault = r.copyDisks(steps, progress); copyFault != nil {
				return errors.New(faultText(copyFault))
			}
			return nil
		}
	}
	if r.host.Self == r.from && copyFiles == nil && slices.Equal(spec.NICs, s.nicsOf(&r.draft.config, r.host.Self)) {
		_, fault := s.moveAdmission(r) // only the pool changes; the guest is not affected
		return fault
	}
	spec.NICs = s.nicsOf(&r.draft.config, r.host.Self)
	if fault := s.migrateGuest(r, spec, copyFiles); fault != nil {
		if copyFault != nil {
			return copyFault
		}
		return fault
	}
	return nil
}

// copyStep is a disk that is created at the destination.
type copyStep struct {
	source, target datastore.Path
	parent         *datastore.Path // its parent at the destination; nil: it has no parent
	thin           bool
	uuid           string
	base           bool // a parent that is not itself a disk of the VM or of a snapshot
}

// copySteps assigns the new paths of the moved disks, parents before their children.
func (r *relocation) copySteps() ([]copyStep, types.BaseMethodFault) {
	if len(r.disks) == 0 {
		return nil, nil // only the host changes
	}
	if r.draft.frozen {
		return r.copyTree(), nil
	}
	var steps []copyStep
	for _, move := range r.disks {
		folder, fault := r.folderOn(move.store)
		if fault != nil {
			return nil, fault
		}
		steps = r.copyChain(steps, move, folder)
	}
	return steps, nil
}

// copyChain adds the steps that copy a disk and those of its parents that are moved too.
func (r *relocation) copyChain(steps []copyStep, move diskMove, folder datastore.Path) []copyStep {
	below := move.below
	for number, backing := range slices.Backward(move.copied) {
		source := sourceOf(backing)
		if known := slices.IndexFunc(steps, func(step copyStep) bool { return step.source == source }); known >= 0 {
			below = &steps[known].target
			continue
		}
		step := copyStep{source: source, parent: below, thin: vim.IsTrue(backing.ThinProvisioned), uuid: backing.Uuid, base: number > 0}
		if step.base {
			step.target = r.freePath(steps, folder, "%s-base_%d.vmdk", 1)
		} else {
			step.target, step.thin = r.freePath(steps, folder, "%s_%d.vmdk", 0), move.thin
		}
		steps = append(steps, step)
		below = &step.target
	}
	return steps
}

func sourceOf(backing *types.VirtualDiskFlatVer2BackingInfo) datastore.Path {
	source, err := datastore.ParsePath(backing.FileName)
	if err != nil {
		panic(err) // it was parsed when the disk was added
	}
	return source
}

// copyTree copies the disks of the VM and its snapshots as a tree, with the parents that other VMs share, except those that it
// may share at the destination.
func (r *relocation) copyTree() []copyStep {
	attached := map[datastore.Path]*datastore.Path{}
	for _, move := range r.disks {
		if lowest := move.copied[len(move.copied)-1]; move.below != nil && lowest.Parent != nil {
			attached[sourceOf(lowest.Parent)] = move.below
		}
	}
	direct := map[datastore.Path]bool{}
	configs := r.draft.server.configs(r.vm)
	for _, config := range configs {
		for _, disk := range disksOf(config.Hardware.Device) {
			direct[diskPath(disk)] = true
		}
	}
	var steps []copyStep
	var visit func(backing *types.VirtualDiskFlatVer2BackingInfo) datastore.Path
	visit = func(backing *types.VirtualDiskFlatVer2BackingInfo) datastore.Path {
		source := sourceOf(backing)
		if known := slices.IndexFunc(steps, func(step copyStep) bool { return step.source == source }); known >= 0 {
			return steps[known].target
		}
		step := copyStep{source: source, thin: vim.IsTrue(backing.ThinProvisioned), uuid: backing.Uuid, base: !direct[source]}
		if below := parentPath(backing); below != nil {
			step.parent = attached[*below]
			if step.parent == nil {
				moved := visit(backing.Parent)
				step.parent = &moved
			}
			step.target = r.freePath(steps, r.draft.home, "%s-%06d.vmdk", 1)
		} else {
			step.target = r.freePath(steps, r.draft.home, "%s_%d.vmdk", 0)
		}
		steps = append(steps, step)
		return step.target
	}
	for _, config := range configs {
		for _, disk := range disksOf(config.Hardware.Device) {
			visit(disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo))
		}
	}
	return steps
}

func parentPath(backing *types.VirtualDiskFlatVer2BackingInfo) *datastore.Path {
	if backing.Parent == nil {
		return nil
	}
	place, err := datastore.ParsePath(backing.Parent.FileName)
	if err != nil {
		return nil
	}
	return &place
}

// folderOn returns the VM's folder on a datastore, and creates it if necessary.
func (r *relocation) folderOn(store string) (datastore.Path, types.BaseMethodFault) {
	folder := r.draft.home
	if store == folder.Store {
		return folder, nil
	}
	stores := r.draft.server.stores
	folder = datastore.Path{Store: store, Relative: r.draft.name}
	switch err := stores.MakeFolder(folder, false); {
	case err == nil:
		r.draft.undo = append(r.draft.undo, func() error { return stores.RemoveFolder(folder) })
	case !errors.Is(err, fs.ErrExist):
		return folder, fileFault(folder, err)
	}
	return folder, nil
}

// freePath returns a path that no existing or planned disk has: the name without a number if numbering begins at 0, else a
// numbered one.
func (r *relocation) freePath(steps []copyStep, folder datastore.Path, pattern string, number int) datastore.Path {
	for ; ; number++ {
		place := folder.Join(fmt.Sprintf(pattern, r.draft.name, number))
		if number == 0 {
			place = folder.Join(r.draft.name + ".vmdk")
		}
		planned := slices.ContainsFunc(steps, func(step copyStep) bool { return step.target == place })
		if !planned && !r.draft.server.diskNameTaken(place) {
			return place
		}
	}
}

// copyDisks creates the new disks and updates the draft and the snapshots. The old disks are removed when the draft is
// published.
func (r *relocation) copyDisks(steps []copyStep, progress func(int32)) types.BaseMethodFault {
	d := r.draft
	for number, step := range steps {
		var err error
		if step.parent != nil {
			err = d.server.stores.MoveChild(step.source, step.target, *step.parent)
		} else {
			err = d.server.stores.CopyDisk(step.source, step.target, step.thin, step.uuid)
		}
		if err != nil {
			return fileFault(step.target, err)
		}
		d.removeDiskOnDrop(step.target)
		if step.base {
			r.bases = append(r.bases, step.target)
		} else {
			d.obsolete = append(d.obsolete, step.source)
		}
		progress(progressChecked + int32(number+1)*(progressCopied-progressChecked)/int32(len(steps)))
	}
	if fault := r.rename(&d.config, steps); fault != nil || !d.frozen {
		return fault
	}
	return r.renameInSnapshots(steps)
}

// rename replaces the disk paths in a configuration.
func (r *relocation) rename(config *types.VirtualMachineConfigInfo, steps []copyStep) types.BaseMethodFault {
	for _, disk := range disksOf(config.Hardware.Device) {
		for _, step := range steps {
			if step.source == diskPath(disk) {
				backing := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
				if fault := r.draft.describeDisk(disk, backing, step.target); fault != nil {
					return fault
				}
				break
			}
		}
	}
	return nil
}

func (r *relocation) renameInSnapshots(steps []copyStep) types.BaseMethodFault {
	var taken []ref
	server := r.draft.server
	server.locked(r.vm, func(*simulator.Context) { taken = snapshotRefs(r.vm.Snapshot.RootSnapshotList) })
	r.snapshots = map[ref]types.VirtualMachineConfigInfo{}
	for _, reference := range taken {
		config := copied(server.registry.Get(reference).(*simulator.VirtualMachineSnapshot).Config)
		config.Files = r.draft.config.Files
		if fault := r.rename(&config, steps); fault != nil {
			return fault
		}
		r.snapshots[reference] = config
	}
	return nil
}

// adapt replaces the disk files in the specification of the guest that is migrated.
func (r *relocation) adapt(spec *machine.Spec, steps []copyStep) types.BaseMethodFault {
	for _, disk := range disksOf(r.draft.config.Hardware.Device) {
		for _, step := range steps {
			if step.source != diskPath(disk) {
				continue
			}
			data, format, err := r.draft.server.stores.Copy(step.target, step.parent != nil)
			if err != nil {
				return fileFault(step.target, err)
			}
			for index := range spec.Disks {
				if spec.Disks[index].Unit == int(*disk.UnitNumber) {
					spec.Disks[index].Path, spec.Disks[index].Format = data, format
				}
			}
		}
	}
	return nil
}

// publishRelocation publishes the VM's new host, pool and files.
func (s *Server) publishRelocation(r *relocation) {
	if r.host.Self != r.from {
		s.setHost(r.vm, r.host.Self)
	}
	if _, pool, _ := s.placed(r.vm); pool != *r.pool {
		s.setPool(r.vm, r.pool)
	}
	for snapshot, config := range r.snapshots {
		s.update(s.registry.Get(snapshot), set("config", config))
	}
	if r.movesFiles() || r.cardsChanged {
		s.publishChange(r.vm, r.draft)
	}
	for _, disk := range r.bases { // they are removed with their last user
		s.diskUse.addOrphan(disk)
	}
	for _, disk := range r.draft.obsolete {
		if s.diskUse.shared(disk, ref{}) { // it is removed with its last user
			s.diskUse.addOrphan(disk)
		}
	}
}
