// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package reader

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestOnlyFilesOfTheProjectAreRead(t *testing.T) {
	outside := project(t, map[string]string{
		"o.yml": "services: {o: {image: o}}", "o.env": "SECRET=1", "o.label": "a=b",
	})
	service := "services: {web: {image: a, %s}}"
	for name, content := range map[string]string{
		"include":                fmt.Sprintf("include: ['%s/o.yml']\nservices: {web: {image: a}}", outside),
		"include by a variable":  "include: ['${OUT}/o.yml']\nservices: {web: {image: a}}",
		"second include":         fmt.Sprintf("include: [{path: [in.yml, '%s/o.yml']}]", outside),
		"environment of include": fmt.Sprintf("include: [{path: in.yml, env_file: '%s/o.env'}]", outside),
		"directory of include":   fmt.Sprintf("include: [{path: in.yml, project_directory: '%s'}]", outside),
		"link":                   "include: [link.yml]",
		"extends":                fmt.Sprintf(service, "extends: {file: '"+outside+"/o.yml', service: o}"),
		"extends of a base":      fmt.Sprintf(service, "extends: {file: base.yml, service: b}"),
		"extends by a name":      fmt.Sprintf(service, "extends: {file: base.yml, service: '${NAME}'}"),
		"env_file":               fmt.Sprintf(service, "env_file: '"+outside+"/o.env'"),
		"env_file of a link":     fmt.Sprintf(service, "env_file: link.env"),
		"label_file":             fmt.Sprintf(service, "label_file: '"+outside+"/o.label'"),
		"env_file of a hook":     fmt.Sprintf(service, "pre_start: [{command: a, env_file: '"+outside+"/o.env'}]"),
	} {
		t.Run(name, func(t *testing.T) {
			directory := project(t, map[string]string{
				"c.yml":    content,
				"in.yml":   "services: {in: {image: in}}",
				"base.yml": "services: {b: {extends: c}, c: {extends: {file: '" + outside + "/o.yml', service: o}}}",
			})
			for link, target := range map[string]string{"link.yml": "o.yml", "link.env": "o.env"} {
				if err := os.Symlink(filepath.Join(outside, target), filepath.Join(directory, link)); err != nil {
					t.Fatal(err)
				}
			}
			if name == "directory of include" {
				if err := os.WriteFile(filepath.Join(outside, ".env"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
				defer os.Remove(filepath.Join(outside, ".env"))
			}
			asked := request(directory, "c.yml")
			asked.Variables["OUT"] = outside
			asked.Variables["NAME"] = "b"
			problem := mustRefuse(t, asked, CodeOutside)
			if !strings.Contains(problem.Message, outside) && !strings.Contains(problem.Message, "link") {
				t.Fatalf("%+v", *problem)
			}
		})
	}
}

func TestFilesThatTheUserNamesMayBeAnywhere(t *testing.T) {
	outside := project(t, map[string]string{"o.yml": "services: {o: {image: '${TAG}'}}", "o.env": "TAG=1"})
	asked := Request{
		ProjectDirectory: project(t, nil),
		Files:            []File{{Path: filepath.Join(outside, "o.yml")}},
		EnvFiles:         []string{filepath.Join(outside, "o.env")},
	}
	if found, _ := mustRead(t, asked); found.Services["o"].Image != "1" {
		t.Fatalf("%+v", found)
	}
}

func TestRemoteResourcesAreRefusedByName(t *testing.T) {
	for _, name := range []string{
		"https://example.com/a.git#main:compose.yml", "git@example.com:a.git", "oci://example.com/a:1", "github.com/a/b",
	} {
		for _, content := range []string{
			fmt.Sprintf("include: ['%s']", name),
			fmt.Sprintf("services: {a: {extends: {file: '%s', service: a}}}", name),
		} {
			directory := project(t, map[string]string{"c.yml": content})
			problem := mustRefuse(t, request(directory, "c.yml"), CodeRemote)
			if !strings.Contains(problem.Message, name) || problem.Line != 1 {
				t.Errorf("%+v", *problem)
			}
		}
	}
}

func TestLoopsEnd(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"itself":      {"c.yml": "include: [c.yml]"},
		"two":         {"c.yml": "include: [d.yml]", "d.yml": "include: [c.yml]"},
		"second path": {"c.yml": "include: [{path: [d.yml, c.yml]}]", "d.yml": "services: {a: {image: a}}"},
		"extends":     {"c.yml": "services: {a: {extends: b}, b: {extends: a}}"},
		"extends of files": {
			"c.yml": "services: {a: {extends: {file: d.yml, service: b}}}",
			"d.yml": "services: {b: {extends: {file: c.yml, service: a}}}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			problem := mustRefuse(t, request(project(t, files), "c.yml"), CodeLoop)
			if !strings.HasSuffix(problem.Message, ".") {
				t.Fatalf("%+v", *problem)
			}
		})
	}
}

func TestWhatIsTooLargeIsRefused(t *testing.T) {
	many := map[string]string{"c.yml": "include:\n"}
	deep := map[string]string{}
	for index := range maxVisits + 1 {
		many["c.yml"] += fmt.Sprintf("- f%d.yml\n", index)
		many[fmt.Sprintf("f%d.yml", index)] = "services: {}"
	}
	for index := range maxDepth + 1 {
		deep[fmt.Sprintf("f%d.yml", index)] = fmt.Sprintf("include: [f%d.yml]", index+1)
	}
	deep["c.yml"] = "include: [f0.yml]"
	merged := "x-text: &text " + strings.Repeat("x", 600<<10) + "\nservices:\n"
	for index := range 28 {
		merged += fmt.Sprintf("  s%d: {image: a, labels: {text: *text}}\n", index)
	}
	for name, files := range map[string]map[string]string{
		"merged":   {"c.yml": merged},
		"file":     {"c.yml": "# " + strings.Repeat("x", maxFile) + "\nservices: {a: {image: a}}"},
		"included": {"c.yml": "include: [d.yml]", "d.yml": "# " + strings.Repeat("x", maxFile)},
		"env_file": {"c.yml": "services: {a: {image: a, env_file: a.env}}", "a.env": "# " + strings.Repeat("x", maxFile)},
		"many":     many,
		"deep":     deep,
	} {
		t.Run(name, func(t *testing.T) { mustRefuse(t, request(project(t, files), "c.yml"), CodeTooLarge) })
	}
}

func TestAliasBombsAreRefused(t *testing.T) {
	lines := []string{"x-a: &a0 [" + strings.TrimSuffix(strings.Repeat("x,", 10), ",") + "]"}
	for index := range 9 {
		items := strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", index), 10), ",")
		lines = append(lines, fmt.Sprintf("x-a%d: &a%d [%s]", index+1, index+1, items))
	}
	lines = append(lines, "services: {web: {image: a}}")
	directory := project(t, map[string]string{"c.yml": strings.Join(lines, "\n")})
	mustRefuse(t, request(directory, "c.yml"), CodeSyntax)
}

func TestOnlyRegularFilesAreRead(t *testing.T) {
	directory := project(t, map[string]string{"c.yml": "include: [pipe]", "d.yml": "include: [sub]", "sub/a.yml": ""})
	if err := syscall.Mkfifo(filepath.Join(directory, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, request(directory, "c.yml"), CodeNotAFile)
	mustRefuse(t, request(directory, "d.yml"), CodeNotAFile)
	mustRefuse(t, request(directory, "missing.yml"), CodeNotFound)
}
