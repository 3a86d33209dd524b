// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package process

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"

	"gantry.invalid/guest/internal/failure"
)

func TestEnvironmentAddsTheVariablesOfDocker(t *testing.T) {
	got := Environment([]string{"A=1", "PATH=/bin", "A=2", "E="}, "web", "/home/web")
	want := []string{"A=2", "PATH=/bin", "E=", "HOSTNAME=web", "HOME=/home/web"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestEnvironmentKeepsGivenVariables(t *testing.T) {
	got := Environment([]string{"HOME=/x", "HOSTNAME=y"}, "web", "/root")
	want := []string{"HOME=/x", "HOSTNAME=y", "PATH=" + defaultPath}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
}

func program(t *testing.T, directory, name string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(directory, name)
	if err := os.WriteFile(path, nil, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func assertExitCode(t *testing.T, err error, want int) {
	t.Helper()
	var failed *failure.Failure
	if !errors.As(err, &failed) || failed.Code != failure.StartFailed || failed.ExitCode != want {
		t.Errorf("got %#v, want exit code %d", err, want)
	}
}

func TestLookPathFindsTheFirstExecutable(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	program(t, first, "tool", 0o644)
	want := program(t, second, "tool", 0o755)
	got, err := LookPath("tool", []string{"PATH=" + first + ":/nowhere:" + second})
	if err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestLookPathFailsAsAShellDoes(t *testing.T) {
	directory := t.TempDir()
	program(t, directory, "text", 0o644)
	if err := os.Mkdir(filepath.Join(directory, "directory"), 0o755); err != nil {
		t.Fatal(err)
	}
	env := []string{"PATH=" + directory}
	for name, want := range map[string]int{"missing": 127, "text": 126, "directory": 126} {
		_, err := LookPath(name, env)
		assertExitCode(t, err, want)
	}
}

func TestLookPathLeavesPathsAlone(t *testing.T) {
	if got, err := LookPath("./x", nil); err != nil || got != "./x" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestCannotStartHasTheExitCodeOfTheReason(t *testing.T) {
	for reason, want := range map[syscall.Errno]int{
		syscall.ENOENT: 127, syscall.ENOTDIR: 127, syscall.EACCES: 126, syscall.ENOEXEC: 126,
	} {
		assertExitCode(t, cannotStart("x", reason), want)
	}
}
