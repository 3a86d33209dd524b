// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package reader

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// project writes files into a directory and returns it.
func project(t *testing.T, files map[string]string) string {
	t.Helper()
	directory, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		path := filepath.Join(directory, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}

func request(directory string, names ...string) Request {
	found := Request{ProjectDirectory: directory, Variables: map[string]string{}}
	for _, name := range names {
		found.Files = append(found.Files, File{Path: filepath.Join(directory, name)})
	}
	return found
}

type model struct {
	Name     string
	Services map[string]struct {
		Image       string
		Environment map[string]string
		Labels      map[string]string
		Ports       []struct {
			Target    int
			Published string
		}
		Volumes []struct{ Source string }
	}
	Networks map[string]any
	Secrets  map[string]source
	Configs  map[string]source
}

// source is where the content of a secret or a config comes from.
type source struct{ Content, Environment string }

func mustRead(t *testing.T, request Request) (model, *Result) {
	t.Helper()
	result, problem := Read(request)
	if problem != nil {
		t.Fatalf("%+v", *problem)
	}
	var found model
	if err := json.Unmarshal(result.Model, &found); err != nil {
		t.Fatal(err)
	}
	return found, result
}

func mustRefuse(t *testing.T, request Request, code string) *Problem {
	t.Helper()
	_, problem := Read(request)
	if problem == nil {
		t.Fatalf("the project was read, which should have the problem %s", code)
	}
	if problem.Code != code {
		t.Fatalf("the problem is %+v, not %s", *problem, code)
	}
	return problem
}

func TestFilesAreMergedInTheirOrder(t *testing.T) {
	directory := project(t, map[string]string{
		"a.yml": "services: {web: {image: a, ports: ['8080:80'], environment: {A: '1'}}}",
		"b.yml": "services: {web: {image: b, ports: ['9090:80'], environment: [B=2]}}",
	})
	found, _ := mustRead(t, request(directory, "a.yml", "b.yml"))
	web := found.Services["web"]
	if web.Image != "b" || len(web.Ports) != 2 || web.Environment["A"]+web.Environment["B"] != "12" {
		t.Fatalf("%+v", web)
	}
	if found.Name != loaderName(directory) {
		t.Fatalf("the project is called %s", found.Name)
	}
}

func loaderName(directory string) string { return strings.ToLower(filepath.Base(directory)) }

func TestIncludeAndExtendsAreFollowedFromTheirOwnDirectories(t *testing.T) {
	directory := project(t, map[string]string{
		"compose.yml":   "include: [one/c.yml]\nservices:\n  web: {extends: {file: base/b.yml, service: b}}",
		"one/c.yml":     "include: [{path: two/d.yml, env_file: one/two/x.env}]\nservices: {one: {image: one, volumes: ['./data:/d']}}",
		"one/.env":      "UNUSED=1",
		"one/two/d.yml": "services: {two: {image: '${TAG}'}}",
		// The loader takes env_file as relative to the directory of the including file, seen from the project.
		"one/one/two/x.env": "TAG=from-file",
		"base/b.yml":        "services: {b: {image: base, extends: {file: deep/e.yml, service: e}, volumes: ['./data:/d']}}",
		"base/deep/e.yml":   "services: {e: {labels: {deep: 'yes'}, extends: f}, f: {labels: {f: 'yes'}}}",
	})
	found, _ := mustRead(t, request(directory, "compose.yml"))
	if found.Services["two"].Image != "from-file" {
		t.Fatalf("%+v", found.Services)
	}
	if web := found.Services["web"]; web.Image != "base" || web.Labels["deep"] != "yes" || web.Labels["f"] != "yes" ||
		web.Volumes[0].Source != filepath.Join(directory, "base/data") {
		t.Fatalf("%+v", web)
	}
}

func TestVariablesHavePrecedenceOverEnvironmentFilesAndTheProcess(t *testing.T) {
	t.Setenv("FROM_PROCESS", "no")
	directory := project(t, map[string]string{
		".env":        "A=file\nB=file\n",
		"other.env":   "A=other\n",
		"compose.yml": "services: {web: {image: 'i:${A}-${B:-none}-${FROM_PROCESS:-unset}', env_file: e.env}}",
		"e.env":       "VALUE=1\n",
	})
	asked := request(directory, "compose.yml")
	asked.Variables["A"] = "given"
	found, result := mustRead(t, asked)
	if web := found.Services["web"]; web.Image != "i:given-file-unset" || web.Environment["VALUE"] != "1" {
		t.Fatalf("%+v", web)
	}
	if len(result.Warnings) != 0 {
		t.Fatalf("%v", result.Warnings)
	}
	asked = request(directory, "compose.yml")
	// With environment files, .env is not read.
	asked.EnvFiles = []string{filepath.Join(directory, "other.env")}
	if found, _ = mustRead(t, asked); found.Services["web"].Image != "i:other-none-unset" {
		t.Fatalf("%+v", found.Services["web"])
	}
}

func TestInlineDefinitionsAreFiles(t *testing.T) {
	directory := project(t, map[string]string{"c.yml": "services: {db: {image: db}}"})
	asked := Request{ProjectName: "shop", ProjectDirectory: directory, Files: []File{
		{Name: "definition", Content: "include: [c.yml]\nservices: {web: {image: '${UNSET}web'}}"},
	}}
	found, result := mustRead(t, asked)
	if found.Name != "shop" || found.Services["db"].Image != "db" || found.Services["web"].Image != "web" {
		t.Fatalf("%+v", found)
	}
	if len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0], "UNSET") {
		t.Fatalf("%v", result.Warnings)
	}
}

