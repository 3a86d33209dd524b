// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package spec

import (
	"strings"
	"syscall"
	"testing"
)

// revised returns the full document after a replacement of some of its text.
func revised(t *testing.T, pairs ...string) *Spec {
	t.Helper()
	parsed, err := Parse([]byte(strings.NewReplacer(pairs...).Replace(full)))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestARunningContainerTakesLaterRevisionsThatDifferInWhatItFollows(t *testing.T) {
	const number, policy = `"revision": 2`, `"policy": "on-failure"`
	const contents = `"files": {"sha256": "` + diskName + `"`
	other := `"files": {"signals": ["SIGHUP"], "sha256": "` + strings.Repeat("f", 64) + `"`
	for _, test := range []struct {
		name  string
		later *Spec
		want  bool
	}{
		{"another policy", revised(t, number, `"revision": 3`, policy, `"policy": "always"`), true},
		{"another number of restarts", revised(t, number, `"revision": 4`, `"max_retries": 3`, `"max_retries": 0`), true},
		{"the same revision", revised(t, policy, `"policy": "always"`), false},
		{"an earlier revision", revised(t, number, `"revision": 0`, policy, `"policy": "always"`), false},
		{"another variable, too", revised(t, number, `"revision": 3`, policy, `"policy": "always"`, `"A="`, `"A=b"`), false},
		{"another container", revised(t, number, `"revision": 3`, `000000000001", "name"`, `00000000000a", "name"`), false},
		{"other contents of files", revised(t, number, `"revision": 3`, contents, other), true},
		{"other contents, and another policy", revised(t, number, `"revision": 3`, contents, other, policy, `"policy": "always"`), true},
		{"other contents without a signal", revised(t, number, `"revision": 3`, contents, `"files": {"sha256": "`+strings.Repeat("f", 64)+`"`), false},
		{"other contents and another mode", revised(t, number, `"revision": 3`, contents, other, `"0640"`, `"0600"`), false},
	} {
		if got := revised(t).IsFollowedBy(test.later); got != test.want {
			t.Errorf("%s: got %v", test.name, got)
		}
	}
}

func TestTheContentsThatWereTakenAreFollowedByOthers(t *testing.T) {
	first := revised(t)
	first.Files.Signals = []string{"SIGHUP"}
	second := revised(t, `"revision": 2`, `"revision": 3`, `"files": {`, `"files": {"signals": ["SIGUSR1", "10"], `, `"policy": "on-failure"`, `"policy": "no"`)
	if !first.IsFollowedBy(second) {
		t.Error("they are not followed")
	}
	if got := second.Files.Numbers(); len(got) != 2 || got[0] != syscall.SIGUSR1 || got[1] != syscall.SIGUSR1 {
		t.Errorf("%v", got)
	}
}
