// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package process

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/failure"
)

// FirstName is the first argument that makes init run as the first process of a container whose program is its child.
const FirstName = "gantry-first"

// first returns how to execute a program as the child of a first process: init's own program again, with the container's
// identity and capabilities.
func first(path string, args []string) (string, []string) {
	return "/proc/self/exe", append([]string{FirstName, path}, args...)
}

// RunFirst runs the program of the arguments, passes signals on to it, reaps orphans, and exits as it does. It does not
// return.
func RunFirst() {
	code, err := runFirst(os.Args[1], os.Args[2:])
	if err != nil {
		// As in Docker, this is in the output of the container: the container has started already.
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func runFirst(path string, args []string) (int, error) {
	signals := make(chan os.Signal, 64)
	signal.Notify(signals)
	defer signal.Stop(signals)
	program, err := syscall.ForkExec(path, args, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}})
	if err != nil {
		failed := cannotStart(args[0], err)
		return failed.ExitCode, failed
	}
	for number := range signals {
		switch number {
		case unix.SIGCHLD:
			if status, ended := reap(program); ended {
				return ExitCode(status), nil
			}
		case unix.SIGURG: // the Go runtime's own
		default:
			// The program may have ended. Then its SIGCHLD follows.
			_ = unix.Kill(program, number.(syscall.Signal))
		}
	}
	return 0, failure.New(failure.StartFailed, "the channel of signals was closed")
}

// reap collects all children that have ended, and returns the program's status if it is one of them.
func reap(program int) (status syscall.WaitStatus, ended bool) {
	for {
		var found syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &found, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return status, ended
		}
		if pid == program {
			status, ended = found, true
		}
	}
}
