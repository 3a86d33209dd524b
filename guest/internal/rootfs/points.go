// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package rootfs

import (
	"path/filepath"
	"sort"

	"gantry.invalid/guest/internal/spec"
)

// EtcDirectory has the files that init writes and mounts over those of the image, as Docker does, so that they can change
// while the container runs, also with a read-only root.
const EtcDirectory = "/run/gantry/etc"

// etcFiles has their names, in the container's /etc and in EtcDirectory.
var etcFiles = []string{"hostname", "hosts", "resolv.conf"}

type point struct {
	path string
	file bool
}

// mountPoints returns the paths on which init mounts file systems and files in the container.
func mountPoints(wanted *spec.Spec) []point {
	points := []point{{path: "/dev"}, {path: "/proc"}, {path: "/sys"}}
	for _, mount := range sortedMounts(wanted) {
		points = append(points, point{path: mount.target})
	}
	for _, name := range etcFiles {
		points = append(points, point{path: "/etc/" + name, file: true})
	}
	for _, entry := range wanted.FileEntries() {
		points = append(points, point{path: entry.Target, file: true})
	}
	return points
}

// userMount is a tmpfs or a volume that the spec mounts at a directory.
type userMount struct {
	target string
	tmpfs  *spec.Tmpfs
	// opened is the key of the detached mount that is attached there, unless it is a tmpfs.
	opened   string
	readOnly bool
}

// sortedMounts returns the mounts of the spec with parents before their children.
func sortedMounts(wanted *spec.Spec) []userMount {
	var sorted []userMount
	for i := range wanted.Tmpfs {
		sorted = append(sorted, userMount{target: filepath.Clean(wanted.Tmpfs[i].Target), tmpfs: &wanted.Tmpfs[i]})
	}
	for i := range wanted.Volumes {
		volume := wanted.Volumes[i]
		sorted = append(sorted, userMount{
			target: filepath.Clean(volume.Target), opened: volume.ID, readOnly: volume.ReadOnly,
		})
	}
	for i, one := range wanted.NFS {
		// Read-only ones are mounted as such.
		sorted = append(sorted, userMount{target: filepath.Clean(one.Target), opened: nfsMount(i)})
	}
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].target < sorted[j].target })
	return sorted
}
