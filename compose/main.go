// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Command gantry-compose reads a project of Compose files with the reference loader. It reads a request from its
// standard input, as JSON, and writes the canonical model or a problem to its standard output. With --attributes it
// writes the attributes that the specification has.
//
// The caller bounds its memory and its time. It takes nothing from its environment but the settings of Go's runtime.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"gantry.invalid/compose/internal/reader"
)

// maxRequest limits the size of a request, which has the contents of inline definitions.
const maxRequest = 16 << 20

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run returns the exit code: 0 with a result, 1 with a problem, and 2 if the call is not valid.
func run(arguments []string, input io.Reader, output, errors io.Writer) int {
	if len(arguments) == 1 && arguments[0] == "--attributes" {
		return write(output, errors, map[string]any{"attributes": reader.Attributes()}, 0)
	}
	if len(arguments) > 0 {
		fmt.Fprintln(errors, "gantry-compose: give a request on the standard input, or --attributes")
		return 2
	}
	var request reader.Request
	decoder := json.NewDecoder(io.LimitReader(input, maxRequest))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil {
		fmt.Fprintf(errors, "gantry-compose: the request is not valid: %v\n", err)
		return 2
	}
	result, problem := reader.Read(request)
	if problem != nil {
		return write(output, errors, map[string]any{"problem": problem}, 1)
	}
	return write(output, errors, result, 0)
}

func write(output, errors io.Writer, value any, code int) int {
	if err := json.NewEncoder(output).Encode(value); err != nil {
		fmt.Fprintf(errors, "gantry-compose: the result could not be written: %v\n", err)
		return 2
	}
	return code
}
