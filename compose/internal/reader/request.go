// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package reader reads a project of Compose files with the reference loader, within bounds, and says where in the files
// something stands.
package reader

import (
	"encoding/json"
	"path/filepath"
)

// Request is everything that the result depends on, besides the files in the project's directory. The environment of
// the process is not read.
type Request struct {
	// ProjectName has precedence over the files' name; without both it is the name of the directory.
	ProjectName string `json:"project_name"`
	// ProjectDirectory is absolute. Relative paths in the files are relative to it.
	ProjectDirectory string `json:"project_directory"`
	Files            []File `json:"files"`
	// EnvFiles have variables for the interpolation. If it is null, the project's .env is read if there is one.
	EnvFiles  []string          `json:"env_files"`
	Profiles  []string          `json:"profiles"`
	Variables map[string]string `json:"variables"`
}

// File is one Compose file: the absolute path of a file, or the content with a name for messages.
type File struct {
	Path    string `json:"path"`
	Name    string `json:"name"`
	Content string `json:"content"`
}

// Result is what was read.
type Result struct {
	Model json.RawMessage `json:"model"`
	// Attributes are all attributes that the files set, after merging. Services and other parts with names are among
	// them, and extensions of parts.
	Attributes []Attribute `json:"attributes"`
	Extensions []Extension `json:"extensions"`
	Warnings   []string    `json:"warnings"`
}

// Extension has the x-* attributes of a part of the project.
type Extension struct {
	// Path is empty for the project itself; otherwise a kind and a name, as in services and web.
	Path   []string       `json:"path"`
	Values map[string]any `json:"values"`
}

// Attribute is one attribute that a project sets.
type Attribute struct {
	// Pattern is the path in the specification, with * for the names that users choose and [] for items of lists.
	Pattern string `json:"pattern"`
	// Path has the names in place of the stars.
	Path []string `json:"path"`
	Place
}

// Place is a line in a file; it is empty where it is not known.
type Place struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// Problem says why a project could not be read.
type Problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	// Key is the path of the attribute, as in services.web.image.
	Key string `json:"key,omitempty"`
	// Nearest is the attribute of the specification that an unknown one may have been meant to be.
	Nearest string `json:"nearest,omitempty"`
	Place
}

func (p *Problem) Error() string { return p.Message }

// The codes of problems.
const (
	CodeRequest    = "request"
	CodeNotFound   = "not_found"
	CodeSyntax     = "syntax"
	CodeUnknown    = "unknown_attribute"
	CodeInvalid    = "invalid"
	CodeVariable   = "variable"
	CodeOutside    = "outside_project"
	CodeRemote     = "remote"
	CodeLoop       = "loop"
	CodeTooLarge   = "too_large"
	CodeNotAFile   = "not_a_file"
	CodeUnreadable = "unreadable"
)

func (r Request) check() *Problem {
	if !filepath.IsAbs(r.ProjectDirectory) {
		return &Problem{Code: CodeRequest, Message: "project_directory must be an absolute path."}
	}
	if len(r.Files) == 0 {
		return &Problem{Code: CodeRequest, Message: "There is no Compose file to read."}
	}
	for _, file := range r.Files {
		if (file.Path == "") == (file.Name == "") || (file.Path != "" && !filepath.IsAbs(file.Path)) {
			return &Problem{Code: CodeRequest, Message: "Each file must have an absolute path, or a name and a content."}
		}
	}
	for _, path := range r.EnvFiles {
		if !filepath.IsAbs(path) {
			return &Problem{Code: CodeRequest, Message: "The path of each environment file must be absolute."}
		}
	}
	return nil
}
