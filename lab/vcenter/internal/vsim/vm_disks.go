// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Disks of a draft: creating, attaching, extending and removing their files.

package vsim

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
)

const largestDisk = int64(62) << 40

// locate parses a path of a datastore that the VM's host mounts.
func (d *draft) locate(text string) (datastore.Path, *simulator.Datastore, types.BaseMethodFault) {
	place, err := datastore.ParsePath(text)
	if err != nil {
		return datastore.Path{}, nil, &types.InvalidDatastorePath{DatastorePath: text}
	}
	store := d.server.site.datastores[place.Store]
	if store == nil {
		return datastore.Path{}, nil, &types.InvalidDatastorePath{
			InvalidDatastore: types.InvalidDatastore{Name: place.Store}, DatastorePath: text}
	}
	return place, store, nil
}

func (d *draft) configureDisk(change deviceChange, disk, old *types.VirtualDisk) types.BaseMethodFault {
	backing, ok := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
	if !ok {
		return &types.DeviceUnsupportedForVmPlatform{InvalidDeviceSpec: types.InvalidDeviceSpec{DeviceIndex: change.index,
			InvalidVmConfig: types.InvalidVmConfig{Property: "virtualDeviceSpec.device.backing"}}}
	}
	switch types.VirtualDiskMode(backing.DiskMode) {
	case "":
		backing.DiskMode = string(types.VirtualDiskModePersistent)
	case types.VirtualDiskModePersistent, types.VirtualDiskModeIndependent_persistent:
	default:
		return notSupported(fmt.Sprintf("The lab does not support the disk mode %q.", backing.DiskMode))
	}
	if old != nil {
		return d.changeDisk(change, disk, backing, old)
	}
	if change.FileOperation == types.VirtualDeviceConfigSpecFileOperationCreate {
		return d.createDisk(change, disk, backing)
	}
	if fault := d.identify(change, disk, backing); fault != nil {
		return fault
	}
	return d.attachDisk(disk, backing)
}

func capacityOf(disk *types.VirtualDisk) int64 {
	if disk.CapacityInBytes != 0 {
		return disk.CapacityInBytes
	}
	return disk.CapacityInKB * 1024
}

// createDisk creates the file, in the VM's folder unless the spec has a path.
func (d *draft) createDisk(change deviceChange, disk *types.VirtualDisk, backing *types.VirtualDiskFlatVer2BackingInfo) types.BaseMethodFault {
	place, fault := d.newDiskPath(backing)
	if fault != nil {
		return fault
	}
	id := backing.Uuid
	if id == "" {
		id = datastore.NewUUID()
	}
	if backing.Parent != nil {
		parent, err := datastore.ParsePath(backing.Parent.FileName)
		if err != nil {
			return change.invalid("device.backing.parent.fileName")
		}
		if _, err := d.server.stores.Disk(parent); err != nil {
			return change.invalid("device.backing.parent.fileName")
		}
		return d.makeChild(disk, backing, place, parent, id)
	}
	capacity := capacityOf(disk)
	if capacity <= 0 || capacity > largestDisk || capacity%512 != 0 {
		return change.invalid("device.capacityInKB")
	}
	thin := backing.ThinProvisioned != nil && *backing.ThinProvisioned
	if err := d.server.stores.CreateDisk(place, capacity, thin, id); err != nil {
		return fileFault(place, err)
	}
	d.removeDiskOnDrop(place)
	return d.describeDisk(disk, backing, place)
}

// newDiskPath returns the path of the spec, or the next free path in the VM's folder.
func (d *draft) newDiskPath(backing *types.VirtualDiskFlatVer2BackingInfo) (datastore.Path, types.BaseMethodFault) {
	folder := d.home
	if backing.FileName != "" {
		place, _, fault := d.locate(backing.FileName)
		if fault != nil {
			return datastore.Path{}, fault
		}
		if strings.HasSuffix(place.Relative, ".vmdk") {
			return place, nil
		}
		if place.Relative != "" {
			folder = place
		} else if place.Store != folder.Store {
			folder = datastore.Path{Store: place.Store, Relative: d.name}
			if err := d.server.stores.MakeFolder(folder, false); err != nil && !errors.Is(err, fs.ErrExist) {
				return datastore.Path{}, fileFault(folder, err)
			}
		}
	}
	return d.server.freeDiskPath(folder, d.name, "%s_%d.vmdk"), nil
}

// freeDiskPath returns a path that no disk has: the name without a number, or a numbered one.
func (s *Server) freeDiskPath(folder datastore.Path, name, pattern string) datastore.Path {
	place := folder.Join(name + ".vmdk")
	for number := 1; s.diskNameTaken(place); number++ {
		place = folder.Join(fmt.Sprintf(pattern, name, number))
	}
	return place
}

func (s *Server) diskNameTaken(place datastore.Path) bool {
	_, err := s.stores.Disk(place)
	return !errors.Is(err, fs.ErrNotExist)
}

// makeChild creates a child of a parent disk.
func (d *draft) makeChild(disk *types.VirtualDisk, backing *types.VirtualDiskFlatVer2BackingInfo,
	place, parent datastore.Path, id string) types.BaseMethodFault {
	if err := d.server.stores.CreateChild(place, parent, id); err != nil {
		return fileFault(place, err)
	}
	d.removeDiskOnDrop(place)
	return d.describeDisk(disk, backing, place)
}

func (d *draft) removeDiskOnDrop(place datastore.Path) {
	d.undo = append(d.undo, func() error { return d.server.stores.RemoveDisk(place) })
}

// attachDisk attaches an existing disk with its size.
func (d *draft) attachDisk(disk *types.VirtualDisk, backing *types.VirtualDiskFlatVer2BackingInfo) types.BaseMethodFault {
	place, _, fault := d.locate(backing.FileName)
	if fault != nil {
		return fault
	}
	return d.describeDisk(disk, backing, place)
}

