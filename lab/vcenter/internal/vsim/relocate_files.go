// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Carrying a relocation out: the machine's files, the machine, then what was left behind.

package vsim

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
	"gantry.invalid/lab/vcenter/internal/machine"
)

func diskProperty(index int, property string) string {
	return fmt.Sprintf("spec.disk[%d].%s", index, property)
}

// perform is called when nothing is known that would speak against it.
func (s *Server) perform(r *relocation, progress func(int32)) types.BaseMethodFault {
	before := s.diskPaths(r.vm)
	oldConfig := r.draft.config.Files.VmPathName
	if fault := s.bring(r, progress); fault != nil {
		r.draft.drop()
		return fault
	}
	progress(progressMoved)
	s.publishRelocation(r)
	if r.rehomed {
		s.removeHome(oldConfig)
	}
	// What it stood on may have waited for its last user.
	for _, disk := range s.diskUse.unused(before) {
		logFailure(s.stores.RemoveDisk(disk), "a disk that nothing stands on any more", disk)
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

// bring makes the machine's new files and, if it is on, takes the guest to them and to the host.
func (s *Server) bring(r *relocation, progress func(int32)) types.BaseMethodFault {
	if r.rehomed {
		r.draft.home = datastore.Path{Store: r.home, Relative: r.draft.name}
		if fault := r.draft.makeHome(); fault != nil {
			return fault
		}
	}
	targets, fault := r.targets()
	if fault != nil {
		return fault
	}
	if !r.on {
		return r.copyDisks(targets, progress)
	}
	spec, fault := s.machineSpec(r.vm)
	if fault != nil {
		return fault
	}
	if fault := r.adapt(&spec, targets); fault != nil {
		return fault
	}
	var copyFault types.BaseMethodFault
	var copyFiles func() error
	if len(r.disks) > 0 {
		copyFiles = func() error {
			if copyFault = r.copyDisks(targets, progress); copyFault != nil {
				return errors.New(faultText(copyFault))
			}
			return nil
		}
	}
	if r.host.Self == r.from && copyFiles == nil && slices.Equal(spec.NICs, r.cards()) {
		_, fault := s.changePlace(r) // the guest has nothing of it
		return fault
	}
	spec.NICs = r.cards()
	if fault := s.carry(r, spec, copyFiles); fault != nil {
		if copyFault != nil {
			return copyFault
		}
		return fault
	}
	return nil
}

// targets names the moved disks' new files.
func (r *relocation) targets() ([]datastore.Path, types.BaseMethodFault) {
	stores := r.draft.server.stores
	var targets []datastore.Path
	for _, move := range r.disks {
		folder := r.draft.home
		if move.store != folder.Store {
			folder = datastore.Path{Store: move.store, Relative: r.draft.name}
			switch err := stores.MakeFolder(folder, false); {
			case err == nil:
				r.draft.made = append(r.draft.made, func() error { return stores.RemoveFolder(folder) })
			case !errors.Is(err, fs.ErrExist):
				return nil, fileFault(folder, err)
			}
		}
		place := folder.Join(r.draft.name + ".vmdk")
		for number := 1; r.draft.server.diskNameTaken(place) || slices.Contains(targets, place); number++ {
			place = folder.Join(fmt.Sprintf("%s_%d.vmdk", r.draft.name, number))
		}
		targets = append(targets, place)
	}
	return targets, nil
}

// copyDisks makes the new files and lets the draft name them. The old ones go when the draft is real.
func (r *relocation) copyDisks(targets []datastore.Path, progress func(int32)) types.BaseMethodFault {
	d := r.draft
	for number, move := range r.disks {
		source, target := diskPath(move.disk), targets[number]
		backing := move.disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
		var err error
		if move.child {
			err = d.server.stores.MoveChild(source, target)
		} else {
			err = d.server.stores.CopyDisk(source, target, move.thin, backing.Uuid)
		}
		if err != nil {
			return fileFault(target, err)
		}
		d.madeDisk(target)
		if fault := d.describeDisk(move.disk, backing, target); fault != nil {
			return fault
		}
		d.doomed = append(d.doomed, source)
		progress(progressChecked + int32(number+1)*(progressCopied-progressChecked)/int32(len(r.disks)))
	}
	return nil
}

// adapt gives what is started at the destination the files that will be there.
func (r *relocation) adapt(spec *machine.Spec, targets []datastore.Path) types.BaseMethodFault {
	for number, move := range r.disks {
		data, format, err := r.draft.server.stores.Copy(targets[number], move.child)
		if err != nil {
			return fileFault(targets[number], err)
		}
		for index := range spec.Disks {
			if disk := &spec.Disks[index]; disk.Unit == int(*move.disk.UnitNumber) {
				disk.Path, disk.Format = data, format
			}
		}
	}
	return nil
}

// cards are the draft's network cards as the hypervisor sees them.
func (r *relocation) cards() []machine.NIC {
	var cards []machine.NIC
	for _, card := range cardsOf(r.draft.config.Hardware.Device) {
		_, network := r.draft.server.networkOf(card)
		cards = append(cards, machine.NIC{MAC: card.MacAddress, Network: network,
			Connected: card.Connectable == nil || card.Connectable.StartConnected})
	}
	return cards
}

// publishRelocation shows the machine where it now is.
func (s *Server) publishRelocation(r *relocation) {
	if r.host.Self != r.from {
		s.setHost(r.vm, r.host.Self)
	}
	if _, pool, _ := s.placed(r.vm); r.pool != nil && pool != *r.pool {
		s.setPool(r.vm, r.pool)
	}
	if r.movesFiles() || r.recarded {
		s.publishChange(r.vm, r.draft)
	}
}
