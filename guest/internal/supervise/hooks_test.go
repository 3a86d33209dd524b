// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package supervise

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/report"
	"gantry.invalid/guest/internal/spec"
)

// hooks are hooks whose programs have these names.
func hooks(names ...string) (list []spec.Hook) {
	for _, name := range names {
		list = append(list, spec.Hook{Args: []string{name}})
	}
	return list
}

// sleeping is a hook that takes a second, or an hour if it is called long, and is killed as init kills it.
func sleeping(ctx context.Context, _ *container, name string) (int, string, error) {
	length := time.Second
	if name == "long" {
		length = time.Hour
	}
	select {
	case <-ctx.Done():
		return 137, "", ctx.Err()
	case <-time.After(length):
		return 0, "", nil
	}
}

// obedient is a container that ends with 143 at the stop signal.
func obedient() *container {
	c := newContainer()
	c.obeys = func(c *container) { c.ended <- End{ExitCode: 143} }
	return c
}

// single is an environment that starts this container only.
func single(c *container, policy string) *testEnvironment {
	return newTestEnvironment(spec.Restart{Policy: policy}, func(int) (Instance, error) { return c, nil })
}

// stopAfter returns a channel that is closed after some time.
func stopAfter(delay time.Duration) <-chan struct{} {
	stop := make(chan struct{})
	time.AfterFunc(delay, func() { close(stop) })
	return stop
}

func expectEvents(t *testing.T, c *container, want string) {
	t.Helper()
	if got := strings.Join(c.events, " "); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHooksOfAStartRunInOrderBeforeItIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newContainer()
		c.hook = sleeping
		w := single(c, "no")
		w.supervisor.Spec.Hooks.PostStart = hooks("first", "second")
		w.supervisor.Spec.Healthcheck = &spec.Healthcheck{
			Test: []string{"CMD", "check"}, Interval: 1, Timeout: 1, Retries: 1, StartInterval: 1,
		}
		began := time.Now()
		time.AfterFunc(1900*time.Millisecond, func() {
			if status := w.statuses[len(w.statuses)-1]; status.State != report.Booting || status.PID != 42 || c.probed != 0 {
				t.Errorf("during the hooks: %+v, %d checks", status, c.probed)
			}
		})
		time.AfterFunc(2500*time.Millisecond, func() { c.ended <- End{ExitCode: 3} })
		outcome := w.supervisor.Run(nil)
		if outcome.ExitCode != 3 || time.Since(began) != 2500*time.Millisecond {
			t.Errorf("got %+v after %v", outcome, time.Since(began))
		}
		expectEvents(t, c, "first second")
		if got := w.states(); got != "booting/0/none booting/0/starting running/0/starting" {
			t.Errorf("states: %s", got)
		}
		if started := w.statuses[2].StartedAt; *started != *report.Timestamp(began) {
			t.Errorf("started at %s", *started)
		}
	})
}

func TestHooksOfAStartRunAtEachStartAndThoseOfAStopNotAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs []*container
		w := newTestEnvironment(spec.Restart{Policy: "on-failure", MaxRetries: 1}, func(int) (Instance, error) {
			runs = append(runs, ending(1, time.Second))
			return runs[len(runs)-1], nil
		})
		w.supervisor.Spec.Hooks = spec.Hooks{PostStart: hooks("hook"), PreStop: hooks("never")}
		w.supervisor.Run(nil)
		for _, run := range runs {
			expectEvents(t, run, "hook")
		}
		if got := w.states(); len(runs) != 2 || !strings.HasSuffix(got, "restarting/0/none restarting/1/none running/1/none") {
			t.Errorf("%d runs, states: %s", len(runs), got)
		}
	})
}

func TestAFailedHookOfAStartEndsTheContainerForGood(t *testing.T) {
	missing := &failure.Failure{Code: failure.StartFailed, Message: "program fail is not in the image's PATH (/bin)", ExitCode: 127}
	for _, test := range []struct {
		exitCode int
		output   string
		err      error
		want     string
	}{
		{3, "it is\n\x1bbroken\n", nil, `post_start[1] "fail" ended with exit code 3: it is  broken`},
		{1, "", nil, `post_start[1] "fail" ended with exit code 1`},
		{1, strings.Repeat("ä", 101), nil, `post_start[1] "fail" ended with exit code 1: ` + strings.Repeat("ä", 100)},
		{1, strings.Repeat("a", 199) + "ä", nil, `post_start[1] "fail" ended with exit code 1: ` + strings.Repeat("a", 199)},
		{0, "", missing, `post_start[1] "fail" cannot be started: program fail is not in the image's PATH (/bin)`},
		{0, "", errors.New("no memory"), `post_start[1] "fail" cannot be started: no memory`},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newContainer()
			c.hook = func(_ context.Context, _ *container, name string) (int, string, error) {
				if name == "fail" {
					return test.exitCode, test.output, test.err
				}
				return 0, "", nil
			}
			w := single(c, "always")
			w.supervisor.Spec.Hooks = spec.Hooks{PostStart: hooks("good", "fail", "never"), PreStop: hooks("never")}
			outcome := w.supervisor.Run(nil)
			if outcome.Failure == nil || outcome.Failure.Code != failure.HookFailed || outcome.Failure.Message != test.want || outcome.ExitCode != 0 {
				t.Errorf("got %+v: %v", outcome, outcome.Failure)
			}
			expectEvents(t, c, "good fail killed")
			if len(w.starts) != 1 || strings.Contains(w.states(), "running") {
				t.Errorf("%d starts, states: %s", len(w.starts), w.states())
			}
		})
	}
}

