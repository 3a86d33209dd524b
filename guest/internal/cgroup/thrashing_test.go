// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package cgroup

import (
	"testing"
	"time"
)

const mib = 1 << 20

// feed adds samples at intervals of a second. Each has the size of the page cache and the bytes that were read back since
// the last one.
func feed(d *detector, start time.Time, steps ...[2]int64) (kills int) {
	refaulted := d.last.refaulted
	for i, step := range steps {
		refaulted += step[1]
		if d.add(memory{at: start.Add(time.Duration(i+1) * time.Second), cache: step[0], refaulted: refaulted}) {
			kills++
		}
	}
	return kills
}

func TestDetector(t *testing.T) {
	thrashing, large := [2]int64{mib, 16 * mib}, [2]int64{20 * mib, 400 * mib}
	idle, slow := [2]int64{mib, 0}, [2]int64{mib, 2 * mib}
	for name, test := range map[string]struct {
		limit int64
		steps [][2]int64
		want  int
	}{
		"three bad seconds":              {48 * mib, [][2]int64{thrashing, thrashing, thrashing}, 1},
		"six bad seconds":                {48 * mib, [][2]int64{thrashing, thrashing, thrashing, thrashing, thrashing, thrashing}, 2},
		"two bad seconds":                {48 * mib, [][2]int64{thrashing, thrashing, idle, thrashing, thrashing}, 0},
		"a large page cache is busy":     {48 * mib, [][2]int64{large, large, large, large}, 0},
		"a small cache that is enough":   {48 * mib, [][2]int64{idle, idle, idle, idle}, 0},
		"some program text is read back": {48 * mib, [][2]int64{slow, slow, slow, slow}, 0},
		"a tenth of little is very little": {9 * mib, [][2]int64{{1900 << 10, 16 * mib}, {1900 << 10, 16 * mib},
			{1900 << 10, 16 * mib}}, 1},
		"a tenth of much is enough": {400 * mib, [][2]int64{large, large, large}, 1},
	} {
		start := time.Now()
		if got := feed(&detector{limit: test.limit, last: memory{at: start}}, start, test.steps...); got != test.want {
			t.Errorf("%s: got %d, want %d", name, got, test.want)
		}
	}
}

func TestDetectorIgnoresOldSamples(t *testing.T) {
	start := time.Now()
	d := &detector{limit: 48 * mib}
	// The counter's value before the first sample must not be counted.
	if d.add(memory{at: start, cache: mib, refaulted: 1 << 40}) || d.count != 0 {
		t.Error("the first sample counts")
	}
	feed(d, start, [2]int64{mib, 16 * mib}, [2]int64{mib, 16 * mib})
	if d.add(memory{at: start.Add(time.Minute), cache: mib, refaulted: 1 << 50}) || d.count != 0 {
		t.Error("a sample after a pause counts")
	}
}

func TestDetectorStartsAnewAfterAKillAndWithARun(t *testing.T) {
	start := time.Now()
	d := &detector{limit: 48 * mib, last: memory{at: start}}
	feed(d, start, [2]int64{mib, 16 * mib}, [2]int64{mib, 16 * mib})
	for second := range 4 {
		at := start.Add(time.Duration(3+second) * time.Second)
		sample := memory{at: at, cache: mib, refaulted: d.last.refaulted + 16*mib, epoch: 1}
		if got, want := d.add(sample), second == thrashingSamples; got != want {
			t.Errorf("%d seconds after it: got %v, want %v", second, got, want)
		}
	}
}

func TestParseMemory(t *testing.T) {
	const stat = "anon 47460352\nfile 667648\nshmem 4096\ninactive_file 393216\nactive_file 249856\nworkingset_refault_file 95213\n"
	got, err := parseMemory(stat)
	if err != nil || got.cache != 393216+249856 || got.refaulted != 95213*4096 {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, damaged := range []string{"", "inactive_file 1\nactive_file 1\n", "inactive_file x\n"} {
		if _, err := parseMemory(damaged); err == nil {
			t.Errorf("%q is accepted", damaged)
		}
	}
}

func TestParseOOMKills(t *testing.T) {
	kills, err := parseOOMKills("low 0\nhigh 0\nmax 37\noom 2\noom_kill 3\noom_group_kill 0\n")
	if err != nil || kills != 3 {
		t.Errorf("got %d, %v", kills, err)
	}
	if _, err := parseOOMKills("low 0\n"); err == nil {
		t.Error("accepted without a count")
	}
}
