// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What the programs of guest operations have in common: arguments in JSON, and a timeout.

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

// longestArguments is less than the 64 KiB of a relayed command.
const longestArguments = 48 << 10

// task is what a program is to do, decoded from its arguments.
type task interface {
	// context returns the context in which the program runs, which ends at the timeout.
	context() (context.Context, context.CancelFunc)
	// limit is how much is kept of each stream of output.
	limit() int
	// archive returns what connects the program with the client that sends or receives an archive, or nil.
	archive(ctx context.Context) *archive
	run(ctx context.Context, runner Runner, started *program) (Exit, error)
}

// parseTask decodes the arguments of one of the two programs.
func parseTask(path, arguments string) (task, error) {
	if path == CopyPath {
		return parseCopy(arguments)
	}
	return parseExec(arguments)
}

// decodeStrictly decodes arguments, which must be one JSON object without unknown keys.
func decodeStrictly(arguments string, into any) error {
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

func isTimeout(seconds float64) bool {
	return seconds >= 0 && seconds <= math.MaxInt64/float64(time.Second)
}

// contextFor returns a context that ends after the timeout; 0 is none.
func contextFor(seconds float64) (context.Context, context.CancelFunc) {
	if seconds == 0 {
		return context.WithCancel(context.Background())
	}
	return context.WithTimeout(context.Background(), time.Duration(seconds*float64(time.Second)))
}

// splitPath returns the directory and the name of a file.
func splitPath(path string) (directory, name string) {
	index := strings.LastIndexByte(path, '/')
	if index < 0 {
		return "", path
	}
	return path[:index], path[index+1:]
}
