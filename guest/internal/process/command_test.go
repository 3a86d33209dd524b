// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package process

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

// runPiped runs a shell script with the pipes of a command, outside of a container.
func runPiped(t *testing.T, command Command, script string) time.Duration {
	t.Helper()
	pipes, err := openPipes(command)
	if err != nil {
		t.Fatal(err)
	}
	defer pipes.close()
	process, err := os.StartProcess("/bin/sh", []string{"sh", "-c", script}, &os.ProcAttr{Files: pipes.child[:]})
	if err != nil {
		t.Fatal(err)
	}
	if err := pipes.closeChild(); err != nil {
		t.Fatal(err)
	}
	pipes.copy(command)
	if _, err := process.Wait(); err != nil {
		t.Fatal(err)
	}
	ended := time.Now()
	if err := pipes.wait(); err != nil {
		t.Error(err)
	}
	return time.Since(ended)
}

func TestStreamsOfACommand(t *testing.T) {
	var stdout, stderr bytes.Buffer
	input := strings.Repeat("0123456789", 100_000) // more than a pipe takes
	runPiped(t, Command{Stdin: []byte(input), Stdout: &stdout, Stderr: &stderr}, "cat; echo error >&2")
	if stdout.String() != input || stderr.String() != "error\n" {
		t.Errorf("%d bytes of output, errors %q", stdout.Len(), &stderr)
	}
}

func TestOneStreamForBothKeepsTheOrder(t *testing.T) {
	var both bytes.Buffer
	runPiped(t, Command{Stdout: &both, Stderr: &both}, "echo 1; echo 2 >&2; echo 3; cat")
	if both.String() != "1\n2\n3\n" {
		t.Errorf("got %q", &both)
	}
}

func TestInputThatIsNotReadDoesNotBlock(t *testing.T) {
	var output bytes.Buffer
	runPiped(t, Command{Stdin: make([]byte, 1<<20), Stdout: &output, Stderr: &output}, "echo done")
	if output.String() != "done\n" {
		t.Errorf("got %q", &output)
	}
}

func TestAChildThatKeepsTheOutputOpenIsNotWaitedFor(t *testing.T) {
	var output bytes.Buffer
	command := Command{Stdin: make([]byte, 1<<20), Stdout: &output, Stderr: &output}
	// The child also keeps the input open.
	if waited := runPiped(t, command, "exec 3<&0; sleep 30 <&3 & echo begun; echo $!"); waited > 10*drain {
		t.Errorf("waited for %v", waited)
	}
	pid, isBegun := strings.CutPrefix(output.String(), "begun\n")
	if !isBegun {
		t.Fatalf("got %q", &output)
	}
	runPiped(t, Command{Stdout: &output, Stderr: &output}, "kill "+pid)
}
