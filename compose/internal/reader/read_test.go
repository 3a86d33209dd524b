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
	"syscall"
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
	Secrets  map[string]struct{ Content string }
	Configs  map[string]struct{ Content string }
}

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
	if found.Secrets["s"].Content != "hidden" || found.Configs["c"].Content != "hidden" {
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
			"    deploy:\n      replicas: 2\n  child:\n    extends: {file: base.yml, service: base}\n",
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
	} {
		if places[path] != place {
			t.Errorf("%s is at %q, not %q", path, places[path], place)
		}
	}
}

func TestProblemsNameFileLineAndKey(t *testing.T) {
	for name, test := range map[string]struct {
		file, code, key, nearest string
		line                     int
	}{
		"unknown attribute":   {"services:\n  web:\n    image: a\n    imag: b\n", CodeUnknown, "services.web.imag", "image", 4},
		"unknown below":       {"services:\n  web:\n    image: a\n    deploy:\n      replica: 2\n", CodeUnknown, "services.web.deploy.replica", "replicas", 5},
		"unknown at the top":  {"service:\n  web: {image: a}\n", CodeUnknown, "service", "services", 1},
		"wrong type":          {"services:\n  web:\n    image: a\n    ports: 80\n", CodeInvalid, "services.web.ports", "", 4},
		"required variable":   {"services:\n  web:\n    image: '${X:?is needed}'\n", CodeVariable, "services.web.image", "", 3},
		"wrong interpolation": {"services:\n  web:\n    image: '${X'\n", CodeVariable, "services.web.image", "", 3},
		"unknown service":     {"services:\n  web:\n    image: a\n    depends_on: [db]\n", CodeInvalid, "services.web", "", 2},
		"no image":            {"services:\n  db: {image: a}\n  web:\n    hostname: a\n", CodeInvalid, "services.web", "", 3},
		"service and job":     {"services:\n  a: {image: a}\njobs:\n  a: {image: a, triggers: {manual: true}}\n", CodeInvalid, "jobs.a", "", 4},
		"syntax":              {"services:\n  web:\n    image: [\n", CodeSyntax, "", "", 3},
		"cycle":               {"services:\n  a: {image: a, depends_on: [b]}\n  b: {image: b, depends_on: [a]}\n", CodeLoop, "", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			directory := project(t, map[string]string{"c.yml": test.file})
			problem := mustRefuse(t, request(directory, "c.yml"), test.code)
			if problem.Key != test.key || problem.Nearest != test.nearest || problem.Line != test.line {
				t.Errorf("%+v", *problem)
			}
			if problem.Line > 0 && problem.File != filepath.Join(directory, "c.yml") {
				t.Errorf("%+v", *problem)
			}
			if !strings.HasSuffix(problem.Message, ".") || strings.HasPrefix(problem.Message, "Services.") {
				t.Errorf("not a sentence: %s", problem.Message)
			}
		})
	}
}

func TestAProblemInAnIncludedFileNamesThatFile(t *testing.T) {
	directory := project(t, map[string]string{
		"c.yml":     "include: [sub/d.yml]\n",
		"sub/d.yml": "services:\n  web:\n    image: a\n    comand: b\n",
	})
	problem := mustRefuse(t, request(directory, "c.yml"), CodeUnknown)
	if problem.File != filepath.Join(directory, "sub/d.yml") || problem.Line != 4 || problem.Nearest != "command" {
		t.Fatalf("%+v", *problem)
	}
}

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

func TestAProblemOfAFileOfVariablesDoesNotQuoteIt(t *testing.T) {
	directory := project(t, map[string]string{
		"c.yml": "services: {a: {image: a, env_file: a.env}}", "a.env": "A B=1\nPASSWORD=hunter2\n",
	})
	if problem := mustRefuse(t, request(directory, "c.yml"), CodeSyntax); strings.Contains(problem.Message, "hunter2") {
		t.Fatalf("%+v", *problem)
	}
}

func TestRequestsAreChecked(t *testing.T) {
	mustRefuse(t, Request{ProjectDirectory: "relative", Files: []File{{Path: "/a"}}}, CodeRequest)
	mustRefuse(t, Request{ProjectDirectory: "/"}, CodeRequest)
	mustRefuse(t, Request{ProjectDirectory: "/", Files: []File{{Path: "a.yml"}}}, CodeRequest)
	mustRefuse(t, Request{ProjectDirectory: "/", Files: []File{{Name: "a", Path: "/a"}}}, CodeRequest)
	mustRefuse(t, Request{ProjectDirectory: "/", Files: []File{{Path: "/a"}}, EnvFiles: []string{"a"}}, CodeRequest)
}

func TestAttributesAreThoseOfTheSpecification(t *testing.T) {
	found := Attributes()
	for _, name := range []string{"services.*.image", "services.*.deploy.update_config.order", "secrets.*.file"} {
		if !slices.Contains(found, name) {
			t.Errorf("%s is missing", name)
		}
	}
}
