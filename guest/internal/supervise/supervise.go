// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package supervise

import (
	"context"
	"syscall"
	"time"

	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/health"
	"gantry.invalid/guest/internal/report"
	"gantry.invalid/guest/internal/spec"
)

// Instance is one run of the container.
type Instance interface {
	PID() int
	// Ended receives a value when the container's processes have ended and their output has been read.
	Ended() <-chan End
	Signal(number syscall.Signal) error
	Probe(ctx context.Context, args []string) (exitCode int, output string, err error)
	// Hook runs a hook until it ends, and returns the beginning of its output. It is killed when ctx ends.
	Hook(ctx context.Context, hook spec.Hook) (exitCode int, output string, err error)
	// IsExiting is whether the main process is at its end, which Ended receives soon.
	IsExiting() bool
}

// End is the result of one run.
type End struct {
	ExitCode int
	// OOMKilled is whether a process of the container, not necessarily the main one, was killed because memory ran out.
	OOMKilled bool
}

// Supervisor runs the container.
type Supervisor struct {
	Spec  *spec.Spec
	Start func() (Instance, error)
	// Restart returns the restart policy, which can change while the container runs. It is called at each end of a run.
	Restart  func() spec.Restart
	Reporter *report.Reporter
	// PublishLog is called each time the process has ended, before the status is published.
	PublishLog func()
	// MemoryAvailable is called once, just before the first start.
	MemoryAvailable func() int64
	// Logf writes to the console.
	Logf func(format string, args ...any)
	// Note adds a line of init's own to the container's log.
	Note func(line string)
}

// Outcome is the final result.
type Outcome struct {
	End
	// Failure is the reason why the container's program could not be started, or had to be killed because of a hook. ExitCode is
	// then 126 or 127, or 0 if neither applies.
	Failure *failure.Failure
}

// Run starts the container, restarts it by its policy, and returns when it has finally ended. Closing the stop channel
// requests a stop.
func (s *Supervisor) Run(stop <-chan struct{}) Outcome {
	memory := s.MemoryAvailable()
	s.Reporter.Update(func(status *report.Status) { status.MemoryAvailable = memory })
	var delays backoff
	for restarts := 0; ; restarts++ {
		began := time.Now()
		instance, err := s.Start()
		if err != nil {
			failed := failure.From(err, failure.StartFailed)
			return Outcome{End: End{ExitCode: failed.ExitCode}, Failure: failed}
		}
		s.reportStarted(instance, restarts)
		outcome, isFinal := s.supervise(instance, stop)
		if isFinal || !shouldRestart(s.Restart(), outcome.ExitCode, restarts) {
			return outcome
		}
		delay := delays.after(time.Since(began))
		s.Logf("exit code %d; restart %d in %v", outcome.ExitCode, restarts+1, delay)
		s.reportRestarting(outcome.End)
		select {
		case <-stop:
			return outcome
		case <-time.After(delay):
		}
	}
}

// reportStarted reports a new run. Whoever waits for its start waits for the hooks, too.
func (s *Supervisor) reportStarted(instance Instance, restarts int) {
	s.Reporter.Update(func(status *report.Status) {
		if len(s.Spec.Hooks.PostStart) == 0 {
			status.State = report.Running
		}
		status.PID = instance.PID()
		status.RestartCount = restarts
		status.OOMKilled = false
		status.StartedAt = report.Timestamp(time.Now())
		status.HealthOutput = ""
		if s.Spec.Healthcheck != nil {
			status.Health = report.Starting
		}
	})
}

func (s *Supervisor) reportRestarting(end End) {
	s.PublishLog()
	s.Reporter.Update(func(status *report.Status) {
		status.State = report.Restarting
		status.PID = 0
		status.ExitCode, status.OOMKilled = &end.ExitCode, end.OOMKilled
		status.FinishedAt = report.Timestamp(time.Now())
	})
}

// supervise waits for the end of one run, and returns whether no other may follow: after a stop, and if a hook has failed.
func (s *Supervisor) supervise(instance Instance, stop <-chan struct{}) (outcome Outcome, isFinal bool) {
	if len(s.Spec.Hooks.PostStart) > 0 {
		ended, isStopped := s.postStart(instance, stop)
		if ended != nil {
			return *ended, ended.Failure != nil
		}
		if isStopped {
			return Outcome{End: s.stop(instance)}, true
		}
		s.Reporter.Update(func(status *report.Status) { status.State = report.Running })
	}
	checking, endChecks := context.WithCancel(context.Background())
	defer endChecks()
	if check := s.Spec.Healthcheck; check != nil {
		go health.Monitor(checking, *check,
			func(ctx context.Context) (int, string, error) { return instance.Probe(ctx, check.Command()) },
			func(verdict report.Health, output string) { s.reportHealth(checking, verdict, output) })
	}
	select {
	case end := <-instance.Ended():
		return Outcome{End: end}, false
	case <-stop:
		endChecks()
		return Outcome{End: s.stop(instance)}, true
	}
}

// reportHealth drops late results: the status then belongs to the next run or is final.
func (s *Supervisor) reportHealth(checking context.Context, verdict report.Health, output string) {
	s.Reporter.Update(func(status *report.Status) {
		if checking.Err() == nil {
			status.Health, status.HealthOutput = verdict, output
		}
	})
}

// stop stops a running container: hooks, signal, timeout, kill. There is no other way to stop it.
func (s *Supervisor) stop(instance Instance) End {
	s.Reporter.Update(func(status *report.Status) { status.State = report.Stopping })
	number, timeout := s.Spec.Stop.Number(), s.Spec.Stop.Timeout.Duration()
	wait := timeout
	if len(s.Spec.Hooks.PreStop) > 0 {
		end, left := s.preStop(instance, timeout)
		if end != nil {
			return *end
		}
		wait = left
	}
	s.Logf("stopping: signal %d, then %v until it is killed", int(number), wait)
	if err := instance.Signal(number); err != nil {
		s.Logf("%v", err)
	}
	select {
	case end := <-instance.Ended():
		return end
	case <-time.After(wait):
	}
	s.Logf("still running after %v: killing it", wait)
	return s.kill(instance)
}

// kill kills the container and waits for its end.
func (s *Supervisor) kill(instance Instance) End {
	if err := instance.Signal(syscall.SIGKILL); err != nil {
		s.Logf("%v", err)
	}
	return <-instance.Ended()
}
