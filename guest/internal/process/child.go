// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package process

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/rootfs"
	"gantry.invalid/guest/internal/spec"
)

// RunChild is the container's first process until it becomes the program. It does not return.
func RunChild() {
	// Capabilities are a thread's own, and exec keeps those of the thread that calls it.
	runtime.LockOSThread()
	unix.CloseOnExec(answerFD)
	answers := json.NewEncoder(os.NewFile(answerFD, "answers"))
	err := becomeProgram(func(identity Identity) error { return answers.Encode(answer{Identity: &identity}) })
	failed := failure.From(err, failure.StartFailed)
	// If even this cannot be sent, init reads the end of the pipe without an identity.
	_ = answers.Encode(answer{Failure: failed, ExitCode: failed.ExitCode})
	os.Exit(1)
}

func becomeProgram(tell func(Identity) error) error {
	wanted := &spec.Spec{}
	pipe := os.NewFile(specFD, "spec")
	if err := json.NewDecoder(pipe).Decode(wanted); err != nil {
		return err
	}
	if err := pipe.Close(); err != nil {
		return err
	}
	// Init is protected from the kernel's out-of-memory killer; the container is not.
	if err := os.WriteFile("/proc/self/oom_score_adj", []byte("0"), 0); err != nil {
		return err
	}
	if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil {
		return failure.New(failure.StartFailed, "create the cgroup namespace: %v", err)
	}
	if err := rootfs.Enter(wanted); err != nil {
		return failure.From(err, failure.MountFailed)
	}
	identity, err := resolveInImage(wanted.Process)
	if err != nil {
		return err
	}
	if err := enterDirectory(wanted.Process.Cwd); err != nil {
		return failure.New(failure.CwdFailed, "working directory %s: %v", wanted.Process.Cwd, err)
	}
	if err := takeIdentity(wanted.Process, identity); err != nil {
		return err
	}
	env := Environment(wanted.Process.Env, wanted.Hostname, identity.Home)
	program := wanted.Process.Args[0]
	path, err := LookPath(program, env)
	if err != nil {
		return err
	}
	if err := tell(identity); err != nil {
		return err
	}
	return cannotStart(program, syscall.Exec(path, wanted.Process.Args, env))
}

func resolveInImage(process spec.Process) (Identity, error) {
	contents := map[string]string{}
	for _, path := range []string{"/etc/passwd", "/etc/group"} {
		content, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Identity{}, failure.New(failure.UserUnknown, "%v", err)
		}
		contents[path] = string(content)
	}
	return Resolve(process.User, process.Groups, contents["/etc/passwd"], contents["/etc/group"])
}

// enterDirectory makes the directory if need be, as Docker does.
func enterDirectory(path string) error {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	return os.Chdir(path)
}

// takeIdentity drops the privileges that the process must not have. Its output stays openable by its own user through /dev/stdout.
func takeIdentity(process spec.Process, identity Identity) error {
	for _, fd := range []int{1, 2} {
		if err := unix.Fchown(fd, identity.UID, identity.GID); err != nil {
			return err
		}
	}
	keep, err := boundingNumbers(process)
	if err != nil {
		return err
	}
	if err := limitCapabilities(keep); err != nil {
		return err
	}
	if err := syscall.Setgroups(identity.Groups); err != nil {
		return err
	}
	if err := syscall.Setgid(identity.GID); err != nil {
		return err
	}
	return syscall.Setuid(identity.UID)
}
