// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package reader

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/tree"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/sirupsen/logrus"
)

// What the merged project may have as JSON; a range of ports or an anchor makes much of a short file.
const maxModel = 16 << 20

// Read reads the project of a request, or returns why it cannot.
func Read(request Request) (*Result, *Problem) {
	if problem := request.check(); problem != nil {
		return nil, problem
	}
	fence, problem := newFence(request)
	if problem != nil {
		return nil, problem
	}
	// The loader leaves some paths of included files relative to the project.
	if err := os.Chdir(request.ProjectDirectory); err != nil {
		return nil, unreadable(request.ProjectDirectory, err)
	}
	variables, problem := readVariables(request, fence)
	if problem != nil {
		return nil, problem
	}
	details := types.ConfigDetails{WorkingDir: request.ProjectDirectory, Environment: variables}
	walk := &walk{fence: fence, visited: map[string]bool{}, extending: map[string]string{}}
	for _, file := range request.Files {
		name, content := file.Name, []byte(file.Content)
		if file.Path != "" {
			name = file.Path
			if content, problem = fence.read(file.Path); problem != nil {
				return nil, problem
			}
		}
		at := scope{loading: request.ProjectDirectory, working: request.ProjectDirectory, variables: variables}
		if problem := walk.file(name, content, at); problem != nil {
			return nil, problem
		}
		details.ConfigFiles = append(details.ConfigFiles, types.ConfigFile{Filename: name, Content: content})
	}
	return load(request, details, walk)
}

// readVariables returns the variables of the request, and after them those of the environment files.
func readVariables(request Request, fence *fence) (types.Mapping, *Problem) {
	paths := request.EnvFiles
	if paths == nil {
		path := filepath.Join(request.ProjectDirectory, dotenv.DotEnv)
		if facts, err := os.Stat(path); err == nil && !facts.IsDir() {
			paths = []string{path}
		}
	}
	for _, path := range paths {
		if problem := fence.check(path); problem != nil {
			return nil, problem
		}
	}
	variables := types.Mapping(request.Variables).Clone()
	found, err := dotenv.GetEnvFromFile(variables, paths)
	if err != nil {
		return nil, variablesProblem(err)
	}
	return variables.Merge(found), nil
}

// loaded calls the loader, which does not check the types of everything that it takes from a file.
func loaded(details types.ConfigDetails, options func(*loader.Options)) (project *types.Project, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the loader failed: %v", cause)
		}
	}()
	return loader.LoadWithContext(context.Background(), details, options)
}

// load calls the loader; the walk knows where in the files something stands.
func load(request Request, details types.ConfigDetails, walk *walk) (*Result, *Problem) {
	warnings := recordWarnings()
	attributes := []Attribute{}
	options := func(options *loader.Options) {
		directory := loader.NormalizeProjectName(filepath.Base(request.ProjectDirectory))
		options.SetProjectName(directory, false)
		if request.ProjectName != "" {
			options.SetProjectName(request.ProjectName, true)
		}
		options.Profiles = request.Profiles
		// Their files are checked first.
		options.SkipResolveEnvironment = true
		options.SkipResolveLabels = true
		// The pattern matches the whole, so that it is reported as the files set it, before the loader adds what they imply.
		everything := []loader.UnsupportedAttributePattern{{Path: tree.PathMatchAll}}
		loader.WithUnsupportedAttributesCheck(everything, func(found []loader.UnsupportedAttribute) {
			for _, one := range found {
				attributes = append(attributes, walk.attributes(one.Value)...)
			}
		})(options)
	}
	project, err := loaded(details, options)
	if err != nil {
		return nil, walk.explained(err)
	}
	for _, file := range valueFiles(project) {
		if problem := walk.fence.check(file.path); problem != nil && (file.required || problem.Code != CodeNotFound) {
			return nil, walk.at(problem, "", file.key)
		}
	}
	if project, err = project.WithServicesEnvironmentResolved(true); err != nil {
		return nil, variablesProblem(err)
	}
	if project, err = project.WithServicesLabelsResolved(true); err != nil {
		return nil, variablesProblem(err)
	}
	model, err := withContents(project).MarshalJSON(types.WithSecretContent)
	if err != nil {
		return nil, walk.explained(err)
	}
	if len(model) > maxModel {
		return nil, &Problem{Code: CodeTooLarge, Message: fmt.Sprintf(
			"The merged project has %d bytes. It may have %d.", len(model), maxModel)}
	}
	slices.SortStableFunc(attributes, func(a, b Attribute) int { return slices.Compare(a.Path, b.Path) })
	return &Result{
		Model: json.RawMessage(model), Attributes: attributes, Extensions: extensionsOf(project), Warnings: warnings.messages(),
	}, nil
}

// withContents returns the project with the contents of the configs that are variables, which the loader has looked up
// and otherwise leaves out of the model. It has an option for those of secrets.
func withContents(project *types.Project) *types.Project {
	for name, config := range project.Configs {
		if config.Content != "" {
			config.Environment = ""
			project.Configs[name] = config
		}
	}
	return project
}

// valueFile is a file with variables or labels of a service, and the attribute that names it.
type valueFile struct {
	path     string
	required bool
	key      []string
}

// valueFiles returns the files of the services that are enabled.
func valueFiles(project *types.Project) []valueFile {
	var files []valueFile
	of := func(spec types.ContainerSpec, key ...string) {
		for _, file := range spec.EnvFiles {
			files = append(files, valueFile{file.Path, bool(file.Required), append(slices.Clone(key), "env_file")})
		}
		for _, path := range spec.LabelFiles {
			files = append(files, valueFile{path, true, append(slices.Clone(key), "label_file")})
		}
	}
	for _, name := range project.ServiceNames() {
		service := project.Services[name]
		of(service.ContainerSpec, "services", name)
		for index, hook := range service.PreStart {
			of(hook.ContainerSpec, "services", name, "pre_start", strconv.Itoa(index))
		}
	}
	return files
}

// recorder keeps what the loader warns of.
type recorder struct{ seen []string }

func recordWarnings() *recorder {
	recorder := &recorder{}
	logrus.SetOutput(io.Discard)
	logrus.StandardLogger().ReplaceHooks(logrus.LevelHooks{})
	logrus.AddHook(recorder)
	return recorder
}

// Levels says that warnings and what is worse is kept.
func (r *recorder) Levels() []logrus.Level { return logrus.AllLevels[:logrus.WarnLevel+1] }

// Fire keeps a message.
func (r *recorder) Fire(entry *logrus.Entry) error {
	if !slices.Contains(r.seen, entry.Message) {
		r.seen = append(r.seen, entry.Message)
	}
	return nil
}

func (r *recorder) messages() []string {
	slices.Sort(r.seen)
	return append([]string{}, r.seen...)
}
