// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package follow

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const interval = 5 * time.Second

// host has the document of a container that runs: a number, which is later if it is higher.
type host struct {
	document string
	err      error
	used     []int
	kept     []string
	logged   []string
}

func (h *host) follower(current int) *Follower[int] {
	follower := &Follower[int]{
		Name: "the number", Interval: interval,
		Read:         func() ([]byte, error) { return []byte(h.document), h.err },
		Parse:        func(document []byte) (int, error) { return strconv.Atoi(string(document)) },
		IsFollowedBy: func(current, other int) bool { return other > current },
		Use:          func(later int) { h.used = append(h.used, later) },
		Keep:         func(document []byte) { h.kept = append(h.kept, string(document)) },
		Logf:         func(format string, args ...any) { h.logged = append(h.logged, fmt.Sprintf(format, args...)) },
	}
	follower.Begin(current)
	return follower
}

func TestALaterDocumentOfTheHostIsUsedAndKept(t *testing.T) {
	h := &host{}
	follower := h.follower(3)
	for _, step := range []struct {
		document string
		want     int
	}{{"", 3}, {"3", 3}, {"4", 4}, {"4", 4}, {"2", 4}, {"5", 5}} {
		h.document = step.document
		if got := follower.Latest(); got != step.want {
			t.Errorf("%q: %d, want %d", step.document, got, step.want)
		}
	}
	if fmt.Sprint(h.used, h.kept) != "[4 5] [4 5]" || len(h.logged) != 0 {
		t.Errorf("used %v, kept %q, logged %q", h.used, h.kept, h.logged)
	}
}

func TestADamagedDocumentIsLoggedOnceAndNotKept(t *testing.T) {
	h := &host{document: "damaged"}
	follower := h.follower(3)
	follower.Latest()
	if got := follower.Latest(); got != 3 || len(h.kept) != 0 || len(h.logged) != 1 {
		t.Errorf("%d, kept %q, logged %q", got, h.kept, h.logged)
	}
}

func TestAnUnreachableHostIsLoggedOnce(t *testing.T) {
	h := &host{err: errors.New("no answer")}
	follower := h.follower(0)
	follower.Latest()
	follower.Latest()
	h.document, h.err = "1", nil
	if got := follower.Latest(); got != 1 || strings.Count(strings.Join(h.logged, "\n"), "no answer") != 1 {
		t.Errorf("%d, logged %q", got, h.logged)
	}
}

func TestAnEarlierDocumentOfTheHostGivesWayToTheKeptOne(t *testing.T) {
	h := &host{document: "2"}
	follower := h.follower(2)
	if !follower.Take([]byte("5")) || follower.Latest() != 5 {
		t.Errorf("used %v, logged %q", h.used, h.logged)
	}
	if follower.Take([]byte("5")) || len(h.used) != 1 || len(h.kept) != 0 {
		t.Errorf("an equal document was used: %v, kept %q", h.used, h.kept)
	}
}

func TestChangesAreFollowedUntilTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &host{document: "1"}
		ctx, cancel := context.WithCancel(context.Background())
		go h.follower(0).Follow(ctx)
		time.Sleep(interval + time.Second)
		cancel()
		synctest.Wait()
		h.document = "2"
		time.Sleep(2 * interval)
		if fmt.Sprint(h.kept) != "[1]" {
			t.Errorf("kept %q, logged %q", h.kept, h.logged)
		}
	})
}
