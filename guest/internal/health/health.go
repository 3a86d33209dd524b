// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package health runs the health check and determines the health of the container by the rules of Docker.
package health

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gantry.invalid/guest/internal/report"
	"gantry.invalid/guest/internal/spec"
)

// Probe runs the command of the check once. An error means that it could not be run or timed out.
type Probe func(ctx context.Context) (exitCode int, output string, err error)

// Monitor runs the check until ctx ends, and calls notify when the health or the output has changed.
func Monitor(ctx context.Context, check spec.Healthcheck, probe Probe, notify func(report.Health, string)) {
	judge := NewJudge(check)
	began := time.Now()
	lastHealth, lastOutput := report.Starting, ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(judge.NextInterval(time.Since(began))):
		}
		started := time.Since(began)
		healthy, output := runOnce(ctx, check, probe)
		if ctx.Err() != nil {
			return
		}
		health := judge.Verdict(healthy, started)
		if health != lastHealth || output != lastOutput {
			notify(health, output)
			lastHealth, lastOutput = health, output
		}
	}
}

func runOnce(ctx context.Context, check spec.Healthcheck, probe Probe) (bool, string) {
	timeout := check.Timeout.Duration()
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	exitCode, output, err := probe(limited)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return false, strings.TrimLeft(output+"\n", "\n") + fmt.Sprintf("Health check exceeded timeout (%v)", timeout)
	case err != nil:
		return false, err.Error()
	}
	return exitCode == 0, output
}

// Judge holds the state between runs of the check.
type Judge struct {
	check    spec.Healthcheck
	health   report.Health
	failures int
}

// NewJudge returns a Judge for a container that is starting.
func NewJudge(check spec.Healthcheck) *Judge { return &Judge{check: check, health: report.Starting} }

// NextInterval returns the time until the next run. elapsed is the time since the container started.
func (j *Judge) NextInterval(elapsed time.Duration) time.Duration {
	if j.health == report.Starting && elapsed < j.check.StartPeriod.Duration() {
		return j.check.StartInterval.Duration()
	}
	return j.check.Interval.Duration()
}

// Verdict returns the health after a run that began at elapsed. Failures in the start period do not count until a run has
// succeeded.
func (j *Judge) Verdict(healthy bool, elapsed time.Duration) report.Health {
	switch {
	case healthy:
		j.health, j.failures = report.Healthy, 0
	case j.health == report.Starting && elapsed < j.check.StartPeriod.Duration():
	default:
		j.failures++
		if j.failures >= j.check.Retries {
			j.health = report.Unhealthy
		}
	}
	return j.health
}