// describeDisk sets the properties that are read from the disk's file.
func (d *draft) describeDisk(disk *types.VirtualDisk, backing *types.VirtualDiskFlatVer2BackingInfo, place datastore.Path) types.BaseMethodFault {
	chain, err := d.server.stores.Chain(place)
	if err != nil {
		return fileFault(place, err)
	}
	disk.CapacityInBytes, disk.CapacityInKB = chain[0].Capacity, chain[0].Capacity/1024
	described := d.server.backingOf(chain)
	described.DiskMode, described.Sharing = backing.DiskMode, backing.Sharing
	if described.Sharing == "" {
		described.Sharing = string(types.VirtualDiskSharingSharingNone)
	}
	disk.Backing = described
	disk.DiskObjectId = fmt.Sprintf("%s-%d", strings.TrimPrefix(d.vm.Value, "vm-"), disk.Key)
	return nil
}

// backingOf returns the backing of a chain, the topmost disk first.
func (s *Server) backingOf(chain []datastore.Disk) *types.VirtualDiskFlatVer2BackingInfo {
	var below *types.VirtualDiskFlatVer2BackingInfo
	for n := len(chain) - 1; n >= 0; n-- {
		disk := chain[n]
		below = &types.VirtualDiskFlatVer2BackingInfo{
			VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{
				FileName: disk.Path.String(), Datastore: &s.site.datastores[disk.Path.Store].Self},
			DiskMode: string(types.VirtualDiskModePersistent), Uuid: disk.UUID, ThinProvisioned: types.NewBool(disk.Thin),
			Split: types.NewBool(false), WriteThrough: types.NewBool(false), EagerlyScrub: types.NewBool(false),
			DigestEnabled: types.NewBool(false), ContentId: strings.ReplaceAll(disk.UUID, "-", ""), Parent: below,
		}
		if below.Parent != nil {
			below.DeltaDiskFormat = string(types.VirtualDiskDeltaDiskFormatRedoLogFormat)
		}
	}
	return below
}

// changeDisk extends a disk or replaces its file.
func (d *draft) changeDisk(change deviceChange, disk *types.VirtualDisk, backing *types.VirtualDiskFlatVer2BackingInfo, old *types.VirtualDisk) types.BaseMethodFault {
	was := old.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
	if backing.FileName != "" && backing.FileName != was.FileName {
		return d.attachDisk(disk, backing)
	}
	place, err := datastore.ParsePath(was.FileName)
	if err != nil {
		return &types.InvalidDatastorePath{DatastorePath: was.FileName}
	}
	wanted := capacityOf(disk)
	if disk.CapacityInKB*1024 != old.CapacityInBytes && disk.CapacityInBytes == old.CapacityInBytes && disk.CapacityInKB != 0 {
		wanted = disk.CapacityInKB * 1024 // only the deprecated property was changed
	}
	switch {
	case wanted == 0 || wanted == old.CapacityInBytes:
	case wanted < old.CapacityInBytes || wanted > largestDisk || wanted%512 != 0:
		return change.invalid("device.capacityInKB")
	case was.Parent != nil || d.frozen || d.server.diskUse.shared(place, d.vm):
		fault := &types.InvalidDeviceOperation{}
		because(&fault.MethodFault, "A disk with a parent or with children cannot be resized.")
		return fault
	default:
		if err := d.server.stores.GrowDisk(place, wanted); err != nil {
			return fileFault(place, err)
		}
	}
	return d.describeDisk(disk, backing, place)
}

// removeDisk marks the file for removal if the spec requests it.
func (d *draft) removeDisk(change deviceChange, disk *types.VirtualDisk) types.BaseMethodFault {
	if fault := d.checkDetach(change, disk); fault != nil {
		return fault
	}
	place := diskPath(disk)
	switch change.FileOperation {
	case "":
		return nil
	case types.VirtualDeviceConfigSpecFileOperationDestroy:
		if d.frozen {
			fault := &types.InvalidDeviceOperation{}
			because(&fault.MethodFault, "A disk that is part of a snapshot cannot be destroyed.")
			return fault
		}
		d.obsolete = append(d.obsolete, place)
		return nil
	}
	return change.invalid("fileOperation")
}

// diskPath returns the file of a disk. Every disk in the lab has a file backing.
func diskPath(disk *types.VirtualDisk) datastore.Path {
	place, err := datastore.ParsePath(disk.Backing.(types.BaseVirtualDeviceFileBackingInfo).GetVirtualDeviceFileBackingInfo().FileName)
	if err != nil {
		panic(err) // it was parsed when the disk was added
	}
	return place
}

func disksOf(devices []types.BaseVirtualDevice) []*types.VirtualDisk {
	var disks []*types.VirtualDisk
	for _, device := range devices {
		if disk, ok := device.(*types.VirtualDisk); ok {
			disks = append(disks, disk)
		}
	}
	return disks
}

func cardsOf(devices []types.BaseVirtualDevice) []*types.VirtualEthernetCard {
	var cards []*types.VirtualEthernetCard
	for _, device := range devices {
		if card, ok := device.(types.BaseVirtualEthernetCard); ok {
			cards = append(cards, card.GetVirtualEthernetCard())
		}
	}
	return cards
}

// stem returns a disk's name without its number and extension, from which the names of its child disks are derived.
func stem(place datastore.Path) string {
	name := strings.TrimSuffix(path.Base(place.Relative), ".vmdk")
	if cut := len(name) - len("-000001"); cut > 0 && name[cut] == '-' && strings.Trim(name[cut+1:], "0123456789") == "" {
		return name[:cut]
	}
	return name
}
