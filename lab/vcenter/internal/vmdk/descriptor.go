// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vmdk

import (
	"fmt"
	"hash/crc32"
	"path"
	"strings"
)

// Descriptor is the text file that stands for a disk in a datastore.
type Descriptor struct {
	Extent   string // the extent's file, in the same folder
	Capacity int64  // bytes
	UUID     string
	Parent   string // the parent's descriptor, relative to this one or from the datastore's root; empty: none
}

// Text renders the descriptor as ESXi writes one for a disk on VMFS.
func (d Descriptor) Text() string {
	var b strings.Builder
	create, extentType, parentCID := "vmfs", "VMFS", "ffffffff"
	if d.Parent != "" {
		create, extentType, parentCID = "vmfsSparse", "VMFSSPARSE", contentID(d.Parent)
	}
	fmt.Fprintf(&b, "# Disk DescriptorFile\nversion=1\nencoding=\"UTF-8\"\nCID=%s\nparentCID=%s\ncreateType=%q\n",
		contentID(d.Extent), parentCID, create)
	if d.Parent != "" {
		fmt.Fprintf(&b, "parentFileNameHint=%q\n", d.Parent)
	}
	fmt.Fprintf(&b, "\n# Extent description\nRW %d %s %q\n\n# The Disk Data Base\n#DDB\n\n", d.Capacity/sectorSize, extentType,
		path.Base(d.Extent))
	fmt.Fprintf(&b, "ddb.adapterType = \"lsilogic\"\nddb.uuid = %q\nddb.virtualHWVersion = \"14\"\n", d.UUID)
	return b.String()
}

// contentID is a fixed id for a name: the lab keeps no history of a disk's changes.
func contentID(name string) string {
	return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(path.Base(name)))&0x7fffffff)
}
