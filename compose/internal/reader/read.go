// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package reader

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/tree"
	"github.com/compose-spec/compose-go/v2/types"
)

// maxModel limits the size of the merged project as JSON. Ranges of ports and aliases expand a short file into a large one.
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
		if problem := fence.admit(path); problem != nil {
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

// load reads the project with the loader and returns it as JSON. The walk knows the places of attributes in the files.
func load(request Request, details types.ConfigDetails, walk *walk) (*Result, *Problem) {
	warnings := recordWarnings()
	attributes := []Attribute{}
	project, err := callLoader(details, func(options *loader.Options) {
		setOptions(options, request)
		// The pattern matches the whole project. The loader reports it as the files set it, before it adds what they imply.
		everything := []loader.UnsupportedAttributePattern{{Path: tree.PathMatchAll}}
		loader.WithUnsupportedAttributesCheck(everything, func(found []loader.UnsupportedAttribute) {
			for _, one := range found {
				attributes = append(attributes, walk.attributes(one.Value)...)
			}
		})(options)
	})
	if err != nil {
		return nil, walk.explained(err)
	}
	project, problem := withValueFiles(project, walk)
	if problem != nil {
		return nil, problem
	}
	model, err := withContents(project).MarshalJSON(types.WithSecretContent)
	if err != nil {
		return nil, walk.explained(err)
	}
	if len(model) > maxModel {
		return nil, &Problem{Code: CodeTooLarge, Message: fmt.Sprintf(
			"The merged project has %d bytes. At most %d are allowed.", len(model), maxModel)}
	}
	slices.SortStableFunc(attributes, func(a, b Attribute) int { return slices.Compare(a.Path, b.Path) })
	return &Result{
		Model: json.RawMessage(model), Attributes: attributes, Extensions: extensionsOf(project), Warnings: warnings.messages(),
	}, nil
}

func setOptions(options *loader.Options, request Request) {
	options.SetProjectName(loader.NormalizeProjectName(filepath.Base(request.ProjectDirectory)), false)
	if request.ProjectName != "" {
		options.SetProjectName(request.ProjectName, true)
	}
	options.Profiles = request.Profiles
	// withValueFiles does this after it has checked the files.
	options.SkipResolveEnvironment = true
	options.SkipResolveLabels = true
}

// callLoader returns an error also where the loader panics: it does not check the types of all values in the files.
func callLoader(details types.ConfigDetails, options func(*loader.Options)) (project *types.Project, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the loader failed: %v", cause)
		}
	}()
	return loader.LoadWithContext(context.Background(), details, options)
}

// withContents removes the names of variables from the configs that have their values, because the loader leaves the
// content of a config with a variable out of the JSON. It has an option for secrets. A config whose variable is not set
// keeps the name for the error message.
func withContents(project *types.Project) *types.Project {
	for name, config := range project.Configs {
		if config.Content != "" {
			config.Environment = ""
			project.Configs[name] = config
		}
	}
	return project
}

// withValueFiles adds the variables and labels of the services' files to them.
func withValueFiles(project *types.Project, walk *walk) (*types.Project, *Problem) {
	for _, file := range valueFiles(project) {
		if problem := walk.fence.admit(file.path); problem != nil && (file.required || problem.Code != CodeNotFound) {
			return nil, walk.at(problem, "", file.key)
		}
	}
	project, err := project.WithServicesEnvironmentResolved(true)
	if err != nil {
		return nil, variablesProblem(err)
	}
	if project, err = project.WithServicesLabelsResolved(true); err != nil {
		return nil, variablesProblem(err)
	}
	return project, nil
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
	add := func(spec types.ContainerSpec, key ...string) {
		for _, file := range spec.EnvFiles {
			files = append(files, valueFile{file.Path, bool(file.Required), append(slices.Clone(key), "env_file")})
		}
		for _, path := range spec.LabelFiles {
			files = append(files, valueFile{path, true, append(slices.Clone(key), "label_file")})
		}
	}
	for _, name := range project.ServiceNames() {
		service := project.Services[name]
		add(service.ContainerSpec, "services", name)
		for index, hook := range service.PreStart {
			add(hook.ContainerSpec, "services", name, "pre_start", strconv.Itoa(index))
		}
	}
	return files
}
