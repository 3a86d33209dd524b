// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The hooks of the container: commands inside it whose output is the container's.

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gantry.invalid/guest/internal/process"
	"gantry.invalid/guest/internal/spec"
	"gantry.invalid/guest/logbuf"
)

// hookOutputBytes is how much of a hook's output is kept for messages.
const hookOutputBytes = 256

// Hook runs a hook inside the container, and copies its output to the log and the console.
func (r *run) Hook(ctx context.Context, hook spec.Hook) (int, string, error) {
	beginning := &process.Beginning{Limit: hookOutputBytes}
	stdout, stderr := r.hookStream(logbuf.Stdout, beginning), r.hookStream(logbuf.Stderr, beginning)
	status, err := r.container.Run(ctx, r.starter.machine.reaper, hookCommand(r.starter.spec, hook, stdout, stderr))
	if flushErr := errors.Join(stdout.log.Flush(), stderr.log.Flush()); flushErr != nil {
		r.starter.machine.logError(flushErr)
	}
	return process.ExitCode(status), beginning.Text(), err
}

func (r *run) hookStream(stream logbuf.Stream, beginning *process.Beginning) *hookStream {
	return &hookStream{log: r.starter.log.Writer(stream), machine: r.starter.machine, beginning: beginning}
}

// hookCommand returns the command of a hook: what the hook does not say is as for the container's program.
func hookCommand(wanted *spec.Spec, hook spec.Hook, stdout, stderr *hookStream) process.Command {
	command := process.Command{Args: hook.Args, Process: wanted.Process, User: hook.User, Hostname: wanted.Hostname,
		Stdout: stdout, Stderr: stderr}
	command.Process.Env = slices.Concat(wanted.Process.Env, hook.Env)
	if hook.Cwd != "" {
		command.Process.Cwd = hook.Cwd
	}
	return command
}

// hookStream is one stream of a hook.
type hookStream struct {
	log       *logbuf.Writer
	machine   *machine
	beginning *process.Beginning
	failed    bool // the log, which has been reported
}

// Write never fails, as the copy of the container's own output: a hook must not block if the log cannot be written.
func (h *hookStream) Write(piece []byte) (int, error) {
	if _, err := h.log.Write(piece); err != nil && !h.failed {
		h.machine.logError(err)
		h.failed = true
	}
	// The Write method of the console does not fail.
	_, _ = h.machine.console.Write(piece)
	return h.beginning.Write(piece)
}

// noter returns what adds a line of init's own to the log, as another line of the container, and to the console.
func (m *machine) noter(log *logbuf.Log) func(line string) {
	notes := log.Writer(logbuf.Stderr)
	return func(line string) {
		m.console.logf("%s", line)
		if _, err := fmt.Fprintf(notes, "gantry: %s\n", line); err != nil {
			m.logError(err)
		}
	}
}
