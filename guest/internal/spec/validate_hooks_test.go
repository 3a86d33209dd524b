// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package spec

import (
	"strings"
	"testing"
)

func TestTheHooksOfTheDocument(t *testing.T) {
	parsed, err := Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	hooks := parsed.Hooks
	if len(hooks.PostStart) != 2 || len(hooks.PreStop) != 1 || strings.Join(hooks.PostStart[0].Args, " ") != "sh -c x" {
		t.Errorf("%+v", hooks)
	}
	if hook := hooks.PreStop[0]; hook.Env[0] != "A=b" || hook.User != "1000" || hook.Cwd != "/srv" {
		t.Errorf("%+v", hook)
	}
	for _, document := range [][]byte{without(t, "hooks"), changed(t, "hooks", map[string]any{})} {
		if parsed, err = Parse(document); err != nil || parsed.Hooks.PostStart != nil || parsed.Hooks.PreStop != nil {
			t.Errorf("without: %+v, %v", parsed, err)
		}
	}
}

func TestInvalidHooksAreRefused(t *testing.T) {
	hook := map[string]any{"args": []string{"true"}}
	many := make([]any, 17)
	for i := range many {
		many[i] = hook
	}
	if _, err := Parse(changed(t, "hooks.pre_stop", many[1:])); err != nil {
		t.Errorf("16 hooks: %v", err)
	}
	for _, invalid := range []struct {
		path  string
		value any
		said  string
	}{
		{"hooks.pre_stop", many, "hooks.pre_stop has 17 hooks"},
		{"hooks.post_start.1.args", []string{}, "hooks.post_start[1]: args names no program"},
		{"hooks.post_start.0.args", []string{"", "x"}, "hooks.post_start[0]: args names no program"},
		{"hooks.pre_stop.0.args", nil, "hooks.pre_stop[0]: args names no program"},
		{"hooks.pre_stop.0.args", []string{"a", "b\x00c"}, `hooks.pre_stop[0]: "b\x00c" holds a NUL`},
		{"hooks.pre_stop.0.env", []string{"A=\x00"}, "hooks.pre_stop[0]: \"A=\\x00\" holds a NUL"},
		{"hooks.pre_stop.0.user", "\x00", "holds a NUL"},
		{"hooks.pre_stop.0.cwd", "/\x00", "holds a NUL"},
		{"hooks.pre_stop.0.env", []string{"A"}, `hooks.pre_stop[0]: env item "A"`},
		{"hooks.pre_stop.0.env", []string{"=b"}, `hooks.pre_stop[0]: env item "=b"`},
		{"hooks.post_start.0.cwd", "srv", `hooks.post_start[0]: cwd "srv"`},
		{"hooks.post_start.0.privileged", true, "unknown field"},
		{"hooks.pre_start", []any{}, "unknown field"},
	} {
		if _, err := Parse(changed(t, invalid.path, invalid.value)); err == nil || !strings.Contains(err.Error(), invalid.said) {
			t.Errorf("%s = %v: %v", invalid.path, invalid.value, err)
		}
	}
}
