// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package process

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"gantry.invalid/guest/internal/failure"
)

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// The exit codes of a program that cannot be executed, as in a shell and Docker.
const (
	exitCannotExecute = 126
	exitNotFound      = 127
)

// Environment returns the spec's environment with the variables that Docker adds if they are not set. If a name occurs
// twice, the last value is used.
func Environment(env []string, hostname, home string) []string {
	values := map[string]string{}
	var order []string
	add := func(name, value string) {
		if _, known := values[name]; !known {
			order = append(order, name)
		}
		values[name] = value
	}
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		add(name, value)
	}
	for _, standard := range [][2]string{{"PATH", defaultPath}, {"HOSTNAME", hostname}, {"HOME", home}} {
		if _, given := values[standard[0]]; !given {
			add(standard[0], standard[1])
		}
	}
	complete := make([]string, 0, len(order))
	for _, name := range order {
		complete = append(complete, name+"="+values[name])
	}
	return complete
}

// LookPath finds a program in the container's PATH, as a shell does. A path with a slash is returned unchanged.
func LookPath(program string, env []string) (string, error) {
	if strings.Contains(program, "/") {
		return program, nil
	}
	searched := ""
	for _, variable := range env {
		if value, found := strings.CutPrefix(variable, "PATH="); found {
			searched = value
		}
	}
	var unusable error
	for _, directory := range filepath.SplitList(searched) {
		if directory == "" {
			directory = "."
		}
		path := filepath.Join(directory, program)
		info, err := os.Stat(path)
		switch {
		case err != nil:
		case info.IsDir() || info.Mode()&0o111 == 0:
			unusable = cannotStart(program, &fs.PathError{Op: "exec", Path: path, Err: syscall.EACCES})
		default:
			return path, nil
		}
	}
	if unusable != nil {
		return "", unusable
	}
	return "", &failure.Failure{
		Code: failure.StartFailed, Message: "program " + program + " is not in the image's PATH (" + searched + ")",
		ExitCode: exitNotFound,
	}
}

// cannotStart converts an error of exec to a failure with an exit code.
func cannotStart(program string, err error) *failure.Failure {
	code := exitCannotExecute
	if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ENOTDIR) {
		code = exitNotFound
	}
	return &failure.Failure{
		Code: failure.StartFailed, Message: "cannot run " + program + ": " + err.Error(), ExitCode: code,
	}
}
