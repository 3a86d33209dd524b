// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/spec"
)

// drain is the time for reading output after a command has ended: a child of it may keep the pipe open.
const drain = time.Second

// Command is a command to run inside a container, beside its main process.
type Command struct {
	Args []string
	// Process has the environment, the directory and the capabilities, and the groups of another user. Its Args are not used.
	Process        spec.Process
	User           string // another user than the container's; empty: the container's
	Hostname       string
	Stdin          []byte
	Stdout, Stderr io.Writer // if they are equal, the command writes both to one pipe
}

// Run runs a command until it ends, and kills its session when ctx ends, whose error it then returns. A command that was not
// started is a failure.
func (c *Container) Run(ctx context.Context, reaper *Reaper, command Command) (syscall.WaitStatus, error) {
	pipes, err := openPipes(command)
	if err != nil {
		return 0, err
	}
	defer pipes.close()
	pid, ended, err := c.forkInside(reaper, command, pipes.child)
	if err = errors.Join(err, pipes.closeChild()); err != nil {
		return 0, err
	}
	pipes.copy(command)
	var status syscall.WaitStatus
	select {
	case status = <-ended:
	case <-ctx.Done():
		// The whole session is killed. An error is ignored: the process has already ended.
		_ = unix.Kill(-pid, unix.SIGKILL)
		status = <-ended
		err = ctx.Err()
	}
	return status, errors.Join(err, pipes.wait())
}

// pipes are the standard streams of a command.
type pipes struct {
	child   [3]*os.File // the command's ends
	input   *os.File    // nil: there is none
	outputs []*os.File
	done    sync.WaitGroup // copying to the input, and from the outputs
}

func openPipes(command Command) (p *pipes, err error) {
	p = &pipes{}
	defer func() {
		if err != nil {
			_ = p.closeChild() // the error of opening is returned
			p.close()
		}
	}()
	if len(command.Stdin) == 0 {
		p.child[0], err = os.Open(os.DevNull)
	} else {
		p.child[0], p.input, err = os.Pipe()
	}
	if err != nil {
		return nil, err
	}
	if err = p.addOutput(1); err != nil {
		return nil, err
	}
	if command.Stderr == command.Stdout {
		p.child[2] = p.child[1]
		return p, nil
	}
	return p, p.addOutput(2)
}

func (p *pipes) addOutput(number int) error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	p.outputs, p.child[number] = append(p.outputs, read), write
	return nil
}

// closeChild closes the command's ends, which it has inherited.
func (p *pipes) closeChild() error {
	var failures []error
	for index, file := range p.child {
		if file != nil && !slices.Contains(p.child[:index], file) {
			failures = append(failures, file.Close())
		}
	}
	return errors.Join(failures...)
}

// close closes the own ends. An input that was copied is closed already.
func (p *pipes) close() {
	for _, file := range append(p.outputs, p.input) {
		if file != nil {
			_ = file.Close()
		}
	}
}

// copy copies input and output in goroutines.
func (p *pipes) copy(command Command) {
	if p.input != nil {
		p.done.Go(func() {
			// A command that does not read its input ends the copy with an error, which is its decision.
			_, _ = io.Copy(p.input, bytes.NewReader(command.Stdin))
			_ = p.input.Close()
		})
	}
	for index, output := range p.outputs {
		to := command.Stdout
		if index == 1 {
			to = command.Stderr
		}
		p.done.Go(func() { _, _ = io.Copy(to, output) }) // it ends with the pipe, or at the deadline
	}
}

// wait waits for the rest of the output after the command has ended.
func (p *pipes) wait() error {
	if p.input != nil {
		_ = p.input.Close() // this ends a copy that nobody reads
	}
	var failures []error
	for _, output := range p.outputs {
		failures = append(failures, output.SetReadDeadline(time.Now().Add(drain)))
	}
	p.done.Wait()
	return errors.Join(failures...)
}

// forkInside starts a command in the container's namespaces. A thread cannot leave them again, so each call uses a new
// thread that ends afterwards.
func (c *Container) forkInside(
	reaper *Reaper, command Command, streams [3]*os.File,
) (pid int, ended <-chan syscall.WaitStatus, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Never unlocked: the thread ends with the goroutine.
		runtime.LockOSThread()
		if err = c.enter(command.Process); err != nil {
			return
		}
		pid, ended, err = c.fork(reaper, command, streams)
	}()
	<-done
	if err != nil {
		return 0, nil, err
	}
	// Unlike init, whose protection it has inherited, the command may be killed when memory runs out. It may also have ended
	// already.
	err = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("0"), 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		err = nil
	}
	return pid, ended, err
}

// fork starts a command. The calling thread is in the container.
func (c *Container) fork(reaper *Reaper, command Command, streams [3]*os.File) (int, <-chan syscall.WaitStatus, error) {
	identity, err := c.identityFor(command)
	if err != nil {
		return 0, nil, err
	}
	if info, err := os.Stat(command.Process.Cwd); err != nil || !info.IsDir() {
		return 0, nil, &failure.Failure{Code: failure.CwdFailed, ExitCode: exitCannotExecute,
			Message: fmt.Sprintf("working directory %s is not a directory of the container", command.Process.Cwd)}
	}
	env := Environment(command.Process.Env, command.Hostname, identity.Home)
	path, err := LookPath(command.Args[0], env)
	if err != nil {
		return 0, nil, err
	}
	groups := make([]uint32, 0, len(identity.Groups))
	for _, group := range identity.Groups {
		groups = append(groups, uint32(group))
	}
	pid, ended, err := reaper.Start(func() (int, error) {
		pid, err := syscall.ForkExec(path, command.Args, &syscall.ProcAttr{
			Dir:   command.Process.Cwd,
			Env:   env,
			Files: []uintptr{streams[0].Fd(), streams[1].Fd(), streams[2].Fd()},
			Sys: &syscall.SysProcAttr{
				Setsid:      true,
				UseCgroupFD: true,
				CgroupFD:    int(c.cgroup.Fd()),
				Credential:  &syscall.Credential{Uid: uint32(identity.UID), Gid: uint32(identity.GID), Groups: groups},
			},
		})
		if err != nil {
			return 0, cannotStart(command.Args[0], err)
		}
		if err := limitOther(pid, command.Process); err != nil {
			return 0, errors.Join(err, unix.Kill(pid, unix.SIGKILL))
		}
		return pid, nil
	})
	return pid, ended, err
}

// identityFor returns the identity of a command. The calling thread is in the container.
func (c *Container) identityFor(command Command) (Identity, error) {
	if command.User == "" {
		return c.Identity, nil
	}
	process := command.Process
	process.User = command.User
	return resolveInImage(process)
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
	keep, err := process.BoundingSet()
	if err != nil {
		return err
	}
	return limitCapabilities(keep)
}
