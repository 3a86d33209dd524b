// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package machine

import (
	"errors"
	"testing"
)

func TestAPoolHandsOutEachSubnetOnce(t *testing.T) {
	pool, err := NewSubnetPool("10.96.0.9/23")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"10.96.0.0/24", "10.96.1.0/24"} {
		if got, err := pool.Next(); err != nil || got.String() != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
	if _, err := pool.Next(); !errors.Is(err, ErrNoSubnet) {
		t.Errorf("a third one: %v", err)
	}
	for _, wrong := range []string{"10.0.0.0/25", "fd00::/16", "10.0.0.0"} {
		if _, err := NewSubnetPool(wrong); err == nil {
			t.Errorf("%s is a pool", wrong)
		}
	}
}
