// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Guest operations: programs that clients of vCenter start in the container.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"gantry.invalid/guest/guestops"
	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/process"
	"gantry.invalid/guest/internal/report"
	"gantry.invalid/guest/internal/spec"
)

// The memory for results of programs is a part of the machine's. The container cannot use it.
const (
	resultsShare = 64
	leastResults = 1 << 20
	mostResults  = 16 << 20
)

// refusalsInterval is the shortest time between two reports of refused requests.
const refusalsInterval = 10 * time.Second

// operations runs programs in the container that runs now.
type operations struct {
	machine *machine
	server  *guestops.Server
	memory  int // of all results

	mu        sync.Mutex
	spec      *spec.Spec
	container *process.Container // nil: none runs
	refused   int
	reporting bool
}

func newOperations(m *machine) (*operations, error) {
	total, err := readMemory("MemTotal:")
	if err != nil {
		return nil, err
	}
	o := &operations{machine: m, memory: int(min(max(total/resultsShare, leastResults), mostResults))}
	o.server = guestops.New(o, o.memory)
	return o, nil
}

// enable offers guest operations if the document does.
func (o *operations) enable(wanted *spec.Spec) {
	if wanted.GuestOperations == nil {
		return
	}
	o.mu.Lock()
	o.spec = wanted
	o.mu.Unlock()
	o.server.Access.Enable(wanted.GuestOperations.Hash(), o.countRefused)
}

// use sets the container in which programs are started, or that there is none.
func (o *operations) use(container *process.Container) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.container = container
}

// current returns the container that runs now; nil if none does.
func (o *operations) current() *process.Container {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.container
}

// countRefused reports refused requests: the first at once, and further ones together after a while.
func (o *operations) countRefused(refused int) {
	o.machine.console.logf("a guest operation was refused: its user name or secret is wrong (%d in all)", refused)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refused = refused
	if o.reporting {
		return
	}
	o.reporting = true
	go o.reportRefused(refused)
}

func (o *operations) reportRefused(reported int) {
	for {
		o.machine.reporter.Update(func(status *report.Status) { status.GuestOperations = &report.GuestOperations{Refused: reported} })
		time.Sleep(refusalsInterval)
		o.mu.Lock()
		latest := o.refused
		o.reporting = latest != reported
		o.mu.Unlock()
		if latest == reported {
			return
		}
		reported = latest
	}
}

// running returns the container and its specification, or a failure if none runs.
func (o *operations) running() (*spec.Spec, *process.Container, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.container == nil {
		return nil, nil, &guestops.Failure{Code: guestops.NotRunning, Message: "The container does not run now.",
			ExitCode: guestops.ExitNotStarted}
	}
	return o.spec, o.container, nil
}

// Run runs a command in the container.
func (o *operations) Run(ctx context.Context, request guestops.Exec, stdout, stderr io.Writer) (guestops.Exit, error) {
	wanted, container, err := o.running()
	if err != nil {
		return guestops.Exit{}, err
	}
	command := process.Command{Args: request.Command, Process: wanted.Process, User: request.User, Hostname: wanted.Hostname,
		Stdin: request.Stdin, Stdout: stdout, Stderr: stderr}
	command.Process.Env = slices.Clone(wanted.Process.Env)
	for _, name := range slices.Sorted(maps.Keys(request.Env)) {
		command.Process.Env = append(command.Process.Env, name+"="+request.Env[name])
	}
	if request.WorkingDir != "" {
		command.Process.Cwd = request.WorkingDir
	}
	status, err := container.Run(ctx, o.machine.reaper, command)
	if err != nil && ctx.Err() == nil {
		return guestops.Exit{}, o.failureOf(err)
	}
	exit := guestops.Exit{Code: process.ExitCode(status)}
	if status.Signaled() {
		exit.Signal = int(status.Signal())
	}
	return exit, nil
}

// failureOf returns why a command was not started. A container that has ended meanwhile cannot be entered.
func (o *operations) failureOf(err error) error {
	o.mu.Lock()
	isRunning := o.container != nil
	o.mu.Unlock()
	var failed *failure.Failure
	switch {
	case errors.As(err, &failed):
		code := failed.ExitCode
		if code == 0 {
			code = guestops.ExitCannotExecute
		}
		return &guestops.Failure{Code: string(failed.Code), Message: failed.Message, ExitCode: code}
	case !isRunning:
		return &guestops.Failure{Code: guestops.NotRunning, Message: fmt.Sprintf("The container has ended: %v", err),
			ExitCode: guestops.ExitNotStarted}
	}
	return err
}
