// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"slices"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/config"
)

func TestAnOpaqueNetworkIsConnectedByItsID(t *testing.T) {
	l := newLab(t, func(c *config.Config) { c.OpaqueNetworks = []string{"Overlay"} })
	network := must(l.finder.Network(t.Context(), "Overlay"))(t).(*object.OpaqueNetwork)
	summary := must(network.Summary(t.Context()))(t)
	if summary.OpaqueNetworkId == network.Reference().Value || summary.OpaqueNetworkType != "nsx.LogicalSwitch" {
		t.Errorf("summary %+v", summary)
	}
	add := func(id string) types.BaseVirtualDeviceConfigSpec {
		backing := &types.VirtualEthernetCardOpaqueNetworkBackingInfo{OpaqueNetworkId: id, OpaqueNetworkType: summary.OpaqueNetworkType}
		device := must(object.EthernetCardTypes().CreateEthernetCard("vmxnet3", backing))(l)
		return &types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationAdd, Device: device}
	}
	wrong := l.spec("wrong", scsi(), add(network.Reference().Value))
	isFault[types.InvalidDeviceSpec](l, l.refusal(l.folder.CreateVM(t.Context(), wrong, l.pool, nil)))
	vm := l.create(l.spec("web", scsi(), newDisk(gib), add(summary.OpaqueNetworkId)))
	if networks := l.read(vm).Network; len(networks) != 1 || networks[0] != network.Reference() {
		t.Errorf("networks %v", networks)
	}
	l.result(vm.PowerOn(t.Context()))
	if nic := l.guests.lastStarted().NICs[0]; nic.Network != "NSX Overlay" {
		t.Errorf("connected to %q", nic.Network)
	}
	for _, host := range l.server.site.hosts {
		if !slices.Contains(host.Network, network.Reference()) {
			t.Errorf("%s has %v", host.Name, host.Network)
		}
	}
}
