// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package supervise

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/report"
	"gantry.invalid/guest/internal/spec"
)

// container is an Instance whose process ends as the test requests.
type container struct {
	ended   chan End
	signals []syscall.Signal
	// obeys is called at the stop signal; a process with nil ignores it.
	obeys  func(*container)
	probed int
	health int
	// hook runs a hook; nil: each succeeds at once.
	hook func(ctx context.Context, c *container, name string) (exitCode int, output string, err error)
	// events are the hooks that were started and the signals, in their order.
	events  []string
	exiting bool
}

func newContainer() *container { return &container{ended: make(chan End, 1)} }

func (c *container) PID() int { return 42 }

func (c *container) Ended() <-chan End { return c.ended }

func (c *container) Signal(number syscall.Signal) error {
	c.signals = append(c.signals, number)
	c.events = append(c.events, number.String())
	switch {
	case number == syscall.SIGKILL:
		c.ended <- End{ExitCode: 137}
	case c.obeys != nil:
		c.obeys(c)
	}
	return nil
}

func (c *container) Probe(context.Context, []string) (int, string, error) {
	c.probed++
	return c.health, "checked", nil
}

func (c *container) Hook(ctx context.Context, hook spec.Hook) (int, string, error) {
	c.events = append(c.events, hook.Args[0])
	if c.hook == nil {
		return 0, "", nil
	}
	return c.hook(ctx, c, hook.Args[0])
}

func (c *container) IsExiting() bool { return c.exiting }

// ending is a container whose process ends by itself.
func ending(code int, after time.Duration) *container {
	c := newContainer()
	go func() {
		time.Sleep(after)
		c.ended <- End{ExitCode: code}
	}()
	return c
}

// testEnvironment holds a supervisor and records its effects.
type testEnvironment struct {
	supervisor *Supervisor
	starts     []time.Duration
	logs       int
	notes      []string

	mu       sync.Mutex
	statuses []report.Status
}

func (w *testEnvironment) Set(key, value string) error {
	var status report.Status
	if key == report.StatusKey {
		if err := json.Unmarshal([]byte(value), &status); err != nil {
			return err
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.statuses = append(w.statuses, status)
	}
	return nil
}

func (w *testEnvironment) states() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var states []string
	for _, status := range w.statuses {
		states = append(states, fmt.Sprintf("%s/%d/%s", status.State, status.RestartCount, status.Health))
	}
	return strings.Join(states, " ")
}

func newTestEnvironment(restart spec.Restart, start func(run int) (Instance, error)) *testEnvironment {
	w := &testEnvironment{}
	began := time.Now()
	w.supervisor = &Supervisor{
		Spec:    &spec.Spec{Stop: spec.Stop{Signal: "SIGTERM", Timeout: 10}},
		Restart: func() spec.Restart { return restart },
		Start: func() (Instance, error) {
			w.starts = append(w.starts, time.Since(began))
			return start(len(w.starts) - 1)
		},
		Reporter:        report.New(w, "test", "test", func(err error) { panic(err) }),
		PublishLog:      func() { w.logs++ },
		MemoryAvailable: func() int64 { return 1 << 20 },
		Logf:            func(string, ...any) {},
		Note:            func(line string) { w.notes = append(w.notes, line) },
	}
	return w
}

func TestOOMKillIsReportedUntilTheNextRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTestEnvironment(spec.Restart{Policy: "on-failure"}, func(run int) (Instance, error) {
			c := newContainer()
			c.ended <- []End{{ExitCode: 137, OOMKilled: true}, {ExitCode: 0}}[run]
			return c, nil
		})
		outcome := w.supervisor.Run(nil)
		if outcome.OOMKilled || outcome.ExitCode != 0 {
			t.Errorf("got %+v", outcome)
		}
		var killed []bool
		for _, status := range w.statuses[1:] {
			killed = append(killed, status.OOMKilled)
		}
		if fmt.Sprint(killed) != "[false true false]" {
			t.Errorf("running, restarting, running: got %v", killed)
		}
	})
}

func TestRunEndsWithTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTestEnvironment(spec.Restart{Policy: "no"}, func(int) (Instance, error) { return ending(3, time.Second), nil })
		outcome := w.supervisor.Run(nil)
		if outcome.ExitCode != 3 || outcome.Failure != nil || len(w.starts) != 1 {
			t.Errorf("got %+v after %d starts", outcome, len(w.starts))
		}
		if w.statuses[0].MemoryAvailable != 1<<20 {
			t.Error("the memory was not reported")
		}
	})
}

func TestRunRestartsWithGrowingDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTestEnvironment(spec.Restart{Policy: "on-failure", MaxRetries: 4}, func(run int) (Instance, error) {
			if run == 2 {
				// A long run resets the delays.
				return ending(1, goodRun), nil
			}
			return ending(1, 0), nil
		})
		outcome := w.supervisor.Run(nil)
		if outcome.ExitCode != 1 {
			t.Errorf("got %+v", outcome)
		}
		want := []time.Duration{0, 100 * time.Millisecond, 300 * time.Millisecond, 10400 * time.Millisecond, 10600 * time.Millisecond}
		if fmt.Sprint(w.starts) != fmt.Sprint(want) {
			t.Errorf("started at %v, want %v", w.starts, want)
		}
		if w.logs != 4 {
			t.Errorf("the log was published %d times", w.logs)
		}
		if !strings.HasSuffix(w.states(), "restarting/3/none running/4/none") {
			t.Errorf("states: %s", w.states())
		}
	})
}

