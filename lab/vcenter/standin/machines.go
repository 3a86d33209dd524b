// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The VMs of vcsim's inventory, made with an ordinary client: DC0_C0_RP0_VM0, DC0_H0_VM0 and so on.

package main

import (
	"context"
	"fmt"
	"net/url"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"
)

func populate(ctx context.Context, address *url.URL, o options) error {
	client, err := govmomi.NewClient(ctx, address, true)
	if err != nil {
		return err
	}
	finder := find.NewFinder(client.Client)
	datacenter, err := finder.Datacenter(ctx, "DC0")
	if err != nil {
		return err
	}
	finder.SetDatacenter(datacenter)
	folders, err := datacenter.Folders(ctx)
	if err != nil {
		return err
	}
	for number := range o.clusters + o.standalones {
		cluster, prefix := fmt.Sprintf("DC0_C%d", number), fmt.Sprintf("DC0_C%d_RP0", number)
		if number >= o.clusters {
			cluster = fmt.Sprintf("DC0_H%d", number-o.clusters)
			prefix = cluster
		}
		pool, err := finder.ResourcePool(ctx, cluster+"/Resources")
		if err != nil {
			return err
		}
		for n := range o.machines {
			if err := create(ctx, finder, folders.VmFolder, pool, fmt.Sprintf("%s_VM%d", prefix, n), o.start); err != nil {
				return err
			}
		}
	}
	return client.Logout(ctx)
}

func create(ctx context.Context, finder *find.Finder, folder *object.Folder, pool *object.ResourcePool, name string, start bool) error {
	network, err := finder.Network(ctx, "DC0_DVPG0")
	if err != nil {
		return err
	}
	backing, err := network.EthernetCardBackingInfo(ctx)
	if err != nil {
		return err
	}
	changes, err := devices(name, backing)
	if err != nil {
		return err
	}
	task, err := folder.CreateVM(ctx, types.VirtualMachineConfigSpec{Name: name, GuestId: "otherGuest", NumCPUs: 1, MemoryMB: 32,
		Files: &types.VirtualMachineFileInfo{VmPathName: "[LocalDS_0]"}, DeviceChange: changes}, pool, nil)
	if err != nil {
		return err
	}
	info, err := task.WaitForResult(ctx)
	if err != nil || !start {
		return err
	}
	if task, err = object.NewVirtualMachine(folder.Client(), info.Result.(types.ManagedObjectReference)).PowerOn(ctx); err != nil {
		return err
	}
	return task.Wait(ctx)
}

// devices returns what vcsim's VMs have: a SCSI disk, a CD drive and a network adapter.
func devices(name string, backing types.BaseVirtualDeviceBackingInfo) ([]types.BaseVirtualDeviceConfigSpec, error) {
	var all object.VirtualDeviceList
	ide, err := all.CreateIDEController()
	if err != nil {
		return nil, err
	}
	all = append(all, ide) // the next device has another key
	scsi, err := all.CreateSCSIController("pvscsi")
	if err != nil {
		return nil, err
	}
	all = append(all, scsi)
	drive, err := all.CreateCdrom(ide.(*types.VirtualIDEController))
	if err != nil {
		return nil, err
	}
	drive.Connectable = &types.VirtualDeviceConnectInfo{AllowGuestControl: true} // a connected one would prevent moves
	disk := all.CreateDisk(scsi.(types.BaseVirtualController), types.ManagedObjectReference{}, fmt.Sprintf("[LocalDS_0] %s/disk1.vmdk", name))
	disk.CapacityInBytes = 10 << 30
	disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo).Datastore = nil
	card, err := all.CreateEthernetCard("e1000", backing)
	if err != nil {
		return nil, err
	}
	return append(all, drive, disk, card).ConfigSpec(types.VirtualDeviceConfigSpecOperationAdd)
}
