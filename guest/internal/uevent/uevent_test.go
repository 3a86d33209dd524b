// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package uevent

import "testing"

func TestParse(t *testing.T) {
	message := "add@/devices/pci0000:00/0000:00:03.0\x00ACTION=add\x00DEVPATH=/devices/pci0000:00/0000:00:03.0\x00" +
		"SUBSYSTEM=pci\x00MODALIAS=pci:v000015ADd=odd\x00SEQNUM=7\x00"
	want := Event{Action: "add", Subsystem: "pci", Modalias: "pci:v000015ADd=odd"}
	if got := parse([]byte(message)); got != want {
		t.Errorf("got %+v", got)
	}
}

func TestWakeReachesSubscribersOfTheSubsystemOnce(t *testing.T) {
	hub := &Hub{subscribers: map[string][]chan struct{}{}}
	first, second, other := hub.Subscribe("block"), hub.Subscribe("block"), hub.Subscribe("net")
	hub.wake("block")
	hub.wake("block")
	if len(first) != 1 || len(second) != 1 || len(other) != 0 {
		t.Errorf("got %d, %d, %d", len(first), len(second), len(other))
	}
	hub.wakeAll()
	if len(other) != 1 {
		t.Error("not all were woken")
	}
}
