// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package reader

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/interpolation"
	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"
)

// The limits of how many files include and extends read, and of how deep they are nested.
const (
	maxVisits = 1000
	maxDepth  = 50
)

// walk finds all files that the loader would read for include and extends, before it does, because the loader has no
// bounds of its own for them. It resolves their paths by the loader's rules.
type walk struct {
	fence *fence
	// documents are in the order in which they were found: the project's files first.
	documents []*document
	// extending has the name of the service that a service extends, by services.NAME.
	extending map[string]string
	visited   map[string]bool
	count     int
}

// document is one document of a file, for lines in messages.
type document struct {
	file string
	root *yaml.Node
}

// scope is how the paths of a file are resolved, and its variables.
type scope struct {
	// loading is the directory of paths of include and extends.
	loading string
	// working is the directory of the other paths of include; in included files it is relative to the loading directory
	// of the including one.
	working   string
	variables types.Mapping
	// files are the included files up to this one.
	files []string
}

// file follows the references of a file.
func (w *walk) file(path string, content []byte, at scope) *Problem {
	if slices.Contains(at.files, path) {
		return &Problem{Code: CodeLoop, Message: fmt.Sprintf("%s includes itself, directly or through other files.", path)}
	}
	if len(at.files) >= maxDepth {
		return &Problem{Code: CodeTooLarge, Message: fmt.Sprintf("Files are included more than %d levels deep.", maxDepth)}
	}
	at.files = append(slices.Clone(at.files), path)
	models, problem := w.decode(path, content)
	if problem != nil {
		return problem
	}
	for _, model := range models {
		if problem := w.includes(path, model, at); problem != nil {
			return problem
		}
		if problem := w.extended(path, model, at); problem != nil {
			return problem
		}
	}
	return nil
}

// decode returns the documents of a file as values; what is not a mapping is left to the loader.
func (w *walk) decode(path string, content []byte) ([]map[string]any, *Problem) {
	var models []map[string]any
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			return models, nil
		}
		if err != nil {
			return nil, syntaxProblem(path, err)
		}
		var value any
		if err := node.Decode(&value); err != nil {
			return nil, syntaxProblem(path, err)
		}
		if len(node.Content) == 1 {
			w.documents = append(w.documents, &document{file: path, root: node.Content[0]})
		}
		if model, ok := asMapping(value); ok {
			models = append(models, model)
		}
	}
}

// includes follows the include list of a file.
func (w *walk) includes(path string, model map[string]any, at scope) *Problem {
	entries, ok := interpolated(map[string]any{"include": model["include"]}, at)["include"].([]any)
	if !ok {
		return nil
	}
	for index, entry := range entries {
		problem := w.include(entry, at)
		if problem != nil {
			return w.placed(problem, path, "include", fmt.Sprint(index))
		}
	}
	return nil
}

func (w *walk) include(entry any, at scope) *Problem {
	mapping, ok := asMapping(entry)
	if !ok {
		mapping = map[string]any{"path": entry}
	}
	paths := asStrings(mapping["path"])
	if len(paths) == 0 {
		return nil
	}
	for index, one := range paths {
		if remote.MatchString(one) {
			return remoteProblem(one)
		}
		paths[index] = joined(at.loading, one)
	}
	directory, _ := mapping["project_directory"].(string)
	inner := scope{files: at.files}
	switch {
	case directory == "":
		inner.loading = filepath.Dir(paths[0])
		inner.working = w.loaderDir(at.loading, paths[0])
	case filepath.IsAbs(directory):
		inner.loading, inner.working = directory, directory
	default:
		inner.loading = filepath.Join(at.working, directory)
		inner.working = w.loaderDir(at.loading, directory)
	}
	variables, problem := w.includedVariables(asStrings(mapping["env_file"]), inner.loading, at)
	if problem != nil {
		return problem
	}
	inner.variables = variables
	for _, one := range paths {
		if problem := w.visit(one, inner); problem != nil {
			return problem
		}
	}
	return nil
}

// visit reads an included file, once for each way in which it can be read.
func (w *walk) visit(path string, at scope) *Problem {
	if slices.Contains(at.files, path) {
		return w.file(path, nil, at)
	}
	if !w.firstVisit(at, "include", path) {
		return nil
	}
	if problem := w.countVisit(); problem != nil {
		return problem
	}
	content, problem := w.fence.read(path)
	if problem != nil {
		return problem
	}
	return w.file(path, content, at)
}

// includedVariables returns the variables of an included file: those of the including one, and after them those of its
// environment files.
func (w *walk) includedVariables(files []string, directory string, at scope) (types.Mapping, *Problem) {
	var paths []string
	for _, file := range files {
		if file == "/dev/null" {
			continue
		}
		paths = append(paths, joined(at.working, file))
	}
	if len(files) == 0 {
		path := filepath.Join(directory, dotenv.DotEnv)
		if facts, err := os.Stat(w.fence.absolute(path)); err == nil && !facts.IsDir() {
			paths = append(paths, path)
		}
	}
	for _, path := range paths {
		if problem := w.fence.admit(path); problem != nil {
			return nil, problem
		}
	}
	found, err := dotenv.GetEnvFromFile(at.variables, paths)
	if err != nil {
		return nil, variablesProblem(err)
	}
	return at.variables.Clone().Merge(found), nil
}

// firstVisit marks a file as read in a way, and returns whether it was not before.
func (w *walk) firstVisit(at scope, words ...string) bool {
	// JSON has sorted keys, so the same variables have the same digest.
	variables, _ := json.Marshal(at.variables)
	key := fmt.Sprintf("%q %q %q %x", words, at.loading, at.working, sha256.Sum256(variables))
	first := !w.visited[key]
	w.visited[key] = true
	return first
}

func (w *walk) countVisit() *Problem {
	w.count++
	if w.count > maxVisits {
		return &Problem{Code: CodeTooLarge, Message: fmt.Sprintf(
			"The project reads more than %d files by include and extends.", maxVisits)}
	}
	return nil
}

// placed adds the place of the attribute that a problem comes from, unless a deeper one has been added.
func (w *walk) placed(problem *Problem, file string, key ...string) *Problem {
	if problem.File == "" {
		problem.Place = w.placeIn(file, key)
		problem.Key = joinedKey(key)
	}
	return problem
}

// loaderDir returns what the loader takes for the directory of a path: relative to its own if possible.
func (w *walk) loaderDir(loading, original string) string {
	directory := joined(loading, original)
	if facts, err := os.Stat(w.fence.absolute(directory)); err != nil || !facts.IsDir() {
		directory = joined(loading, filepath.Dir(original))
	}
	relative, err := filepath.Rel(loading, directory)
	if err != nil {
		return directory
	}
	return relative
}

// interpolated returns a part of a file with its variables replaced. Where that fails, the loader fails before it
// reads further files.
func interpolated(part map[string]any, at scope) map[string]any {
	lookup := func(name string) (string, bool) { return at.variables.Resolve(name) }
	found, err := interpolation.Interpolate(part, interpolation.Options{LookupValue: lookup})
	if err != nil {
		return nil
	}
	return found
}

func joined(directory, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(directory, path)
}

// asMapping returns a mapping; the loader refuses those with keys that are not strings.
func asMapping(value any) (map[string]any, bool) {
	found, ok := value.(map[string]any)
	return found, ok
}

// asStrings returns a copy of a string or a list of strings.
func asStrings(value any) []string {
	switch found := value.(type) {
	case string:
		return []string{found}
	case []any:
		var texts []string
		for _, item := range found {
			if text, ok := item.(string); ok {
				texts = append(texts, text)
			}
		}
		return texts
	}
	return nil
}
