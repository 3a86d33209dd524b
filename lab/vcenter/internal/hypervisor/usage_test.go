// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package hypervisor

import (
	"os"
	"testing"
)

const someInterfaces = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     111       1    0    0    0     0          0         0      111       1    0    0    0     0       0          0
  tap1:    2000      20    0    0    0     0          0         0     3000      30    0    0    0     0       0          0
 tap11:       7       1    0    0    0     0          0         0        8       1    0    0    0     0       0          0
`

func TestTheCountersOfAnInterface(t *testing.T) {
	received, sent, err := bytesOf(someInterfaces, "tap1")
	if err != nil || received != 2000 || sent != 3000 {
		t.Errorf("got %d, %d, %v", received, sent, err)
	}
	if _, _, err := bytesOf(someInterfaces, "tap2"); err == nil {
		t.Error("an interface that is not there has counters")
	}
}

func TestTheMemoryOfAProcess(t *testing.T) {
	if resident, err := residentBytes(os.Getpid()); err != nil || resident < 1<<20 {
		t.Errorf("this process has %d bytes, %v", resident, err)
	}
	if _, err := residentBytes(1 << 30); err == nil {
		t.Error("a process that is not there has memory")
	}
}
