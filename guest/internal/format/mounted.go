// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package format

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// ChangeMounted calls a function with the open directory where a file system is mounted, for an ioctl on it.
func ChangeMounted(directory string, change func(fd int) error) error {
	fd, err := unix.Open(directory, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", directory, err)
	}
	return errors.Join(change(fd), unix.Close(fd))
}
