// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
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
	streams, err := openOutputs()
	if err != nil {
		return nil, err
	}
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		s.copyOutput(streams)
	}()
	container, err := s.launch(streams)
	if closeErr := streams.closeWrite(); closeErr != nil {
		s.machine.logError(closeErr)
	}
	if err != nil {
		<-copied
		return nil, err
	}
	s.machine.console.logf("started %q", s.spec.Process.Args)
	run := &run{container: container, starter: s, ended: make(chan supervise.End, 1)}
	go func() {
		status := <-container.Ended
		s.machine.operations.use(nil)
		// When the last process has ended, there are no more writers, so the output is complete.
		<-copied
		kills, err := s.cgroup.OOMKills()
		if err != nil {
			s.machine.logError(err)
		}
		run.ended <- supervise.End{ExitCode: process.ExitCode(status), OOMKilled: kills > killsBefore}
	}()
	return run, nil
}

// launch starts the container's first process. Its files are not replaced meanwhile, so that all of them are of one delivery.
func (s *starter) launch(streams *outputs) (*process.Container, error) {
	s.machine.contents.mu.Lock()
	defer s.machine.contents.mu.Unlock()
	launcher := &process.Launcher{Reaper: s.machine.reaper, Spec: s.spec, Cgroup: s.cgroup}
	container, err := launcher.Start(streams.write[0], streams.write[1])
	if err == nil {
		s.machine.operations.use(container)
	}
	return container, err
}

// copyOutput copies output to the log and the console. It continues after errors of the log: the container must not block if its
// log cannot be written.
func (s *starter) copyOutput(streams *outputs) {
	writers := []*logbuf.Writer{s.log.Writer(logbuf.Stdout), s.log.Writer(logbuf.Stderr)}
	logged := false
	err := streams.copy(func(index int, piece []byte) {
		var err error
		if len(piece) == 0 {
			err = writers[index].Flush()
		} else {
			_, err = writers[index].Write(piece)
			// The Write method of the console does not fail.
			_, _ = s.machine.console.Write(piece)
		}
		if err != nil && !logged {
			s.machine.logError(err)
			logged = true
		}
	})
	if err = errors.Join(err, streams.close()); err != nil {
		s.machine.logError(err)
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

func (r *run) IsExiting() bool { return r.container.IsExiting() }

func (r *run) Probe(ctx context.Context, args []string) (int, string, error) {
	return r.container.Probe(ctx, r.starter.machine.reaper, r.starter.spec, args)
}