func TestTheEndOfTheContainerDuringAHookIsAnyEnd(t *testing.T) {
	for name, hook := range map[string]func(context.Context, *container, string) (int, string, error){
		"noticed first": func(ctx context.Context, c *container, name string) (int, string, error) {
			time.AfterFunc(time.Second/2, func() { c.ended <- End{ExitCode: 5} })
			return sleeping(ctx, c, name)
		},
		// The kernel kills the hook before the end is noticed.
		"the hook's end noticed first": func(_ context.Context, c *container, _ string) (int, string, error) {
			c.exiting = true
			c.ended <- End{ExitCode: 5}
			return 137, "", nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var last *container
				w := newTestEnvironment(spec.Restart{Policy: "on-failure", MaxRetries: 1}, func(int) (Instance, error) {
					last = newContainer()
					last.ended = make(chan End, 2)
					last.hook = hook
					return last, nil
				})
				w.supervisor.Spec.Hooks.PostStart = hooks("long", "never")
				outcome := w.supervisor.Run(nil)
				if outcome.ExitCode != 5 || outcome.Failure != nil || len(w.starts) != 2 || last.events[0] != "long" {
					t.Errorf("got %+v after %d starts and %v", outcome, len(w.starts), last.events)
				}
			})
		})
	}
}

func TestAStopCancelsTheHooksOfAStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := obedient()
		c.hook = sleeping
		w := single(c, "always")
		w.supervisor.Spec.Hooks = spec.Hooks{PostStart: hooks("first", "long", "never"), PreStop: hooks("drain")}
		began := time.Now()
		outcome := w.supervisor.Run(stopAfter(1500 * time.Millisecond))
		if outcome.ExitCode != 143 || outcome.Failure != nil || time.Since(began) != 2500*time.Millisecond {
			t.Errorf("got %+v after %v", outcome, time.Since(began))
		}
		expectEvents(t, c, "first long drain terminated")
		if got := w.states(); !strings.HasSuffix(got, "booting/0/none stopping/0/none") {
			t.Errorf("states: %s", got)
		}
	})
}

func TestHooksOfAStopRunInOrderBeforeTheSignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := obedient()
		c.hook = func(_ context.Context, _ *container, name string) (int, string, error) {
			if name == "fail" {
				return 4, "its output", nil
			}
			return 0, "", nil
		}
		w := single(c, "always")
		w.supervisor.Spec.Hooks.PreStop = hooks("first", "fail", "last")
		if outcome := w.supervisor.Run(stopAfter(time.Second)); outcome.ExitCode != 143 {
			t.Errorf("got %+v", outcome)
		}
		expectEvents(t, c, "first fail last terminated")
		// What a hook writes is in the log already.
		if got := fmt.Sprint(w.notes); got != `[pre_stop[1] "fail" ended with exit code 4]` {
			t.Errorf("notes: %s", got)
		}
	})
}

func TestHooksAndTheWaitForTheSignalShareTheTimeout(t *testing.T) {
	for _, test := range []struct {
		names   []string
		timeout spec.Seconds
		events  string
		notes   int
		want    time.Duration
	}{
		{[]string{"a", "b"}, 10, "a b terminated killed", 0, 10 * time.Second},
		{[]string{"a", "b"}, 2.5, "a b terminated killed", 0, 3 * time.Second},
		{[]string{"a", "long", "b"}, 5, "a long terminated killed", 2, 6 * time.Second},
		{[]string{"long"}, 0.25, "long terminated killed", 1, time.Second / 2},
		{[]string{"a"}, 0, "terminated killed", 1, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newContainer()
			c.hook = sleeping
			w := single(c, "no")
			w.supervisor.Spec.Hooks.PreStop, w.supervisor.Spec.Stop.Timeout = hooks(test.names...), test.timeout
			began := time.Now()
			outcome := w.supervisor.Run(stopAfter(0))
			if outcome.ExitCode != 137 || time.Since(began) != test.want || len(w.notes) != test.notes {
				t.Errorf("%v in %v: got %+v after %v and %q", test.names, test.timeout, outcome, time.Since(began), w.notes)
			}
			expectEvents(t, c, test.events)
		})
	}
}

func TestTheEndOfTheContainerEndsTheHooksOfAStop(t *testing.T) {
	for name, hook := range map[string]func(context.Context, *container, string) (int, string, error){
		"noticed first": func(ctx context.Context, c *container, name string) (int, string, error) {
			c.ended <- End{ExitCode: 5}
			return sleeping(ctx, c, name)
		},
		"the hook's end noticed first": func(_ context.Context, c *container, _ string) (int, string, error) {
			c.exiting = true
			time.AfterFunc(time.Second/2, func() { c.ended <- End{ExitCode: 5} })
			return 137, "", nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newContainer()
				c.hook = hook
				w := single(c, "always")
				w.supervisor.Spec.Hooks.PreStop = hooks("long", "never")
				outcome := w.supervisor.Run(stopAfter(time.Second))
				if outcome.ExitCode != 5 || len(w.notes) != 0 || strings.Contains(strings.Join(c.events, " "), "never") {
					t.Errorf("got %+v after %v and %q", outcome, c.events, w.notes)
				}
			})
		})
	}
}
