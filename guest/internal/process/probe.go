// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package process

import (
	"context"

	"gantry.invalid/guest/internal/spec"
)

// ProbeOutputBytes is the maximum size of a probe's output, as in Docker.
const ProbeOutputBytes = 4096

// Probe runs a command inside the container, as the container's user, and returns its exit code and the beginning of its
// output. The command is killed when ctx ends.
func (c *Container) Probe(ctx context.Context, reaper *Reaper, wanted *spec.Spec, args []string) (int, string, error) {
	output := &Beginning{Limit: ProbeOutputBytes}
	status, err := c.Run(ctx, reaper, Command{Args: args, Process: wanted.Process, Hostname: wanted.Hostname, Stdout: output, Stderr: output})
	return ExitCode(status), output.Text(), err
}
