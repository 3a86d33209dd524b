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
}

// Outcome is the final result.
type Outcome struct {
	End
	// Failure is the reason why the container's program could not be started. ExitCode is then 126 or 127, or 0 if neither
	// applies.
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
		s.reportRunning(instance, restarts)
		end, stopped := s.supervise(instance, stop)
		if stopped || !shouldRestart(s.Restart(), end.ExitCode, restarts) {
			return Outcome{End: end}
		}
		delay := delays.after(time.Since(began))
		s.Logf("exit code %d; restart %d in %v", end.ExitCode, restarts+1, delay)
		s.reportRestarting(end)
		select {
		case <-stop:
			return Outcome{End: end}
		case <-time.After(delay):
		}
	}
}

func (s *Supervisor) reportRunning(instance Instance, restarts int) {
	s.Reporter.Update(func(status *report.Status) {
		status.State = report.Running
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

// supervise waits for the end of one run, and returns whether a stop was requested.
func (s *Supervisor) supervise(instance Instance, stop <-chan struct{}) (end End, stopped bool) {
	checking, endChecks := context.WithCancel(context.Background())
	defer endChecks()
	if check := s.Spec.Healthcheck; check != nil {
		go health.Monitor(checking, *check,
			func(ctx context.Context) (int, string, error) { return instance.Probe(ctx, check.Command()) },
			func(verdict report.Health, output string) { s.reportHealth(checking, verdict, output) })
	}
	select {
	case end = <-instance.Ended():
		return end, false
	case <-stop:
		endChecks()
		return s.stop(instance), true
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

// stop stops a running container: signal, timeout, kill. There is no other way to stop it.
func (s *Supervisor) stop(instance Instance) End {
	s.Reporter.Update(func(status *report.Status) { status.State = report.Stopping })
	number, timeout := s.Spec.Stop.Number(), s.Spec.Stop.Timeout.Duration()
	s.Logf("stopping: signal %d, then %v until it is killed", int(number), timeout)
	if err := instance.Signal(number); err != nil {
		s.Logf("%v", err)
	}
	select {
	case end := <-instance.Ended():
		return end
	case <-time.After(timeout):
	}
	s.Logf("still running after %v: killing it", timeout)
	if err := instance.Signal(syscall.SIGKILL); err != nil {
		s.Logf("%v", err)
	}
	return <-instance.Ended()
}
