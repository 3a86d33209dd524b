// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"syscall"

	"gantry.invalid/guest/internal/cgroup"
	"gantry.invalid/guest/internal/process"
	"gantry.invalid/guest/internal/spec"
	"gantry.invalid/guest/internal/supervise"
	"gantry.invalid/guest/logbuf"
)

// starter starts runs of the container, with their output copied to the log and the console.
type starter struct {
	machine *machine
	spec    *spec.Spec
	log     *logbuf.Log
	cgroup  *cgroup.Group
}

func (s *starter) start() (supervise.Instance, error) {
	killsBefore, err := s.cgroup.OOMKills()
	if err != nil {
		return nil, err
	}
	var copying sync.WaitGroup
	stdout, err := s.openOutput(logbuf.Stdout, &copying)
	if err != nil {
		return nil, err
	}
	stderr, err := s.openOutput(logbuf.Stderr, &copying)
	if err != nil {
		return nil, errors.Join(err, stdout.Close())
	}
	launcher := &process.Launcher{Reaper: s.machine.reaper, Spec: s.spec, Cgroup: s.cgroup}
	container, err := launcher.Start(stdout, stderr)
	if closeErr := errors.Join(stdout.Close(), stderr.Close()); closeErr != nil {
		s.machine.logError(closeErr)
	}
	if err != nil {
		copying.Wait()
		return nil, err
	}
	s.machine.console.logf("started %q", s.spec.Process.Args)
	s.machine.operations.use(container)
	run := &run{container: container, starter: s, ended: make(chan supervise.End, 1)}
	go func() {
		status := <-container.Ended
		s.machine.operations.use(nil)
		// When the last process has ended, there are no more writers, so the output is complete.
		copying.Wait()
		kills, err := s.cgroup.OOMKills()
		if err != nil {
			s.machine.logError(err)
		}
		run.ended <- supervise.End{ExitCode: process.ExitCode(status), OOMKilled: kills > killsBefore}
	}()
	return run, nil
}

// openOutput returns the container's end of a pipe, whose output is copied until the last process has closed it.
func (s *starter) openOutput(stream logbuf.Stream, copying *sync.WaitGroup) (*os.File, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	copying.Go(func() { s.copyOutput(read, s.log.Writer(stream)) })
	return write, nil
}

// copyOutput continues reading after errors: the container must not block if its log cannot be written.
func (s *starter) copyOutput(read *os.File, log *logbuf.Writer) {
	defer read.Close()
	chunk := make([]byte, 32<<10)
	logged := false
	logOnce := func(err error) {
		if err != nil && !logged {
			s.machine.logError(err)
			logged = true
		}
	}
	for {
		size, err := read.Read(chunk)
		if size > 0 {
			_, writeErr := log.Write(chunk[:size])
			logOnce(writeErr)
			// The Write method of the console does not fail.
			_, _ = s.machine.console.Write(chunk[:size])
		}
		if err != nil {
			logOnce(log.Flush())
			if !errors.Is(err, io.EOF) {
				s.machine.logError(err)
			}
			return
		}
	}
}

// run is one run of the container.
type run struct {
	container *process.Container
	starter   *starter
	ended     chan supervise.End
}

func (r *run) PID() int { return r.container.PID }

func (r *run) Ended() <-chan supervise.End { return r.ended }

func (r *run) Signal(number syscall.Signal) error { return r.container.Signal(number) }

func (r *run) Probe(ctx context.Context, args []string) (int, string, error) {
	return r.container.Probe(ctx, r.starter.machine.reaper, r.starter.spec, args)
}
