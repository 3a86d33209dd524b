// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package rootfs

import (
	"fmt"
	"os"
	"strings"
)

// mounted is a mount of the calling process's mount namespace.
type mounted struct {
	id, parent   string
	where        string
	kind, source string
	// onDisk: the file system is on a block device.
	onDisk   bool
	readOnly bool
}

// unescape decodes the characters that mountinfo escapes.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

func readMounts() ([]mounted, error) {
	content, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	return parseMounts(string(content))
}

func parseMounts(mountinfo string) ([]mounted, error) {
	var mounts []mounted
	for line := range strings.Lines(mountinfo) {
		// Identifier, parent, device, root, mount point, options, optional fields - type, source, options of the file system.
		left, right, found := strings.Cut(line, " - ")
		place, system := strings.Fields(left), strings.Fields(right)
		if !found || len(place) < 6 || len(system) < 3 {
			return nil, fmt.Errorf("/proc/self/mountinfo has an unknown line: %q", line)
		}
		mounts = append(mounts, mounted{
			id: place[0], parent: place[1], where: unescape.Replace(place[4]),
			kind: system[0], source: unescape.Replace(system[1]),
			// File systems that are not on a block device have the major number 0.
			onDisk:   !strings.HasPrefix(place[2], "0:"),
			readOnly: system[2] == "ro" || strings.HasPrefix(system[2], "ro,"),
		})
	}
	return mounts, nil
}
