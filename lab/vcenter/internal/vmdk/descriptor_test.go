// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vmdk

import "testing"

func TestADescriptorIsReadAsItWasWritten(t *testing.T) {
	for name, want := range map[string]Descriptor{
		"flat":  {Capacity: 1 << 30, Extent: "a b-flat.vmdk", UUID: "60 00 C2 9f"},
		"thin":  {Capacity: 512, Extent: "a-flat.vmdk", UUID: "u", Thin: true},
		"delta": {Capacity: 62 << 40, Extent: `q"-delta.vmdk`, UUID: "u", Parent: "/vmfs/volumes/shared 0/base/base.vmdk"},
	} {
		got, err := ParseDescriptor(want.Encode())
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestInvalidDescriptorsAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"empty":        "",
		"raw data":     "\x00\x01\x02",
		"no extent":    "# Disk DescriptorFile\nversion=1\n",
		"escape":       "# Disk DescriptorFile\nRW 8 VMFS \"../x\"\n",
		"no size":      "# Disk DescriptorFile\nRW x VMFS \"x\"\n",
		"two extents":  "# Disk DescriptorFile\nRW 8 VMFS \"x\"\nRW 8 VMFS \"y\"\n",
		"bad quotes":   "# Disk DescriptorFile\nddb.uuid = 6\nRW 8 VMFS \"x\"\n",
		"short extent": "# Disk DescriptorFile\nRW 8\n",
	} {
		if got, err := ParseDescriptor([]byte(text)); err == nil {
			t.Errorf("%s: read as %+v", name, got)
		}
	}
}
