// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package reader

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// here is the directory of this package, before a project changes the working directory.
var here, _ = os.Getwd()

var (
	goText = regexp.MustCompile("`([^`]*)`")
	// The jobs of the loader's tests mostly have the names of their services, which it refuses outside of its tests.
	jobs     = regexp.MustCompile(`(?m)^jobs:.*\n(?:[ #].*\n|\n)*`)
	services = regexp.MustCompile(`(?m)^services:`)
)

// loaderSources returns the directory of the loader in Go's module cache, with the data of its own tests.
func loaderSources(t *testing.T) string {
	t.Helper()
	command := exec.Command("go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", "github.com/compose-spec/compose-go/v2")
	command.Dir = here
	output, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(output))
}

// expectOutcomes reads all projects, logs what each problem is, and compares how many were read and how many had which
// problem.
func expectOutcomes(t *testing.T, requests map[string]Request, expected map[string]int) {
	t.Helper()
	counts := map[string]int{}
	for name, request := range requests {
		result, problem := Read(request)
		switch {
		case problem == nil && result.Model != nil:
			counts["read"]++
		case problem == nil || problem.Code == "" || !strings.HasSuffix(problem.Message, ".") ||
			strings.Contains(problem.Message, "loader failed"):
			t.Errorf("%s: neither a model nor a reason: %+v", name, problem)
		default:
			counts[problem.Code]++
			t.Logf("%s: %s:%d: %s", name, problem.File, problem.Line, problem.Message)
		}
	}
	t.Logf("%d projects: %v", len(requests), counts)
	if !maps.Equal(counts, expected) {
		t.Errorf("%v, not %v", counts, expected)
	}
}

func TestTheLoadersFilesAreReadOrRefusedWithAReason(t *testing.T) {
	data := filepath.Join(loaderSources(t), "loader", "testdata")
	requests := map[string]Request{}
	err := filepath.WalkDir(data, func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".yaml" {
			requests[path] = Request{ProjectDirectory: filepath.Dir(path), Files: []File{{Path: path}}}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	expectOutcomes(t, requests, map[string]int{
		"read": 31, CodeLoop: 4, CodeNotFound: 4, CodeInvalid: 2, CodeOutside: 1,
	})
}

// The loader has one file of tests for each attribute of the specification.
func TestTheLoadersTextsForEachAttributeAreReadOrRefusedWithAReason(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(loaderSources(t), "loader", "tests", "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	requests := map[string]Request{}
	for _, path := range paths {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for index, match := range goText.FindAllStringSubmatch(string(source), -1) {
			if services.MatchString(match[1]) {
				file := File{Name: "definition", Content: jobs.ReplaceAllString(match[1], "")}
				name := fmt.Sprintf("%s %d", filepath.Base(path), index)
				requests[name] = Request{ProjectDirectory: directory, Files: []File{file}}
			}
		}
	}
	expectOutcomes(t, requests, map[string]int{
		"read": 174, CodeInvalid: 16, CodeVariable: 4, CodeSyntax: 1, CodeUnknown: 1,
	})
}
