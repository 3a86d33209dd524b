// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package spec

import (
	"strings"
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

func TestARunningContainerTakesLaterRevisionsThatDifferInTheRestartPolicy(t *testing.T) {
	const number, policy = `"revision": 2`, `"policy": "on-failure"`
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
	} {
		if got := revised(t).IsFollowedBy(test.later); got != test.want {
			t.Errorf("%s: got %v", test.name, got)
		}
	}
}
