// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The arguments of a program to start.

package guestops

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ExecPath is the program that runs a command in the container. Its results are below it.
const ExecPath = "/gantry/exec"

// Limits of a request.
const (
	defaultLimit = 1 << 20
	highestLimit = 16 << 20
)

// Exec is a command to run in the container.
type Exec struct {
	Command    []string          `json:"command"`
	User       string            `json:"user"`
	Env        map[string]string `json:"env"`
	WorkingDir string            `json:"working_dir"`
	Stdin      []byte            `json:"stdin"`
	Timeout    float64           `json:"timeout"` // seconds; 0: none
	Limit      int               `json:"limit"`   // bytes kept of each stream
}

func parseExec(arguments string) (Exec, error) {
	request := Exec{Limit: defaultLimit}
	if err := decodeStrictly(arguments, &request); err != nil {
		return Exec{}, err
	}
	return request, request.validate()
}

func (e Exec) validate() error {
	switch {
	case len(e.Command) == 0 || e.Command[0] == "":
		return errors.New("command is empty; name the program to run")
	case e.hasNUL():
		return errors.New("command, user, env and working_dir must not contain NUL characters")
	case e.WorkingDir != "" && !strings.HasPrefix(e.WorkingDir, "/"):
		return fmt.Errorf("working_dir is %q; it must be an absolute path", e.WorkingDir)
	case !isTimeout(e.Timeout):
		return fmt.Errorf("timeout is %v; it must be a number of seconds, or 0 for none", e.Timeout)
	case e.Limit < 0 || e.Limit > highestLimit:
		return fmt.Errorf("limit is %d; it must be between 0 and %d bytes", e.Limit, highestLimit)
	}
	for name := range e.Env {
		if name == "" || strings.Contains(name, "=") {
			return fmt.Errorf("env has the name %q; a name must not be empty or contain an equals sign", name)
		}
	}
	return nil
}

func (e Exec) hasNUL() bool {
	texts := append([]string{e.User, e.WorkingDir}, e.Command...)
	for name, value := range e.Env {
		texts = append(texts, name, value)
	}
	for _, text := range texts {
		if strings.Contains(text, "\x00") {
			return true
		}
	}
	return false
}

func (e Exec) context() (context.Context, context.CancelFunc) { return contextFor(e.Timeout) }

func (e Exec) limit() int { return e.Limit }

func (e Exec) archive(context.Context) *archive { return nil }

func (e Exec) run(ctx context.Context, runner Runner, started *program) (Exit, error) {
	return runner.Run(ctx, e, started.stdout, started.stderr)
}
