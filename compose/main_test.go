// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// called returns the exit code, what was written as JSON, and the messages.
func called(t *testing.T, input string, arguments ...string) (int, map[string]any, string) {
	t.Helper()
	var output, errors bytes.Buffer
	code := run(arguments, strings.NewReader(input), &output, &errors)
	var found map[string]any
	if output.Len() > 0 {
		if err := json.Unmarshal(output.Bytes(), &found); err != nil {
			t.Fatal(err)
		}
	}
	return code, found, errors.String()
}

func TestAModelIsWritten(t *testing.T) {
	code, found, _ := called(t, fmt.Sprintf(
		`{"project_directory": %q, "files": [{"name": "d", "content": "services: {a: {image: b}}"}]}`, t.TempDir()))
	if code != 0 || found["model"] == nil || found["attributes"] == nil || found["warnings"] == nil {
		t.Fatal(code, found)
	}
}

func TestAProblemIsWritten(t *testing.T) {
	code, found, _ := called(t, fmt.Sprintf(
		`{"project_directory": %q, "files": [{"name": "d", "content": "a: b"}]}`, t.TempDir()))
	if problem, ok := found["problem"].(map[string]any); code != 1 || !ok || problem["code"] != "unknown_attribute" {
		t.Fatal(code, found)
	}
}

func TestTheAttributesOfTheSpecificationAreWritten(t *testing.T) {
	if code, found, _ := called(t, "", "--attributes"); code != 0 || len(found["attributes"].([]any)) < 500 {
		t.Fatal(code, found)
	}
}

func TestWhatIsNotARequestIsRefused(t *testing.T) {
	for _, input := range []string{"", "[]", `{"unknown": 1}`} {
		if code, found, errors := called(t, input); code != 2 || found != nil || errors == "" {
			t.Errorf("%q: %d %v %s", input, code, found, errors)
		}
	}
	if code, _, errors := called(t, "", "--help"); code != 2 || errors == "" {
		t.Error(code, errors)
	}
}
