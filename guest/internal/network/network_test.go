// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package network

import "testing"

func TestFirstAdapterOfTheSpecHasTheBestMetric(t *testing.T) {
	for i, adapter := range []string{"eth0", "eth1", "eth2"} {
		if got := metric(adapter); got != i+1 {
			t.Errorf("%s has the metric %d, want %d", adapter, got, i+1)
		}
	}
	if metric("eth10") <= metric("eth9") || metric("spare3") <= metric("eth10") {
		t.Error("a later adapter has a better metric")
	}
}
