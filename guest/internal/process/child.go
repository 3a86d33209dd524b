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

// RunChild is the container's first process until it executes the program. It does not return.
func RunChild() {
	// Capabilities belong to a thread, and exec keeps those of the calling thread.
	runtime.LockOSThread()
	unix.CloseOnExec(answerFD)
	answers := json.NewEncoder(os.NewFile(answerFD, "answers"))
	err := becomeProgram(func(identity Identity) error { return answers.Encode(answer{Identity: &identity}) })
	failed := failure.From(err, failure.StartFailed)
	// If the failure cannot be sent either, init reads the end of the pipe without an answer.
	_ = answers.Encode(answer{Failure: failed, ExitCode: failed.ExitCode})
	os.Exit(1)
}

func becomeProgram(sendIdentity func(Identity) error) error {
	wanted := &spec.Spec{}
	pipe := os.NewFile(specFD, "spec")
	if err := json.NewDecoder(pipe).Decode(wanted); err != nil {
		return err
	}
	if err := pipe.Close(); err != nil {
		return err
	}
	// The container is not protected from the kernel's out-of-memory killer, as init is.
	if err := os.WriteFile("/proc/self/oom_score_adj", []byte("0"), 0); err != nil {
		return err
	}
	if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil {
		return failure.New(failure.StartFailed, "create the cgroup namespace: %v", err)
	}
	// Settings of the IPC namespace are the container's. /proc/sys is read-only in it afterwards.
	if err := writeSysctls("/proc/sys", wanted.Sysctls); err != nil {
		return err
	}
	if err := rootfs.Enter(wanted, ownerInImage); err != nil {
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
	if err := sendIdentity(identity); err != nil {
		return err
	}
	args := wanted.Process.Args
	if wanted.Process.Init {
		path, args = first(path, args)
	}
	return cannotStart(program, syscall.Exec(path, args, env))
}

func resolveInImage(process spec.Process) (Identity, error) {
	return lookUp(process.User, process.Groups)
}

// ownerInImage returns the owner and the group of a file: root, unless others are given.
func ownerInImage(file spec.File) (uid, gid int, err error) {
	identity, err := lookUp(file.Owner+":"+file.Group, nil)
	if err != nil {
		return 0, 0, failure.New(failure.UserUnknown, "the owner of %s: %v", file.Target, err)
	}
	return identity.UID, identity.GID, nil
}

// lookUp resolves a user and groups by the files of the image.
func lookUp(user string, groups []string) (Identity, error) {
	contents := map[string]string{}
	for _, path := range []string{"/etc/passwd", "/etc/group"} {
		content, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Identity{}, failure.New(failure.UserUnknown, "%v", err)
		}
		contents[path] = string(content)
	}
	return Resolve(user, groups, contents["/etc/passwd"], contents["/etc/group"])
}

// enterDirectory changes to the directory and creates it if necessary, as Docker does.
func enterDirectory(path string) error {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	return os.Chdir(path)
}

// takeIdentity sets resource limits, user and groups and drops privileges. The output pipe is given to the user, who can open it through
// /dev/stdout.
func takeIdentity(process spec.Process, identity Identity) error {
	for _, fd := range []int{1, 2} {
		if err := unix.Fchown(fd, identity.UID, identity.GID); err != nil {
			return err
		}
	}
	if err := limitSelf(process); err != nil {
		return err
	}
	keep, err := process.BoundingSet()
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
