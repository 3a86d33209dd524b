// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/cgroup"
	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/spec"
)

// ChildName is the first argument that makes init run as the container's first process.
const ChildName = "gantry-container"

// The file descriptors of the pipes in the child.
const (
	specFD   = 3
	answerFD = 4
)

// answer is the child's message before it executes the program: its identity, or the reason of a failure.
type answer struct {
	Identity *Identity        `json:"identity,omitempty"`
	Failure  *failure.Failure `json:"failure,omitempty"`
	ExitCode int              `json:"exit_code,omitempty"`
}

// Launcher starts the container's main process.
type Launcher struct {
	Reaper *Reaper
	Spec   *spec.Spec
	Cgroup *cgroup.Group
}

// Container is a running container: one process in its own PID, mount, host name, IPC and cgroup namespaces.
type Container struct {
	PID      int
	Identity Identity
	// Ended receives the wait status when all processes of the container have ended.
	Ended <-chan syscall.WaitStatus

	// These are os.Files, so that they are closed when the container is garbage-collected.
	pidfd  *os.File
	cgroup *os.File
}

// Start starts the process with its output to the files. It returns when the program runs, or a failure. A first process that
// was killed, as when memory runs out, is not a failure to start: it is a container that has ended.
func (l *Launcher) Start(stdout, stderr *os.File) (*Container, error) {
	specRead, specWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer specWrite.Close()
	answerRead, answerWrite, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, specRead.Close())
	}
	defer answerRead.Close()
	group, err := l.Cgroup.Renew()
	if err != nil {
		return nil, errors.Join(err, specRead.Close(), answerWrite.Close())
	}
	pid, ended, err := l.fork(group, [2]*os.File{stdout, stderr}, specRead, answerWrite)
	// The child has its own copies. These would keep the pipes open.
	if err = errors.Join(err, specRead.Close(), answerWrite.Close()); err != nil {
		return nil, failure.New(failure.StartFailed, "start the container's first process: %v", err)
	}
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, failure.New(failure.StartFailed, "pidfd_open: %v", err)
	}
	container := &Container{PID: pid, Ended: ended, pidfd: os.NewFile(uintptr(pidfd), "pidfd"), cgroup: group}
	if err := l.converse(container, specWrite, answerRead); err != nil {
		status := <-ended
		if !status.Signaled() {
			return nil, err
		}
		container.Ended = already(status)
	}
	return container, nil
}

// already returns a channel that has the status.
func already(status syscall.WaitStatus) <-chan syscall.WaitStatus {
	ended := make(chan syscall.WaitStatus, 1)
	ended <- status
	return ended
}

func (l *Launcher) fork(group *os.File, outputs [2]*os.File, specRead, answerWrite *os.File) (int, <-chan syscall.WaitStatus, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, nil, err
	}
	defer null.Close()
	return l.Reaper.Start(func() (int, error) {
		return syscall.ForkExec("/proc/self/exe", []string{ChildName}, &syscall.ProcAttr{
			Files: []uintptr{null.Fd(), outputs[0].Fd(), outputs[1].Fd(), specRead.Fd(), answerWrite.Fd()},
			Sys: &syscall.SysProcAttr{
				Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
				Setsid:     true,
				// The first process creates the cgroup namespace itself, because the namespace's root is the caller's
				// cgroup.
				UseCgroupFD: true,
				CgroupFD:    int(group.Fd()),
			},
		})
	})
}

// converse sends the spec to the child and reads its answers until it executes the program.
func (l *Launcher) converse(container *Container, specWrite io.WriteCloser, answers io.Reader) error {
	err := json.NewEncoder(specWrite).Encode(l.Spec)
	if err = errors.Join(err, specWrite.Close()); err != nil {
		return failure.New(failure.StartFailed, "hand the spec to the container's first process: %v", err)
	}
	decoder := json.NewDecoder(answers)
	for {
		var said answer
		err := decoder.Decode(&said)
		switch {
		case errors.Is(err, io.EOF) && container.Identity.Home != "":
			return nil
		case err != nil:
			return failure.New(failure.StartFailed, "the container's first process ended without an answer: %v", err)
		case said.Failure != nil:
			said.Failure.ExitCode = said.ExitCode
			return said.Failure
		}
		container.Identity = *said.Identity
	}
}

// Signal sends a signal to the main process. It is not an error if the process has ended.
func (c *Container) Signal(number syscall.Signal) error {
	err := unix.PidfdSendSignal(int(c.pidfd.Fd()), number, nil, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("send signal %d to the container: %w", number, err)
	}
	return nil
}
