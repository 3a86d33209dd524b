// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package reader

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// The limits of the size of one file and of all files.
const (
	maxFile  = 1 << 20
	maxTotal = 16 << 20
)

var remote = regexp.MustCompile(`^(?:[A-Za-z][A-Za-z0-9+.-]*://|git@|github\.com/|oci:)`)

// fence limits which files are read: regular ones of a limited size, in the project's directory or named by the user.
type fence struct {
	project string
	// real is the project's directory without symbolic links.
	real  string
	named map[string]bool
	total int64
}

func newFence(request Request) (*fence, *Problem) {
	found := &fence{project: request.ProjectDirectory, named: map[string]bool{}}
	real, err := filepath.EvalSymlinks(request.ProjectDirectory)
	if err != nil {
		return nil, unreadable(request.ProjectDirectory, err)
	}
	found.real = real
	paths := append([]string{}, request.EnvFiles...)
	for _, file := range request.Files {
		paths = append(paths, file.Path)
	}
	for _, path := range paths {
		// One that does not exist is a problem where it is read.
		if real, err := filepath.EvalSymlinks(path); err == nil && path != "" {
			found.named[real] = true
		}
	}
	return found, nil
}

// absolute returns the path that the loader reads, whose working directory is the project's.
func (f *fence) absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(f.project, path)
}

// read returns the content of a file that may be read.
func (f *fence) read(path string) ([]byte, *Problem) {
	if problem := f.admit(path); problem != nil {
		return nil, problem
	}
	content, err := os.ReadFile(f.absolute(path))
	if err != nil {
		return nil, unreadable(path, err)
	}
	return content, nil
}

// admit counts a file that is to be read, or returns why it must not be.
func (f *fence) admit(path string) *Problem {
	absolute := f.absolute(path)
	real, err := filepath.EvalSymlinks(absolute)
	if err != nil {
		return unreadable(absolute, err)
	}
	if !f.contains(real) {
		return &Problem{Code: CodeOutside, Message: fmt.Sprintf(
			"%s is outside of the project's directory %s. Move it there, or choose another project's directory.", absolute, f.project)}
	}
	facts, err := os.Stat(real)
	if err != nil {
		return unreadable(absolute, err)
	}
	if !facts.Mode().IsRegular() {
		return &Problem{Code: CodeNotAFile, Message: fmt.Sprintf("%s is not a regular file.", absolute)}
	}
	f.total += facts.Size()
	if facts.Size() > maxFile || f.total > maxTotal {
		return &Problem{Code: CodeTooLarge, Message: fmt.Sprintf(
			"%s has %d bytes. A file of a project may have at most %d bytes, and all files together %d.", absolute, facts.Size(), maxFile, maxTotal)}
	}
	return nil
}

func (f *fence) contains(real string) bool {
	return f.named[real] || strings.HasPrefix(real, strings.TrimSuffix(f.real, "/")+"/")
}

func unreadable(path string, err error) *Problem {
	if errors.Is(err, fs.ErrNotExist) {
		return &Problem{Code: CodeNotFound, Message: fmt.Sprintf("%s does not exist.", path)}
	}
	return &Problem{Code: CodeUnreadable, Message: fmt.Sprintf("%s cannot be read: %v.", path, errors.Unwrap(err))}
}

func remoteProblem(name string) *Problem {
	return &Problem{Code: CodeRemote, Message: fmt.Sprintf(
		"%s is a remote resource, which is not loaded. Download it into the project's directory.", name)}
}
