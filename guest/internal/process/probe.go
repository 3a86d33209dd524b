// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/spec"
)

// ProbeOutputBytes is the maximum size of a probe's output, as in Docker.
const ProbeOutputBytes = 4096

// drain is the time for reading output after the probe's process has ended: a child of it may keep the pipe open.
const drain = 100 * time.Millisecond

// Probe runs a command inside the container, as the container's user, and returns its exit code and the beginning of its
// output. The command is killed when ctx ends.
func (c *Container) Probe(ctx context.Context, reaper *Reaper, wanted *spec.Spec, args []string) (int, string, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return 0, "", err
	}
	defer read.Close()
	pid, ended, err := c.forkInside(reaper, wanted, args, write)
	if err = errors.Join(err, write.Close()); err != nil {
		return 0, "", err
	}
	collected := make(chan string, 1)
	go func() { collected <- readBegin(read) }()
	var status syscall.WaitStatus
	select {
	case status = <-ended:
	case <-ctx.Done():
		// The whole session is killed. An error is ignored: the process has already ended.
		_ = unix.Kill(-pid, unix.SIGKILL)
		<-ended
		err = ctx.Err()
	}
	if deadlineErr := read.SetReadDeadline(time.Now().Add(drain)); deadlineErr != nil {
		return 0, "", deadlineErr
	}
	return ExitCode(status), <-collected, err
}

// forkInside starts a process in the container's namespaces. A thread cannot leave them again, so each call uses a new
// thread that ends afterwards.
func (c *Container) forkInside(
	reaper *Reaper, wanted *spec.Spec, args []string, output *os.File,
) (pid int, ended <-chan syscall.WaitStatus, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Never unlocked: the thread ends with the goroutine.
		runtime.LockOSThread()
		null, openErr := os.Open(os.DevNull)
		if openErr != nil {
			err = openErr
			return
		}
		defer null.Close()
		if err = c.enter(wanted.Process); err != nil {
			return
		}
		env := Environment(wanted.Process.Env, wanted.Hostname, c.Identity.Home)
		var path string
		if path, err = LookPath(args[0], env); err != nil {
			return
		}
		groups := make([]uint32, 0, len(c.Identity.Groups))
		for _, group := range c.Identity.Groups {
			groups = append(groups, uint32(group))
		}
		pid, ended, err = reaper.Start(func() (int, error) {
			return syscall.ForkExec(path, args, &syscall.ProcAttr{
				Dir:   wanted.Process.Cwd,
				Env:   env,
				Files: []uintptr{null.Fd(), output.Fd(), output.Fd()},
				Sys: &syscall.SysProcAttr{
					Setsid:      true,
					UseCgroupFD: true,
					CgroupFD:    int(c.cgroup.Fd()),
					Credential: &syscall.Credential{
						Uid: uint32(c.Identity.UID), Gid: uint32(c.Identity.GID), Groups: groups,
					},
				},
			})
		})
	}()
	<-done
	if err != nil {
		return 0, nil, err
	}
	// Unlike init, whose protection it has inherited, the probe may be killed when memory runs out. It may also have ended
	// already.
	err = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("0"), 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		err = nil
	}
	return pid, ended, err
}

// enter moves the calling thread and its future children into the container.
func (c *Container) enter(process spec.Process) error {
	// A thread that shares its root directory with others cannot change its mount namespace.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWPID | unix.CLONE_NEWCGROUP
	if err := unix.Setns(int(c.pidfd.Fd()), namespaces); err != nil {
		return fmt.Errorf("enter the container: %w", err)
	}
	keep, err := boundingNumbers(process)
	if err != nil {
		return err
	}
	return limitCapabilities(keep)
}

func readBegin(read *os.File) string {
	var begin bytes.Buffer
	chunk := make([]byte, ProbeOutputBytes)
	for {
		size, err := read.Read(chunk)
		begin.Write(chunk[:min(size, ProbeOutputBytes-begin.Len())])
		if err != nil {
			return begin.String()
		}
	}
}
