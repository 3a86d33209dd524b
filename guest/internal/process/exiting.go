// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// exiting is the kernel's PF_EXITING among the flags of a process.
const exiting = 0x4

// IsExiting returns whether the main process is at its end, or has ended. The kernel kills all other processes of the container
// before that is reported: what happens to them meanwhile is a consequence.
func (c *Container) IsExiting() bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.PID))
	if err != nil {
		return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH)
	}
	return hasExitingFlag(string(stat))
}

// hasExitingFlag reads the flags in the form of /proc/<pid>/stat, whose second field, the name, can have any character.
func hasExitingFlag(stat string) bool {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 7 {
		return false
	}
	flags, err := strconv.ParseUint(fields[6], 10, 64)
	return err == nil && flags&exiting != 0
}
