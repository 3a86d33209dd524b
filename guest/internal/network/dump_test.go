// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package network

import (
	"errors"
	"slices"
	"testing"

	"github.com/vishvananda/netlink"
)

// reader returns parts of a list while it changes, and then the list with an error.
func reader(changes int, last error) func() ([]int, error) {
	return func() ([]int, error) {
		if changes > 0 {
			changes--
			return []int{1}, netlink.ErrDumpInterrupted
		}
		return []int{1, 2}, last
	}
}

func TestAListThatChangesIsReadAgain(t *testing.T) {
	list, err := whole(reader(2, nil))
	if err != nil || !slices.Equal(list, []int{1, 2}) {
		t.Fatalf("got %v, %v", list, err)
	}
}

func TestAnotherErrorEndsTheReading(t *testing.T) {
	refused := errors.New("refused")
	if _, err := whole(reader(1, refused)); !errors.Is(err, refused) {
		t.Fatalf("got %v", err)
	}
}

func TestAListThatAlwaysChangesIsAnError(t *testing.T) {
	if _, err := whole(reader(dumpAttempts, nil)); !errors.Is(err, netlink.ErrDumpInterrupted) {
		t.Fatalf("got %v", err)
	}
}