func TestContentsOfSecretsAndConfigsAreThoseOfVariables(t *testing.T) {
	directory := project(t, map[string]string{
		"c.yml": "services: {a: {image: a}}\nsecrets: {s: {environment: WORD}}\nconfigs: {c: {environment: WORD}}\n",
	})
	asked := request(directory, "c.yml")
	asked.Variables = map[string]string{"WORD": "hidden"}
	found, _ := mustRead(t, asked)
	// The content of a config with the name of a variable is not part of the model.
	if found.Secrets["s"].Content != "hidden" || found.Configs["c"] != (source{Content: "hidden"}) {
		t.Fatalf("%+v", found)
	}
}

func TestSecretsAndConfigsKeepTheNamesOfVariablesThatAreNotSet(t *testing.T) {
	directory := project(t, map[string]string{
		"c.yml": "services: {a: {image: a}}\nsecrets: {s: {environment: NOT_SET}}\nconfigs: {c: {environment: NOT_SET}}\n",
	})
	found, _ := mustRead(t, request(directory, "c.yml"))
	if unset := (source{Environment: "NOT_SET"}); found.Secrets["s"] != unset || found.Configs["c"] != unset {
		t.Fatalf("%+v", found)
	}
}

func TestProfilesSelectServices(t *testing.T) {
	directory := project(t, map[string]string{
		"c.yml": "services: {web: {image: a}, debug: {image: b, profiles: [dev], env_file: missing.env}}",
	})
	found, _ := mustRead(t, request(directory, "c.yml"))
	if len(found.Services) != 1 {
		t.Fatalf("%+v", found.Services)
	}
	asked := request(directory, "c.yml")
	asked.Profiles = []string{"dev"}
	problem := mustRefuse(t, asked, CodeNotFound)
	if !strings.Contains(problem.Message, "missing.env") || problem.Key != "services.debug.env_file" || problem.Line != 1 {
		t.Fatalf("%+v", *problem)
	}
}

func TestAttributesHaveTheirPlaces(t *testing.T) {
	directory := project(t, map[string]string{
		"a.yml": "x-common: &common\n  restart: always\nservices:\n  a.b:\n    <<: *common\n    image: a\n" +
			"    deploy:\n      replicas: 2\n    x-own: 1\n  child:\n    extends: {file: base.yml, service: base}\n",
		"base.yml": "services:\n  base:\n    image: base\n    privileged: true\n",
		"b.yml":    "services:\n  a.b:\n\n    image: b\n",
	})
	_, result := mustRead(t, request(directory, "a.yml", "b.yml"))
	places := map[string]string{}
	for _, one := range result.Attributes {
		places[strings.Join(one.Path, "/")] = fmt.Sprintf("%s %s:%d", one.Pattern, filepath.Base(one.File), one.Line)
	}
	for path, place := range map[string]string{
		"services/a.b/restart":         "services.*.restart a.yml:2",
		"services/a.b/image":           "services.*.image b.yml:4",
		"services/a.b/deploy/replicas": "services.*.deploy.replicas a.yml:8",
		"services/child/privileged":    "services.*.privileged base.yml:4",
		"services/child":               "services.* a.yml:10",
		"services/a.b/x-own":           "services.*.x-own a.yml:9",
		"x-common":                     "x-common a.yml:1",
	} {
		if places[path] != place {
			t.Errorf("%s is at %q, not %q", path, places[path], place)
		}
	}
}

func TestAttributesAreThoseOfTheSpecification(t *testing.T) {
	found := Attributes()
	for _, name := range []string{"services.*.image", "services.*.deploy.update_config.order", "secrets.*.file"} {
		if !slices.Contains(found, name) {
			t.Errorf("%s is missing", name)
		}
	}
}
