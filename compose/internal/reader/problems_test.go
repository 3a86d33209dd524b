// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package reader

import (
	"path/filepath"
	"strings"
	"testing"
)

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
