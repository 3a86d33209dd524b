// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package rootfs

import (
	"path/filepath"
	"sort"

	"gantry.invalid/guest/internal/spec"
)

// EtcDirectory holds the files that init writes and mounts over the image's, as Docker does: they can change while the
// container runs, and a read-only root has them too.
const EtcDirectory = "/run/gantry/etc"

// etcFiles are their names, in the container's /etc and in EtcDirectory.
var etcFiles = []string{"hostname", "hosts", "resolv.conf"}

type point struct {
	path string
	file bool
}

// mountPoints is where init mounts something in the container.
func mountPoints(wanted *spec.Spec) []point {
	points := []point{{path: "/dev"}, {path: "/proc"}, {path: "/sys"}}
	for _, tmpfs := range sortedTmpfs(wanted.Tmpfs) {
		points = append(points, point{path: filepath.Clean(tmpfs.Target)})
	}
	for _, name := range etcFiles {
		points = append(points, point{path: "/etc/" + name, file: true})
	}
	return points
}

// sortedTmpfs has parents before what is mounted in them.
func sortedTmpfs(mounts []spec.Tmpfs) []spec.Tmpfs {
	sorted := append([]spec.Tmpfs{}, mounts...)
	sort.SliceStable(sorted, func(i, j int) bool {
		return filepath.Clean(sorted[i].Target) < filepath.Clean(sorted[j].Target)
	})
	return sorted
}
