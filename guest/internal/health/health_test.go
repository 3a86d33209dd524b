// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package health

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gantry.invalid/guest/internal/report"
	"gantry.invalid/guest/internal/spec"
)

var check = spec.Healthcheck{
	Test: []string{"CMD", "check"}, Interval: 30, Timeout: 5, Retries: 3, StartPeriod: 20, StartInterval: 5,
}

func TestFailuresInTheStartPeriodDoNotCount(t *testing.T) {
	judge := NewJudge(check)
	for at := 5 * time.Second; at < 20*time.Second; at += 5 * time.Second {
		if got := judge.Verdict(false, at); got != report.Starting {
			t.Errorf("at %v: %s", at, got)
		}
	}
	var verdicts []string
	for range 3 {
		verdicts = append(verdicts, string(judge.Verdict(false, time.Minute)))
	}
	if got := strings.Join(verdicts, " "); got != "starting starting unhealthy" {
		t.Errorf("got %s", got)
	}
}

func TestFailuresAfterTheFirstSuccessCountEvenInTheStartPeriod(t *testing.T) {
	judge := NewJudge(check)
	judge.Verdict(true, time.Second)
	for range 2 {
		if got := judge.Verdict(false, 2*time.Second); got != report.Healthy {
			t.Errorf("got %s", got)
		}
	}
	if got := judge.Verdict(false, 3*time.Second); got != report.Unhealthy {
		t.Errorf("got %s", got)
	}
}

func TestSuccessMakesHealthyAndResetsFailures(t *testing.T) {
	judge := NewJudge(check)
	for _, healthy := range []bool{false, false, true, false, false} {
		judge.Verdict(healthy, time.Hour)
	}
	if got := judge.Verdict(true, time.Hour); got != report.Healthy {
		t.Errorf("got %s", got)
	}
}

func TestIntervalsAreShortOnlyWhileStarting(t *testing.T) {
	judge := NewJudge(check)
	for _, test := range []struct{ at, want time.Duration }{{0, 5 * time.Second}, {25 * time.Second, 30 * time.Second}} {
		if got := judge.NextInterval(test.at); got != test.want {
			t.Errorf("at %v: %v", test.at, got)
		}
	}
	judge.Verdict(true, time.Second)
	if got := judge.NextInterval(time.Second); got != 30*time.Second {
		t.Errorf("healthy: %v", got)
	}
}

func TestMonitorReportsOnlyChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		began := time.Now()
		runs := 0
		probe := func(ctx context.Context) (int, string, error) {
			runs++
			switch {
			case runs <= 2:
				return 0, "fine", nil
			case runs == 3:
				<-ctx.Done()
				return 137, "so far", ctx.Err()
			case runs == 6:
				cancel()
			}
			return 1, "bad", nil
		}
		var reported []string
		Monitor(ctx, check, probe, func(health report.Health, output string) {
			reported = append(reported, fmt.Sprintf("%v %s %q", time.Since(began), health, output))
		})
		want := []string{
			`5s healthy "fine"`, `1m10s healthy "so far\nHealth check exceeded timeout (5s)"`, `1m40s healthy "bad"`,
			`2m10s unhealthy "bad"`,
		}
		if fmt.Sprint(reported) != fmt.Sprint(want) {
			t.Errorf("reported %q, want %q", reported, want)
		}
	})
}
