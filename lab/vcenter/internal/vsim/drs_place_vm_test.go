// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"testing"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/config"
)

// newPlacementLab returns a lab in which only esx1 has the emptiest datastore, and only esx1 and esx2 have the network Backend.
func newPlacementLab(t *testing.T) *lab {
	return newLab(t, func(c *config.Config) {
		c.Datastores = append(c.Datastores, config.Datastore{Name: "local1", CapacityBytes: 2 * c.Datastores[0].CapacityBytes, Hosts: []string{"esx1"}})
		c.Networks[1].Hosts = []string{"esx1", "esx2"}
	})
}

func (l *lab) place(spec types.PlacementSpec) types.PlacementResult {
	l.Helper()
	cluster := l.server.site.cluster.Self
	return must(methods.PlaceVm(l.Context(), l.client.Client, &types.PlaceVm{This: cluster, PlacementSpec: spec}))(l).Returnval
}

// placed returns the names of the recommended host and datastore.
func (l *lab) placed(spec types.PlacementSpec) (host, store string) {
	l.Helper()
	result := l.place(spec)
	if len(result.Recommendations) == 0 {
		l.Fatalf("recommended nothing: %+v", result.DrsFault)
	}
	action := result.Recommendations[0].Action[0].(*types.PlacementAction)
	return l.server.nameOf(*action.TargetHost), l.server.nameOf(*action.RelocateSpec.Datastore)
}

func TestPlacementRecommendsAHostForADatastore(t *testing.T) {
	l := newPlacementLab(t)
	busy := l.create(l.spec("busy"))
	l.result(busy.PowerOn(t.Context()))
	l.result(busy.Relocate(t.Context(), types.VirtualMachineRelocateSpec{Host: l.host("esx1")}, ""))
	vm := l.create(l.spec("web")).Reference()
	spec := types.PlacementSpec{PlacementType: "relocate", Vm: &vm}
	if host, store := l.placed(spec); host != "esx1" || store != "local1" {
		t.Errorf("without a datastore it recommends %s with %s", host, store)
	}
	shared := l.store.Reference()
	spec.Datastores = []ref{shared}
	if host, store := l.placed(spec); host == "esx1" || store != "shared0" {
		t.Errorf("among given datastores it recommends %s with %s", host, store)
	}
	spec.Datastores, spec.RelocateSpec = nil, &types.VirtualMachineRelocateSpec{Datastore: &shared}
	if host, store := l.placed(spec); host == "esx1" || store != "shared0" {
		t.Errorf("for a datastore it recommends %s with %s", host, store)
	}
}

func TestPlacementConsidersTheDisksAndNetworksAfterTheMove(t *testing.T) {
	l := newPlacementLab(t)
	vm := l.create(l.spec("web", scsi(), newDisk(64*mib), card("Backend", "")))
	shared, local := l.store.Reference(), l.server.site.datastores["local1"].Self
	reference := vm.Reference()
	relocate := types.VirtualMachineRelocateSpec{Datastore: &shared}
	spec := types.PlacementSpec{PlacementType: "relocate", Vm: &reference, RelocateSpec: &relocate, Hosts: []ref{*l.host("esx3")}}
	if result := l.place(spec); result.DrsFault == nil {
		t.Errorf("recommended %+v for a host without the network", result.Recommendations)
	}
	moved := card("VM Network", "").GetVirtualDeviceConfigSpec()
	moved.Operation, moved.Device.GetVirtualDevice().Key = types.VirtualDeviceConfigSpecOperationEdit, cardsOf(l.read(vm).Config.Hardware.Device)[0].Key
	relocate.DeviceChange = []types.BaseVirtualDeviceConfigSpec{moved}
	if host, store := l.placed(spec); host != "esx3" || store != "shared0" {
		t.Errorf("with another network it recommends %s with %s", host, store)
	}
	relocate.Disk = []types.VirtualMachineRelocateSpecDiskLocator{{DiskId: l.disk(vm).Key, Datastore: local}}
	if result := l.place(spec); result.DrsFault == nil {
		t.Errorf("recommended %+v for a host without the disk's datastore", result.Recommendations)
	}
}
