// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/spec"
)

func TestTheLimitsOfAStartedProcess(t *testing.T) {
	command := exec.Command("sleep", "60")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	wanted := spec.Process{Ulimits: map[string]spec.Ulimit{"nofile": {Soft: 33, Hard: 44}, "core": {Soft: 0, Hard: 0}}}
	err := limitOther(command.Process.Pid, wanted)
	var files, core unix.Rlimit
	for number, found := range map[int]*unix.Rlimit{unix.RLIMIT_NOFILE: &files, unix.RLIMIT_CORE: &core} {
		if err := unix.Prlimit(command.Process.Pid, number, nil, found); err != nil {
			t.Error(err)
		}
	}
	if err := command.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = command.Wait() // it was killed
	if err != nil || files != (unix.Rlimit{Cur: 33, Max: 44}) || core != (unix.Rlimit{}) {
		t.Errorf("%v: nofile %+v, core %+v", err, files, core)
	}
	if err := limitOther(command.Process.Pid, wanted); err != nil {
		t.Errorf("a process that has ended: %v", err)
	}
}

func TestSysctls(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "net/core/somaxconn")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("4096"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeSysctls(root, map[string]string{"net.core.somaxconn": "1024"}); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "1024" {
		t.Errorf("%q, %v", content, err)
	}
	err := writeSysctls(root, map[string]string{"net.core.nothing": "1"})
	if err == nil || !strings.Contains(err.Error(), "net.core.nothing: the kernel of the VM has no such setting") {
		t.Errorf("a setting that is not there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, "net/core/nothing")); !os.IsNotExist(err) {
		t.Errorf("it was created: %v", err)
	}
	err = writeSysctls(root, map[string]string{"net.core": "1"})
	if err == nil || !strings.Contains(err.Error(), `sysctl net.core cannot be set to "1"`) {
		t.Errorf("a folder: %v", err)
	}
}
