// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package process

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestMain runs this program as a first process if it is called as one.
func TestMain(m *testing.M) {
	if os.Args[0] == FirstName {
		RunFirst()
	}
	os.Exit(m.Run())
}

func firstProcess(t *testing.T, script string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	path, args := first("/bin/sh", []string{"sh", "-c", script})
	command := &exec.Cmd{Path: path, Args: args}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stderr = command.Stdout
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	return command, bufio.NewReader(output)
}

func exitCode(command *exec.Cmd) int {
	_ = command.Wait() // its error is the exit code
	return ExitCode(command.ProcessState.Sys().(syscall.WaitStatus))
}

func TestTheFirstProcessEndsAsItsProgramDoes(t *testing.T) {
	for script, want := range map[string]int{"exit 7": 7, "exit 0": 0, "kill -KILL $$": 137} {
		command, _ := firstProcess(t, script)
		if got := exitCode(command); got != want {
			t.Errorf("%s: %d, want %d", script, got, want)
		}
	}
}

func TestTheFirstProcessPassesSignalsOn(t *testing.T) {
	command, output := firstProcess(t, "trap 'echo got it; exit 5' USR1; echo ready; while :; do sleep 0.05; done")
	if line, err := output.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if err := command.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	if line, err := output.ReadString('\n'); err != nil || line != "got it\n" {
		t.Errorf("%q, %v", line, err)
	}
	if got := exitCode(command); got != 5 {
		t.Errorf("exit code %d", got)
	}
}

func TestAProgramThatTheFirstProcessCannotRunIsNamed(t *testing.T) {
	path, args := first("/etc/passwd", []string{"passwd"})
	command := &exec.Cmd{Path: path, Args: args}
	output, err := command.CombinedOutput()
	if err == nil || command.ProcessState.ExitCode() != exitCannotExecute || !strings.Contains(string(output), "passwd") {
		t.Errorf("%v: %q", err, output)
	}
}