func TestThePolicyIsTheOneOfTheEndOfTheRun(t *testing.T) {
	for _, test := range []struct {
		name          string
		before, after spec.Restart
		starts        int
	}{
		{"restarts are permitted", spec.Restart{Policy: "no"}, spec.Restart{Policy: "on-failure", MaxRetries: 1}, 2},
		{"more restarts are permitted", spec.Restart{Policy: "always", MaxRetries: 1}, spec.Restart{Policy: "always", MaxRetries: 3}, 4},
		{"restarts are forbidden", spec.Restart{Policy: "always"}, spec.Restart{Policy: "no"}, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newTestEnvironment(test.before, func(int) (Instance, error) { return ending(1, time.Minute), nil })
			changed := time.Now().Add(30 * time.Second)
			w.supervisor.Restart = func() spec.Restart {
				if time.Now().Before(changed) {
					return test.before
				}
				return test.after
			}
			w.supervisor.Run(nil)
			if len(w.starts) != test.starts {
				t.Errorf("%s: started %d times, want %d", test.name, len(w.starts), test.starts)
			}
		})
	}
}

func TestDelaysAreBounded(t *testing.T) {
	var delays backoff
	var last time.Duration
	for range 30 {
		last = delays.after(0)
	}
	if last != longestWait {
		t.Errorf("got %v", last)
	}
}

func TestShouldRestart(t *testing.T) {
	for _, test := range []struct {
		restart        spec.Restart
		code, restarts int
		want           bool
	}{
		{spec.Restart{Policy: "no"}, 1, 0, false},
		{spec.Restart{Policy: "on-failure"}, 0, 0, false},
		{spec.Restart{Policy: "on-failure"}, 1, 1000, true},
		{spec.Restart{Policy: "on-failure", MaxRetries: 2}, 1, 1, true},
		{spec.Restart{Policy: "on-failure", MaxRetries: 2}, 1, 2, false},
		{spec.Restart{Policy: "always"}, 0, 5, true},
		{spec.Restart{Policy: "unless-stopped"}, 0, 5, true},
	} {
		if got := shouldRestart(test.restart, test.code, test.restarts); got != test.want {
			t.Errorf("%+v: got %v", test, got)
		}
	}
}

func TestStopSignalsAndTakesTheProcessOwnExitCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newContainer()
		c.obeys = func(c *container) { c.ended <- End{} }
		w := newTestEnvironment(spec.Restart{Policy: "always"}, func(int) (Instance, error) { return c, nil })
		stop := make(chan struct{})
		time.AfterFunc(time.Second, func() { close(stop) })
		outcome := w.supervisor.Run(stop)
		if outcome.ExitCode != 0 || len(w.starts) != 1 || fmt.Sprint(c.signals) != "[terminated]" {
			t.Errorf("got %+v after %d starts and %v", outcome, len(w.starts), c.signals)
		}
		if !strings.HasSuffix(w.states(), "running/0/none stopping/0/none") {
			t.Errorf("states: %s", w.states())
		}
	})
}

func TestStopKillsAtTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newContainer()
		w := newTestEnvironment(spec.Restart{Policy: "no"}, func(int) (Instance, error) { return c, nil })
		stop := make(chan struct{})
		close(stop)
		began := time.Now()
		outcome := w.supervisor.Run(stop)
		if outcome.ExitCode != 137 || fmt.Sprint(c.signals) != "[terminated killed]" || time.Since(began) != 10*time.Second {
			t.Errorf("got %+v after %v and %v", outcome, time.Since(began), c.signals)
		}
	})
}

func TestStopEndsTheWaitForARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTestEnvironment(spec.Restart{Policy: "always"}, func(int) (Instance, error) { return ending(4, 0), nil })
		stop := make(chan struct{})
		time.AfterFunc(50*time.Millisecond, func() { close(stop) })
		outcome := w.supervisor.Run(stop)
		if outcome.ExitCode != 4 || len(w.starts) != 1 {
			t.Errorf("got %+v after %d starts", outcome, len(w.starts))
		}
	})
}

func TestFailureToStartIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		missing := failure.New(failure.StartFailed, "not found")
		missing.ExitCode = 127
		w := newTestEnvironment(spec.Restart{Policy: "always"}, func(int) (Instance, error) { return nil, missing })
		outcome := w.supervisor.Run(nil)
		if outcome.ExitCode != 127 || outcome.Failure != missing || len(w.starts) != 1 {
			t.Errorf("got %+v after %d starts", outcome, len(w.starts))
		}
	})
}

func TestHealthStartsAgainWithEachRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTestEnvironment(spec.Restart{Policy: "on-failure", MaxRetries: 1}, func(int) (Instance, error) {
			return ending(1, 1500*time.Millisecond), nil
		})
		w.supervisor.Spec.Healthcheck = &spec.Healthcheck{
			Test: []string{"CMD", "check"}, Interval: 1, Timeout: 1, Retries: 1, StartInterval: 1,
		}
		w.supervisor.Run(nil)
		if got := w.states(); !strings.Contains(got, "running/0/starting running/0/healthy restarting/0/healthy running/1/starting running/1/healthy") {
			t.Errorf("states: %s", got)
		}
	})
}

func TestChecksEndWhenStopping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newContainer()
		w := newTestEnvironment(spec.Restart{Policy: "no"}, func(int) (Instance, error) { return c, nil })
		w.supervisor.Spec.Healthcheck = &spec.Healthcheck{
			Test: []string{"CMD", "check"}, Interval: 1, Timeout: 1, Retries: 1, StartInterval: 1,
		}
		stop := make(chan struct{})
		time.AfterFunc(2500*time.Millisecond, func() { close(stop) })
		w.supervisor.Run(stop)
		if c.probed != 2 {
			t.Errorf("%d checks", c.probed)
		}
	})
}
