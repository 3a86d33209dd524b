// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The table of the programs that were started.

package guestops

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/vmware/govmomi/toolbox/vix"
)

// Limits of the table.
const (
	mostRunning = 16
	mostShown   = 128
	// shownFor is how long an ended program is shown (API, GuestProcessInfo.exitCode).
	shownFor = 5 * time.Minute
)

// The exit codes of commands that were not started, as of Docker's client.
const (
	ExitNotStarted    = 125
	ExitCannotExecute = 126
	ExitNotFound      = 127
)

// Runner runs commands in the container, and copies files into it and out of it.
type Runner interface {
	// Run runs a command until it ends, or kills it when ctx ends. It returns how the command ended. A *Failure says why the
	// command was not started.
	Run(ctx context.Context, request Exec, stdout, stderr io.Writer) (Exit, error)
	// Copier returns what copies files of the container until ctx ends. The error may be a *Failure.
	Copier(ctx context.Context) (Copier, error)
}

// Exit is the end of a program.
type Exit struct {
	Code   int // 128 + signal if a signal ended it
	Signal int // 0: none
}

// The codes of failures that are decided here or by every runner.
const (
	NotRunning = "not_running"
	TooMany    = "too_many"
	NotStarted = "start_failed"
)

// Failure is the reason why a command was not started.
type Failure struct {
	Code     string `json:"code"`
	Message  string `json:"message"`
	ExitCode int    `json:"-"`
}

func (f *Failure) Error() string { return f.Message }

// program is one command, running or ended.
type program struct {
	pid            int64
	path           string    // ExecPath or CopyPath
	archive        *archive  // nil: it sends and receives none
	started, ended time.Time // ended is zero while it runs
	kill           context.CancelFunc
	stdout, stderr *stream
	exit           Exit
	timedOut       bool
	failure        *Failure
	file           *result // nil: none yet, or dropped
}

// programs is the table. It also accounts for the memory of all results.
type programs struct {
	runner Runner
	memory int // for the streams of all programs

	mu      sync.Mutex
	last    int64
	used    int        // of memory
	entries []*program // in the order of their start
}

// newPrograms returns an empty table. Its pids begin somewhere, so that those of an earlier boot name no other program.
func newPrograms(runner Runner, memory int) *programs {
	return &programs{runner: runner, memory: memory, last: 1<<22 + rand.Int64N(1<<40)}
}

// start starts a program and returns its pid. All reasons for which it does not run are in its result.
func (p *programs) start(request *vix.StartProgramRequest) (int64, error) {
	if request.ProgramPath != ExecPath && request.ProgramPath != CopyPath {
		return 0, refuse(vix.FileNotFound, "A container VM runs %s, %s and %s only, not %q.", ExecPath, CopyPath, FilesPath,
			request.ProgramPath)
	}
	wanted, err := parseTask(request.ProgramPath, request.Arguments)
	if err != nil {
		return 0, refuse(vix.InvalidArg, "The arguments of %s are invalid: %v.", request.ProgramPath, err)
	}
	ctx, cancel := wanted.context()
	started := &program{path: request.ProgramPath, started: time.Now(), kill: cancel, archive: wanted.archive(ctx)}
	started.stdout = &stream{table: p, limit: wanted.limit()}
	started.stderr = &stream{table: p, limit: wanted.limit()}
	if p.add(started) {
		go p.run(ctx, started, wanted)
	} else {
		p.end(started, Exit{Code: ExitNotStarted}, false, &Failure{Code: TooMany,
			Message: fmt.Sprintf("%d programs run already; wait until one has ended.", mostRunning)})
	}
	return started.pid, nil
}

// add gives a program its pid, and returns whether it may run.
func (p *programs) add(started *program) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forgetOld(mostShown - 1)
	running := 0
	for _, entry := range p.entries {
		if entry.ended.IsZero() {
			running++
		}
	}
	p.last++
	started.pid = p.last
	p.entries = append(p.entries, started)
	return running < mostRunning
}

