// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The arguments of a program to start.

package guestops

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// ExecPath is the program that runs a command in the container. Its results are below it.
const ExecPath = "/gantry/exec"

// Limits of a request.
const (
	longestArguments = 48 << 10 // a relayed command has at most 64 KiB
	defaultLimit     = 1 << 20
	highestLimit     = 16 << 20
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
	if err := decodeArguments(arguments, &request); err != nil {
		return Exec{}, err
	}
	return request, request.validate()
}

// decodeArguments decodes the arguments of a program. Unknown keys are refused.
func decodeArguments(arguments string, into any) error {
	if len(arguments) > longestArguments {
		return fmt.Errorf("they have %d bytes; at most %d are possible", len(arguments), longestArguments)
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(arguments)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON object")
	}
	return nil
}

func (e Exec) validate() error {
	switch {
	case len(e.Command) == 0 || e.Command[0] == "":
		return errors.New("command is empty; name the program to run")
	case e.hasNUL():
		return errors.New("command, user, env and working_dir must not contain NUL characters")
	case e.WorkingDir != "" && !strings.HasPrefix(e.WorkingDir, "/"):
		return fmt.Errorf("working_dir is %q; it must be an absolute path", e.WorkingDir)
	case e.Timeout < 0 || e.Timeout > math.MaxInt64/float64(time.Second):
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

// context returns the context in which the program runs, which ends at the timeout.
func (e Exec) context() (context.Context, context.CancelFunc) {
	if e.Timeout == 0 {
		return context.WithCancel(context.Background())
	}
	return context.WithTimeout(context.Background(), time.Duration(e.Timeout*float64(time.Second)))
}
