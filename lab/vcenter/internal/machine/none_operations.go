// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Guest operations of the guests of None: the code of the bootstrap, with programs that tests script.

package machine

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"syscall"
	"time"

	"gantry.invalid/guest/guestops"
	"gantry.invalid/guest/logbuf"
)

// noneResults is the memory for results, as of a guest with 256 MiB.
const noneResults = 4 << 20

// execScriptName is the program that follows the script in its first argument.
const execScriptName = "lab-exec"

// execScript says what a program does. A signal ends it if it is not 0.
type execScript struct {
	RunMS    int    `json:"run_ms"`
	ExitCode int    `json:"exit_code"`
	Signal   int    `json:"signal"`
	Stdout   string `json:"stdout"`
	Stderr   string `json:"stderr"`
	Show     bool   `json:"show"` // the request is written to stdout

	// What is written to the log of the container, as if its main process had.
	ContainerStdout string `json:"container_stdout"`
	ContainerStderr string `json:"container_stderr"`
}

// noneOperations runs the programs of one guest.
type noneOperations struct {
	none   *None
	run    *guestRun
	server *guestops.Server
	files  noneFiles
}

func (n *None) newOperations(run *guestRun) *noneOperations {
	o := &noneOperations{none: n, run: run}
	o.server = guestops.New(o, noneResults)
	o.server.ServeLog(func(query logbuf.Query) (logbuf.Page, error) { return n.read(run, query) })
	if offered := run.document.Operations; offered != nil {
		hash, err := hex.DecodeString(offered.SecretSHA256)
		if err == nil { // an invalid hash offers nothing, as the bootstrap refuses the document
			o.server.Access.Enable(hash, o.reportRefused)
		}
	}
	return o
}

// reportRefused publishes the last status with the number of refused requests.
func (o *noneOperations) reportRefused(refused int) {
	o.none.mu.Lock()
	status := maps.Clone(o.run.status)
	if status != nil {
		status["guest_operations"] = map[string]any{"refused": refused}
		o.run.status = status
	}
	id := o.run.spec.ID
	o.none.mu.Unlock()
	if status != nil {
		o.none.publish(id, status)
	}
}

// Relay answers a command of a guest operation.
func (n *None) Relay(_ context.Context, id string, command []byte) ([]byte, error) {
	n.mu.Lock()
	run, there := n.running[id]
	n.mu.Unlock()
	if !there {
		return nil, fmt.Errorf("VM %s is not running", id)
	}
	if run.operations == nil {
		return nil, ErrNoTools
	}
	return run.operations.server.Dispatch(command), nil
}

// errNotRunning is why nothing is done in a container that has ended.
var errNotRunning = &guestops.Failure{Code: guestops.NotRunning, Message: "The container does not run now.",
	ExitCode: guestops.ExitNotStarted}

func (o *noneOperations) hasEnded() bool {
	o.none.mu.Lock()
	defer o.none.mu.Unlock()
	return o.run.ending != nil || o.none.running[o.run.spec.ID] != o.run
}

// Run runs a scripted program.
func (o *noneOperations) Run(ctx context.Context, request guestops.Exec, stdout, stderr io.Writer) (guestops.Exit, error) {
	request.Command = withoutShell(request.Command)
	switch name := request.Command[0]; {
	case o.hasEnded():
		return guestops.Exit{}, errNotRunning
	case name == "true":
		return guestops.Exit{}, nil
	case name == execScriptName && len(request.Command) == 2:
		return o.follow(ctx, request, stdout, stderr)
	default:
		return guestops.Exit{}, &guestops.Failure{Code: guestops.NotStarted, ExitCode: guestops.ExitNotFound,
			Message: fmt.Sprintf("program %s is not in the image's PATH", name)}
	}
}

// withoutShell returns the command of a shell, as connection plugins of Ansible run one: the name of a program, and its argument.
func withoutShell(command []string) []string {
	if len(command) == 3 && command[0] == "/bin/sh" && command[1] == "-c" && command[2] != "" {
		return strings.SplitN(command[2], " ", 2)
	}
	return command
}

// follow follows the script of a program until it ends or is killed.
func (o *noneOperations) follow(ctx context.Context, request guestops.Exec, stdout, stderr io.Writer) (guestops.Exit, error) {
	var wanted execScript
	if err := json.Unmarshal([]byte(request.Command[1]), &wanted); err != nil {
		return guestops.Exit{}, fmt.Errorf("the argument of %s: %w", execScriptName, err)
	}
	shown := []byte(wanted.Stdout)
	if wanted.Show {
		text, err := json.Marshal(request)
		if err != nil {
			return guestops.Exit{}, err
		}
		shown = append(shown, text...)
	}
	_, err := stdout.Write(shown)
	_, stderrErr := stderr.Write([]byte(wanted.Stderr))
	err = errors.Join(err, stderrErr, o.none.write(o.run, logbuf.Stdout, wanted.ContainerStdout),
		o.none.write(o.run, logbuf.Stderr, wanted.ContainerStderr))
	if err != nil {
		return guestops.Exit{}, err
	}
	select {
	case <-ctx.Done():
		return killedBy(int(syscall.SIGKILL)), nil
	case <-time.After(time.Duration(wanted.RunMS) * time.Millisecond):
	}
	if wanted.Signal != 0 {
		return killedBy(wanted.Signal), nil
	}
	return guestops.Exit{Code: wanted.ExitCode}, nil
}

func killedBy(signal int) guestops.Exit { return guestops.Exit{Code: 128 + signal, Signal: signal} }
