// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package process

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// limitCapabilities drops all other capabilities from the bounding set of the calling thread. No capabilities are
// inheritable or ambient, so by the kernel's rules for exec, as in Docker, root has exactly the bounding set and other users
// have none.
func limitCapabilities(keep []int) error {
	kept := map[int]bool{}
	for _, number := range keep {
		kept[number] = true
	}
	for number := 0; number <= unix.CAP_LAST_CAP; number++ {
		if kept[number] {
			continue
		}
		// A kernel without this capability returns EINVAL: there is nothing to drop.
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(number), 0, 0, 0); err != nil && err != unix.EINVAL {
			return fmt.Errorf("drop capability %d: %w", number, err)
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("clear the ambient capabilities: %w", err)
	}
	return nil
}
