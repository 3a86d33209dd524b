// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gantry.invalid/guest/internal/spec"
)

// revision returns a document with a restart policy; 0 stands for one that was never changed while its container ran.
func revision(number int, policy string) string {
	field := ""
	if number > 0 {
		field = fmt.Sprintf(`"revision": %d, `, number)
	}
	return fmt.Sprintf(`{"version": 1, %s"id": "8d0c0000-0000-4000-8000-000000000001", "image": {"disk": "%s"}, "hostname": "web",
		"process": {"args": ["true"], "cwd": "/"}, "stop": {"signal": "SIGTERM"}, "restart": {"policy": "%s"},
		"log": {"max_bytes": 4096}}`, field, strings.Repeat("ab", 32), policy)
}

// followed is a host with the document of a container that runs.
type followed struct {
	value  string
	err    error
	kept   []string
	logged []string
}

func (h *followed) follower(t *testing.T, current string) *Follower {
	t.Helper()
	document, err := spec.Parse([]byte(current))
	if err != nil {
		t.Fatal(err)
	}
	follower := &Follower{
		Read: func() ([]byte, error) { return []byte(h.value), h.err },
		Keep: func(document []byte) { h.kept = append(h.kept, string(document)) },
		Logf: func(format string, args ...any) { h.logged = append(h.logged, fmt.Sprintf(format, args...)) },
	}
	follower.Begin(document)
	return follower
}

func TestALaterRevisionIsUsedAndKept(t *testing.T) {
	h := &followed{value: revision(0, "no")}
	follower := h.follower(t, h.value)
	for _, step := range []struct {
		value, want string
		kept        int
	}{
		{revision(0, "no"), "no", 0},
		{revision(1, "always"), "always", 1},
		{revision(1, "always"), "always", 1},
		{revision(0, "no"), "always", 1},
		{revision(2, "on-failure"), "on-failure", 2},
	} {
		h.value = step.value
		if got := follower.Restart().Policy; got != step.want || len(h.kept) != step.kept {
			t.Errorf("%s: %s, kept %d", step.value, got, len(h.kept))
		}
	}
	if h.kept[1] != revision(2, "on-failure") {
		t.Errorf("kept %q", h.kept[1])
	}
}

func TestARevisionThatCannotBeUsedIsLoggedOnceAndNotKept(t *testing.T) {
	for _, value := range []string{"{", packedPrefix + "nothing", strings.Replace(revision(1, "always"), "always", "often", 1)} {
		h := &followed{value: value}
		follower := h.follower(t, revision(0, "no"))
		follower.Restart()
		if got := follower.Restart().Policy; got != "no" || len(h.kept) != 0 || len(h.logged) != 1 {
			t.Errorf("%s: %s, kept %q, logged %q", value, got, h.kept, h.logged)
		}
	}
}

func TestAHostWithoutDocumentIsNoError(t *testing.T) {
	h := &followed{err: ErrAbsent}
	if got := h.follower(t, revision(0, "always")).Restart().Policy; got != "always" || len(h.logged) != 0 {
		t.Errorf("%s, logged %q", got, h.logged)
	}
}

func TestAnUnreachableHostIsLoggedOnce(t *testing.T) {
	h := &followed{err: errors.New("no answer")}
	follower := h.follower(t, revision(0, "no"))
	follower.Restart()
	follower.Restart()
	h.value, h.err = revision(1, "always"), nil
	if got := follower.Restart().Policy; got != "always" || strings.Count(strings.Join(h.logged, "\n"), "no answer") != 1 {
		t.Errorf("%s, logged %q", got, h.logged)
	}
}

func TestAnEarlierDocumentOfTheHostGivesWayToTheKeptOne(t *testing.T) {
	h := &followed{value: revision(0, "no")}
	follower := h.follower(t, h.value)
	if !follower.Use([]byte(revision(1, "always"))) || follower.Restart().Policy != "always" {
		t.Errorf("logged %q", h.logged)
	}
	if follower.Use([]byte(revision(1, "no"))) || follower.Restart().Policy != "always" {
		t.Error("an equal revision was used")
	}
}

func TestChangesAreFollowedBetweenTheEndsOfRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &followed{value: revision(1, "always")}
		follower := h.follower(t, revision(0, "no"))
		ctx, cancel := context.WithCancel(context.Background())
		go follower.Follow(ctx)
		time.Sleep(FollowInterval + time.Second)
		cancel()
		synctest.Wait()
		if len(h.kept) != 1 {
			t.Errorf("kept %q, logged %q", h.kept, h.logged)
		}
	})
}
