// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package reader

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
)

var (
	yamlLine      = regexp.MustCompile(`(?:line |\bL)(\d+)`)
	forbidden     = regexp.MustCompile(`^(?:(\S+)\.)?([^.\s]+) false schema$`)
	validating    = regexp.MustCompile(`^validating (.+?): `)
	additional    = regexp.MustCompile(`^(?:(\S+) )? ?additional properties '([^']+)'.* not allowed`)
	interpolating = regexp.MustCompile(`(?:invalid interpolation format for|error while interpolating) (\S+?)[.:](?:\s|$)`)
	dottedKey     = regexp.MustCompile(`^((?:services|jobs|networks|volumes|configs|secrets|models|include|name)(?:\.[^\s:]+)?):? `)
	ofBoth        = regexp.MustCompile(`^"([^"]+)" is declared both as a service and a job`)
	ofService     = regexp.MustCompile(`\b(service|job|secret|config|network|volume) "([^"]+)"`)
)

// explained returns an error of the loader as a problem, with its place and the nearest attribute of an unknown one.
func (w *walk) explained(err error) *Problem {
	var path *fs.PathError
	if errors.As(err, &path) {
		return unreadable(path.Path, err)
	}
	text := strings.TrimSuffix(err.Error(), ": invalid compose project")
	if match := interpolating.FindStringSubmatch(text); match != nil {
		key := w.split(match[1])
		first, _, _ := strings.Cut(text, "\nerror while")
		return w.at(&Problem{Code: CodeVariable, Message: sentence(first)}, "", key)
	}
	file := ""
	if match := validating.FindStringSubmatch(text); match != nil {
		file, text = match[1], strings.TrimPrefix(text, match[0])
	}
	if match := additional.FindStringSubmatch(text); match != nil {
		return w.unknown(file, match[1], match[2])
	}
	if match := forbidden.FindStringSubmatch(text); match != nil {
		return w.unknown(file, match[1], match[2])
	}
	problem := &Problem{Code: CodeInvalid, Message: sentence(text)}
	if strings.Contains(text, "ircular reference") || strings.Contains(text, "cycle detected") {
		problem.Code = CodeLoop
	}
	if match := dottedKey.FindStringSubmatch(text); match != nil {
		return w.at(problem, file, w.split(match[1]))
	}
	if match := ofService.FindStringSubmatch(text); match != nil {
		return w.at(problem, file, []string{match[1] + "s", match[2]})
	}
	if match := ofBoth.FindStringSubmatch(text); match != nil {
		return w.at(problem, file, []string{"jobs", match[1]})
	}
	problem.File = file
	return problem
}

// unknown returns the problem of an attribute that the specification does not have.
func (w *walk) unknown(file, parent, name string) *Problem {
	var path []string
	if parent != "" {
		path = w.split(parent)
	}
	key := append(append([]string{}, path...), name)
	problem := &Problem{
		Code:    CodeUnknown,
		Message: fmt.Sprintf("%s is not an attribute of the Compose specification.", joinedKey(key)),
		Nearest: newSpecification().nearest(path, name),
	}
	if problem.Nearest != "" {
		problem.Message += fmt.Sprintf(" The nearest one is %s.", problem.Nearest)
	}
	return w.at(problem, file, key)
}

// at adds the place of an attribute. The loader names the file that it has merged last; the attribute may be in another.
func (w *walk) at(problem *Problem, file string, key []string) *Problem {
	problem.Key = joinedKey(key)
	problem.Place = w.place(key)
	if problem.File == "" {
		problem.File = file
	}
	return problem
}

func syntaxProblem(file string, err error) *Problem {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	problem := &Problem{Code: CodeSyntax, Message: sentence("The file is not valid YAML: " + text), Place: Place{File: file}}
	if match := yamlLine.FindStringSubmatch(text); match != nil {
		problem.Line, _ = strconv.Atoi(match[1])
	}
	return problem
}

// variablesProblem explains an error in a file of variables. What the parser quotes of it may be a password.
func variablesProblem(err error) *Problem {
	var path *fs.PathError
	if errors.As(err, &path) {
		return unreadable(path.Path, err)
	}
	text, _, _ := strings.Cut(err.Error(), " near ")
	text, _, _ = strings.Cut(text, "\n")
	return &Problem{Code: CodeSyntax, Message: sentence(text)}
}

// sentence makes a sentence of a message; the name of an attribute at its beginning is left as it is.
func sentence(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return "The loader refused the files without a reason."
	}
	if !dottedKey.MatchString(text) {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	return strings.TrimSuffix(text, ".") + "."
}
