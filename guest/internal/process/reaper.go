// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package process

import (
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Reaper reaps all children of init: the processes that it starts, and orphans that are reparented to PID 1.
type Reaper struct {
	mu      sync.Mutex
	waiting map[int]chan<- syscall.WaitStatus
}

// NewReaper starts a Reaper.
func NewReaper() *Reaper {
	reaper := &Reaper{waiting: map[int]chan<- syscall.WaitStatus{}}
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	go func() {
		for range children {
			reaper.collect()
		}
	}()
	return reaper
}

// Start calls fork, which creates a child, and returns the child's PID and a channel for its wait status.
func (r *Reaper) Start(fork func() (int, error)) (int, <-chan syscall.WaitStatus, error) {
	// The lock prevents that the child is reaped before its channel is registered.
	r.mu.Lock()
	defer r.mu.Unlock()
	pid, err := fork()
	if err != nil {
		return 0, nil, err
	}
	ended := make(chan syscall.WaitStatus, 1)
	r.waiting[pid] = ended
	return pid, ended, nil
}

func (r *Reaper) collect() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		if ended, ours := r.waiting[pid]; ours {
			delete(r.waiting, pid)
			ended <- status
		}
	}
}

// ExitCode converts a wait status to an exit code, as a shell and Docker do.
func ExitCode(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}
