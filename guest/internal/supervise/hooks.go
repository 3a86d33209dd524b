// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The hooks of a container: after each start, and before it is stopped.

package supervise

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/spec"
)

const (
	// stopRest is the least time between the stop signal and SIGKILL, unless the timeout is shorter: hooks can use all of it, and the
	// container shall still be able to react to the signal.
	stopRest = time.Second
	// outputBytes limits the output in the message of a failure.
	outputBytes = 200
)

// hookEnd is how a hook has ended.
type hookEnd struct {
	exitCode      int
	output        string
	err           error // it was not started
	isInterrupted bool  // it was killed, or not even started
}

// problem returns what went wrong, or "".
func (h hookEnd) problem() string {
	var failed *failure.Failure
	switch {
	case errors.As(h.err, &failed):
		return "cannot be started: " + failed.Message
	case h.err != nil:
		return "cannot be started: " + h.err.Error()
	case h.exitCode != 0:
		return fmt.Sprintf("ended with exit code %d", h.exitCode)
	}
	return ""
}

// postStart runs the hooks of a start, in order. It returns an outcome if the run is over: the container has ended, or was killed
// because a hook has failed. Otherwise it returns whether it was interrupted by a stop.
func (s *Supervisor) postStart(instance Instance, stop <-chan struct{}) (over *Outcome, isStopped bool) {
	for i, hook := range s.Spec.Hooks.PostStart {
		ended, end := runHook(instance, hook, stop)
		if end != nil {
			return &Outcome{End: *end}, false
		}
		if ended.isInterrupted {
			return nil, true
		}
		problem := ended.problem()
		if problem == "" {
			continue
		}
		// The end of the container also ends its hook, which can be noticed first.
		isExiting := instance.IsExiting()
		killed := s.kill(instance)
		if isExiting {
			return &Outcome{End: killed}, false
		}
		if output := printable(ended.output); output != "" {
			problem += ": " + output
		}
		return &Outcome{
			End:     End{OOMKilled: killed.OOMKilled},
			Failure: failure.New(failure.HookFailed, "%s %s", hookName("post_start", i, hook), problem),
		}, false
	}
	return nil, false
}

// preStop runs the hooks of a stop, in order, until the timeout. It returns the end of the container if it has ended meanwhile,
// and otherwise how long the container may take after the stop signal.
func (s *Supervisor) preStop(instance Instance, timeout time.Duration) (end *End, left time.Duration) {
	limited, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	deadline := time.Now().Add(timeout)
	for i, hook := range s.Spec.Hooks.PreStop {
		s.Logf("stopping: pre_stop[%d]", i)
		ended, end := runHook(instance, hook, limited.Done())
		if end != nil {
			return end, 0
		}
		problem := ended.problem()
		if ended.isInterrupted {
			problem = "was not finished: the stop timeout is over"
		}
		// As in postStart. Whoever waits for the end of the container gets it.
		if problem != "" && instance.IsExiting() {
			break
		}
		if problem != "" {
			s.Note(hookName("pre_stop", i, hook) + " " + problem)
		}
	}
	return nil, max(time.Until(deadline), min(stopRest, timeout))
}

// runHook runs a hook until it ends. It kills it when interrupted is closed, and when the container has ended, whose end it then
// returns.
func runHook(instance Instance, hook spec.Hook, interrupted <-chan struct{}) (ended hookEnd, end *End) {
	select {
	case <-interrupted:
		return hookEnd{isInterrupted: true}, nil
	default:
	}
	running, kill := context.WithCancel(context.Background())
	defer kill()
	done := make(chan hookEnd, 1)
	go func() {
		exitCode, output, err := instance.Hook(running, hook)
		done <- hookEnd{exitCode: exitCode, output: output, err: err}
	}()
	select {
	case ended = <-done:
		return ended, nil
	case last := <-instance.Ended():
		end = &last
	case <-interrupted:
		ended.isInterrupted = true
	}
	kill()
	<-done
	return ended, end
}

// hookName returns what messages call a hook.
func hookName(kind string, index int, hook spec.Hook) string {
	return fmt.Sprintf("%s[%d] %.60q", kind, index, hook.Args[0])
}

// printable returns the beginning of an output as one line.
func printable(output string) string {
	line := strings.Map(func(char rune) rune {
		if strconv.IsPrint(char) && char != utf8.RuneError {
			return char
		}
		return ' '
	}, output[:min(len(output), outputBytes)])
	return strings.TrimSpace(line)
}
