// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package network

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/spec"
)

// machine creates a sysfs tree with adapters at PCI addresses, and slots.
func machine(t *testing.T, adapters map[string][2]string, slots map[string]string) lister {
	t.Helper()
	sys := t.TempDir()
	write := func(path, content string) {
		path = filepath.Join(sys, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content+"\n"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for name, adapter := range adapters {
		address, mac := adapter[0], adapter[1]
		write(fmt.Sprintf("class/net/%s/address", name), mac)
		device := filepath.Join(sys, "devices/pci0000:00", address)
		link := filepath.Join(sys, "class/net", name, "device")
		if err := errors.Join(os.MkdirAll(device, 0o755), os.Symlink(device, link)); err != nil {
			t.Fatal(err)
		}
	}
	for number, address := range slots {
		write(fmt.Sprintf("bus/pci/slots/%s/address", number), address)
	}
	write("class/net/lo/address", "00:00:00:00:00:00")
	return lister{sys: sys}
}

func names(adapters []Adapter) string {
	var list []string
	for _, adapter := range adapters {
		list = append(list, adapter.Name)
	}
	return strings.Join(list, " ")
}

func TestListIsInTheOrderOfTheBus(t *testing.T) {
	found, err := machine(t, map[string][2]string{
		"eth0": {"0000:00:04.0/virtio1", "52:54:00:00:00:02"}, "eth1": {"0000:00:03.0", "52:54:00:00:00:01"},
	}, nil).list()
	if err != nil || names(found) != "eth1 eth0" {
		t.Errorf("got %q, %v", names(found), err)
	}
}

func TestListIsInTheOrderOfVMwaresSlots(t *testing.T) {
	// The bus number of the fifth adapter is lower than that of the second one.
	found, err := machine(t, map[string][2]string{
		"eth0": {"0000:03:00.0", "00:50:56:00:00:01"},
		"eth1": {"0000:04:00.0", "00:50:56:00:00:05"},
		"eth2": {"0000:0b:00.0", "00:50:56:00:00:02"},
	}, map[string]string{"160": "0000:03:00", "192": "0000:0b:00", "1184": "0000:04:00"}).list()
	if err != nil || names(found) != "eth0 eth2 eth1" {
		t.Errorf("got %q, %v", names(found), err)
	}
}

var three = []Adapter{
	{Name: "eth0", MAC: "52:54:00:00:00:01"}, {Name: "eth1", MAC: "52:54:00:00:00:02"}, {Name: "eth2", MAC: "52:54:00:00:00:03"},
}

func TestAssignByPositionAndByMAC(t *testing.T) {
	assigned, err := assign([]spec.Network{{MAC: "52-54-00-00-00-03"}, {}, {MAC: "52:54:00:00:00:01"}}, three)
	if err != nil || names(assigned) != "eth2 eth1 eth0" {
		t.Errorf("got %q, %v", names(assigned), err)
	}
}

func TestAssignReportsMissingAdapters(t *testing.T) {
	for name, test := range map[string]struct {
		networks []spec.Network
		words    []string
	}{
		"too few":     {make([]spec.Network, 4), []string{"networks[3]", "number 4", "eth2 52:54:00:00:00:03"}},
		"no such MAC": {[]spec.Network{{MAC: "52:54:00:00:00:09"}}, []string{"networks[0]", "52:54:00:00:00:09"}},
		"one twice":   {[]spec.Network{{MAC: "52:54:00:00:00:02"}, {}}, []string{"networks[0]", "networks[1]", "eth1"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := assign(test.networks, three)
			var failed *failure.Failure
			if !errors.As(err, &failed) || failed.Code != failure.NetworkMissing {
				t.Fatalf("got %v", err)
			}
			for _, word := range test.words {
				if !strings.Contains(failed.Message, word) {
					t.Errorf("%q is not in %q", word, failed.Message)
				}
			}
		})
	}
}
