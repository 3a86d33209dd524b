// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"testing"

	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/mo"
)

func TestTheParentsOfDisksAreHidden(t *testing.T) {
	l := newLab(t)
	image, snapshot := l.image("image")
	clone := l.clone(image, "web", linked(l, snapshot))
	l.behave(`{"hide_disk_parents": true}`)
	for _, paths := range [][]string{{"config"}, {"config.hardware"}, {"config.hardware.device"}} {
		var read mo.VirtualMachine
		if err := property.DefaultCollector(l.client.Client).RetrieveOne(t.Context(), clone.Reference(), paths, &read); err != nil {
			t.Fatal(err)
		}
		disks := disksOf(read.Config.Hardware.Device)
		if len(disks) != 1 || backing(disks[0]).Parent != nil || backing(disks[0]).FileName != "[shared0] web/web.vmdk" {
			t.Errorf("%v has the disks %v", paths, disks)
		}
	}
	// The chain is still there: the image's disk is kept for the clone.
	l.result(image.Destroy(t.Context()))
	l.run("qemu-img", "check", l.path("web/web-delta.vmdk"))
	l.behave(`{"hide_disk_parents": false}`)
	if parent := backing(l.disk(clone)).Parent; parent == nil || parent.FileName != "[shared0] image/image.vmdk" {
		t.Errorf("the parent is %v", parent)
	}
}
