// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package resolver

import (
	"errors"
	"fmt"
	"testing"
)

// host has the table of a container, as guest info does.
type host struct {
	document string
	err      error
	kept     []string
	serials  []int64
	logged   []string
}

func (h *host) follower() *Follower {
	return &Follower{
		SetTable: func(table *Table) { h.serials = append(h.serials, table.Serial) },
		Read:     func() ([]byte, error) { return []byte(h.document), h.err },
		Keep: func(document []byte) error {
			h.kept = append(h.kept, string(document))
			return nil
		},
		Logf: func(format string, args ...any) { h.logged = append(h.logged, fmt.Sprintf(format, args...)) },
	}
}

func numbered(serial int64) string {
	return fmt.Sprintf(`{"version": 1, "serial": %d, "names": {}}`, serial)
}

func TestANewerTableOfTheHostIsUsedAndKept(t *testing.T) {
	h := &host{document: numbered(3)}
	follower := h.follower()
	follower.Begin(nil)
	follower.look()
	h.document = numbered(4)
	follower.look()
	if fmt.Sprint(h.serials) != "[3 4]" || len(h.kept) != 2 || h.kept[1] != numbered(4) || len(h.logged) != 0 {
		t.Errorf("used %v, kept %q, logged %q", h.serials, h.kept, h.logged)
	}
}

func TestTheKeptTableIsUsedIfTheHostHasLostItsOwn(t *testing.T) {
	for _, lost := range []string{"", numbered(2)} {
		h := &host{document: lost}
		h.follower().Begin([]byte(numbered(5)))
		if fmt.Sprint(h.serials) != "[5]" || len(h.kept) != 0 {
			t.Errorf("%q: used %v, kept %q", lost, h.serials, h.kept)
		}
	}
}

func TestADamagedTableKeepsTheOneBefore(t *testing.T) {
	h := &host{document: numbered(3)}
	follower := h.follower()
	follower.Begin([]byte("damaged"))
	h.document = "{"
	follower.look()
	follower.look()
	if fmt.Sprint(h.serials) != "[3]" || len(h.logged) != 2 {
		t.Errorf("used %v, logged %q", h.serials, h.logged)
	}
}

func TestAnUnreachableHostIsLoggedOnce(t *testing.T) {
	h := &host{err: errors.New("no answer")}
	follower := h.follower()
	follower.Begin(nil)
	follower.look()
	h.err, h.document = nil, numbered(1)
	follower.look()
	if fmt.Sprint(h.serials) != "[1]" || len(h.logged) != 1 {
		t.Errorf("used %v, logged %q", h.serials, h.logged)
	}
}
