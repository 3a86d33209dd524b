// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package spec

import (
	"encoding/json"
	"strings"
	"testing"
)

// without returns the full document without some of its keys.
func without(t *testing.T, names ...string) []byte {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal([]byte(full), &document); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		delete(document, name)
	}
	encoded, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func TestTheFilesOfTheDocument(t *testing.T) {
	parsed, err := Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	files := parsed.FileEntries()
	if len(files) != 2 || files[0] != (File{Target: "/etc/app.conf", Owner: "www", Group: "1000", Mode: "0640"}) {
		t.Errorf("%+v", files)
	}
	if files[0].Permissions() != 0o640 || files[1].Permissions() != 0o444 {
		t.Errorf("modes: %o, %o", files[0].Permissions(), files[1].Permissions())
	}
	if parsed, err = Parse(without(t, "files")); err != nil || parsed.FileEntries() != nil {
		t.Errorf("without: %+v, %v", parsed.FileEntries(), err)
	}
}

func TestInvalidFilesAreRefused(t *testing.T) {
	for _, invalid := range []struct {
		path  string
		value any
		said  string
	}{
		{"files.sha256", "ab", "files.sha256"},
		{"files.entries", []any{}, "files.entries is empty"},
		{"files.entries.0.target", "etc/app.conf", "files.entries[0]: target"},
		{"files.entries.0.target", "/", "files.entries[0]: target"},
		{"files.entries.0.target", "/etc/../x", "files.entries[0]: target"},
		{"files.entries.1.target", "/etc/app.conf", "twice"},
		{"files.entries.1.mode", "rw", "files.entries[1]: mode"},
		{"files.entries.1.mode", "", "files.entries[1]: mode"},
		{"files.entries.1.content", "x", "unknown field"},
		{"guest_operations", nil, "require guest_operations"},
		{"root.scratch", nil, "require root.scratch"},
	} {
		if _, err := Parse(changed(t, invalid.path, invalid.value)); err == nil || !strings.Contains(err.Error(), invalid.said) {
			t.Errorf("%s = %v: %v", invalid.path, invalid.value, err)
		}
	}
}
