// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"testing"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

func TestTheDevicesOfAConfigOptionAreNamed(t *testing.T) {
	l := newLab(t)
	browser := l.server.site.cluster.EnvironmentBrowser
	answer := must(methods.QueryConfigOptionEx(t.Context(), l.client, &types.QueryConfigOptionEx{This: *browser,
		Spec: &types.EnvironmentBrowserConfigOptionQuerySpec{GuestId: []string{"debian12_64Guest"}}}))(t)
	guests := answer.Returnval.GuestOSDescriptor
	if len(guests) != 1 || guests[0].RecommendedDiskController != "ParaVirtualSCSIController" || guests[0].RecommendedEthernetCard != "VirtualVmxnet3" {
		t.Errorf("guests %+v", guests)
	}
}