// forgetOld removes programs that ended long ago, and those that were started first if there are more. The caller holds the
// lock.
func (p *programs) forgetOld(keep int) {
	excess := len(p.entries) - keep
	p.entries = slices.DeleteFunc(p.entries, func(entry *program) bool {
		isOld := !entry.ended.IsZero() && (time.Since(entry.ended) > shownFor || excess > 0)
		if isOld {
			excess--
			p.drop(entry)
		}
		return isOld
	})
}

func (p *programs) run(ctx context.Context, started *program, wanted task) {
	exit, err := wanted.run(ctx, p.runner, started)
	timedOut := exit.Signal == int(syscall.SIGKILL) && errors.Is(ctx.Err(), context.DeadlineExceeded)
	var failure *Failure
	if err != nil && !errors.As(err, &failure) {
		failure = &Failure{Code: NotStarted, Message: err.Error(), ExitCode: ExitNotStarted}
	}
	if failure != nil {
		exit, timedOut = Exit{Code: failure.ExitCode}, false
	}
	p.end(started, exit, timedOut, failure)
}

func (p *programs) end(started *program, exit Exit, timedOut bool, failure *Failure) {
	started.kill()
	p.mu.Lock()
	defer p.mu.Unlock()
	started.exit, started.timedOut, started.failure = exit, timedOut, failure
	started.ended = time.Now()
	started.file = newResult(started)
}

// terminate kills a program.
func (p *programs) terminate(pid int64) error {
	p.mu.Lock()
	found := p.find(pid)
	p.mu.Unlock()
	if found == nil {
		return refuse(vix.NoSuchProcess, "There is no process %d.", pid)
	}
	found.kill()
	return nil
}

// find returns a program, or nil. The caller holds the lock.
func (p *programs) find(pid int64) *program {
	p.forgetOld(mostShown)
	for _, entry := range p.entries {
		if entry.pid == pid {
			return entry
		}
	}
	return nil
}

// list returns the programs with these pids, or all. The arguments, which may be secret, are not shown.
func (p *programs) list(pids []int64) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forgetOld(mostShown)
	var text bytes.Buffer
	for _, entry := range p.entries {
		if len(pids) > 0 && !slices.Contains(pids, entry.pid) {
			continue
		}
		ended := int64(0)
		if !entry.ended.IsZero() {
			ended = entry.ended.Unix()
		}
		fmt.Fprintf(&text, "<proc><cmd>%s</cmd><name>%s</name><pid>%d</pid><user>%s</user><start>%d</start><eCode>%d</eCode>"+
			"<eTime>%d</eTime></proc>", entry.path, entry.path, entry.pid, UserName, entry.started.Unix(), entry.exit.Code, ended)
	}
	return text.Bytes()
}

// result returns the result file with this path.
func (p *programs) result(path string) (*result, error) {
	program, text := splitPath(path)
	pid, err := strconv.ParseInt(text, 10, 64)
	p.mu.Lock()
	defer p.mu.Unlock()
	found := p.find(pid)
	switch {
	case err != nil || found == nil || found.path != program || !found.ended.IsZero() && found.file == nil:
		return nil, refuse(vix.FileNotFound, "There is no file %q: a container VM has the results of programs in %s and %s, for %v.",
			path, ExecPath, CopyPath, shownFor)
	case found.ended.IsZero():
		return nil, refuse(vix.FileAccessError, "The program %d has not ended; its result is not complete yet.", pid)
	}
	return found.file, nil
}

// grant returns how many of the bytes a stream may keep. Results of programs that ended first make room for it.
func (p *programs) grant(bytes int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.used+bytes > p.memory && p.dropFirst() {
	}
	granted := max(0, min(bytes, p.memory-p.used))
	p.used += granted
	return granted
}

// dropFirst drops the result of the program that ended first. It returns false if there is none. The caller holds the lock.
func (p *programs) dropFirst() bool {
	var first *program
	for _, entry := range p.entries {
		if entry.file != nil && (first == nil || entry.ended.Before(first.ended)) {
			first = entry
		}
	}
	if first == nil {
		return false
	}
	p.drop(first)
	return true
}

// drop frees the memory of a result. The caller holds the lock.
func (p *programs) drop(ended *program) {
	if ended.file != nil {
		p.used -= ended.file.memory()
		ended.file = nil
	}
}
