// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package process

import (
	"os"
	"syscall"
	"testing"
	"time"
)

func TestReaperReturnsTheStatusOfEachChild(t *testing.T) {
	reaper := NewReaper()
	fork := func(script string) func() (int, error) {
		return func() (int, error) {
			return syscall.ForkExec("/bin/sh", []string{"sh", "-c", script}, &syscall.ProcAttr{Env: os.Environ()})
		}
	}
	ends := map[int]<-chan syscall.WaitStatus{}
	for script, want := range map[string]int{"exit 3": 3, "kill -9 $$": 137, "exit 0": 0, "kill -15 $$": 143} {
		_, ended, err := reaper.Start(fork(script))
		if err != nil {
			t.Fatal(err)
		}
		ends[want] = ended
	}
	for want, ended := range ends {
		select {
		case status := <-ended:
			if got := ExitCode(status); got != want {
				t.Errorf("got %d, want %d", got, want)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("the child with %d was not collected", want)
		}
	}
}

func TestReaperPassesOnTheErrorOfAFork(t *testing.T) {
	_, _, err := NewReaper().Start(func() (int, error) { return 0, syscall.EAGAIN })
	if err != syscall.EAGAIN {
		t.Errorf("got %v", err)
	}
}
