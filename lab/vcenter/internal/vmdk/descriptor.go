// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The descriptors of the disks in a datastore.

package vmdk

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

const (
	typeFlat  = "vmfs"
	typeDelta = "vmfsSparse"
	noParent  = "ffffffff"
)

// Descriptor is the text file that a disk's path refers to.
type Descriptor struct {
	Capacity int64  // bytes
	Extent   string // file with the data, beside the descriptor
	Parent   string // path of the parent's descriptor; empty: the extent has all data
	UUID     string
	Thin     bool
}

// Encode returns the content of the file.
func (d Descriptor) Encode() []byte {
	kind, extent, parentCID := typeFlat, "VMFS", noParent
	if d.Parent != "" {
		kind, extent, parentCID = typeDelta, "VMFSSPARSE", "fffffffe"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Disk DescriptorFile\nversion=1\nencoding=\"UTF-8\"\nCID=fffffffe\nparentCID=%s\ncreateType=%q\n",
		parentCID, kind)
	if d.Parent != "" {
		fmt.Fprintf(&b, "parentFileNameHint=%q\n", d.Parent)
	}
	fmt.Fprintf(&b, "\n# Extent description\nRW %d %s %q\n", d.Capacity/sectorSize, extent, d.Extent)
	fmt.Fprintf(&b, "\n# The Disk Data Base\n#DDB\n\nddb.adapterType = \"lsilogic\"\nddb.uuid = %q\n", d.UUID)
	if d.Thin {
		b.WriteString("ddb.thinProvisioned = \"1\"\n")
	}
	return b.Bytes()
}

// ParseDescriptor parses the content that Encode returns.
func ParseDescriptor(content []byte) (Descriptor, error) {
	var d Descriptor
	lines := bufio.NewScanner(bytes.NewReader(content))
	if !lines.Scan() || strings.TrimSpace(lines.Text()) != "# Disk DescriptorFile" {
		return Descriptor{}, fmt.Errorf("the file is not a disk descriptor")
	}
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "RW ") {
			if err := d.parseExtent(line); err != nil {
				return Descriptor{}, err
			}
			continue
		}
		name, value, _ := strings.Cut(line, "=")
		if err := d.set(strings.TrimSpace(name), strings.TrimSpace(value)); err != nil {
			return Descriptor{}, err
		}
	}
	if err := lines.Err(); err != nil {
		return Descriptor{}, err
	}
	if d.Extent == "" {
		return Descriptor{}, fmt.Errorf("the disk descriptor has no extent")
	}
	return d, nil
}

func (d *Descriptor) set(name, quoted string) (err error) {
	switch name {
	case "parentFileNameHint":
		d.Parent, err = strconv.Unquote(quoted)
	case "ddb.uuid":
		d.UUID, err = strconv.Unquote(quoted)
	case "ddb.thinProvisioned":
		d.Thin = quoted == `"1"`
	}
	if err != nil {
		return fmt.Errorf("disk descriptor: %s is %s: %w", name, quoted, err)
	}
	return nil
}

func (d *Descriptor) parseExtent(line string) error {
	if d.Extent != "" {
		return fmt.Errorf("the disk descriptor has more than one extent")
	}
	fields := strings.SplitN(line, " ", 4)
	if len(fields) != 4 {
		return fmt.Errorf("the disk descriptor has an invalid extent %q", line)
	}
	sectors, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil || sectors <= 0 || sectors > 1<<40 {
		return fmt.Errorf("the disk descriptor has an extent of %q sectors", fields[1])
	}
	d.Capacity = sectors * sectorSize
	if d.Extent, err = strconv.Unquote(fields[3]); err != nil || strings.Contains(d.Extent, "/") || d.Extent == "" {
		return fmt.Errorf("the disk descriptor has an invalid extent file %s", fields[3])
	}
	return nil
}
