// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package process

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestTheFlagsOfAProcess(t *testing.T) {
	for stat, want := range map[string]bool{
		"212 (httpd) S 1 212 212 0 -1 4194560 100 0 0":   false,
		"212 (a) 4 (b) Z 1 212 212 0 -1 4228364 100 0 0": true,
		"212 (httpd) S 1 212":                            false,
		"":                                               false,
	} {
		if got := hasExitingFlag(stat); got != want {
			t.Errorf("%q: got %v", stat, got)
		}
	}
}

func TestAProcessIsExitingFromItsEndOn(t *testing.T) {
	if (&Container{PID: os.Getpid()}).IsExiting() {
		t.Error("this process runs")
	}
	child := exec.Command("sleep", "0")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	container := &Container{PID: child.Process.Pid}
	// It is a zombie until it is waited for.
	for deadline := time.Now().Add(10 * time.Second); !container.IsExiting(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a zombie is not at its end")
		}
	}
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	if !container.IsExiting() {
		t.Error("a process that is gone is not at its end")
	}
}
