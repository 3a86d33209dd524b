// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package network configures the machine's adapters as the spec asks and keeps their leases.
package network

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/spec"
)

// quiet is how long no new adapter must have appeared before a missing one is given up.
const quiet = 10 * time.Second

// Adapter is a network interface with hardware behind it.
type Adapter struct {
	Name string
	MAC  string
	// place sorts adapters as the machine's configuration has them: the slot's number, then the PCI address.
	slot    int
	address string
}

// lister reads the adapters from a sysfs tree.
type lister struct {
	sys string
}

// list returns the adapters in the machine's order.
func (l lister) list() ([]Adapter, error) {
	paths, err := filepath.Glob(filepath.Join(l.sys, "class/net/*"))
	if err != nil {
		return nil, err
	}
	slots := l.slots()
	var adapters []Adapter
	for _, path := range paths {
		device, err := filepath.EvalSymlinks(filepath.Join(path, "device"))
		if err != nil {
			// Loopback and the like have no device.
			continue
		}
		mac, err := os.ReadFile(filepath.Join(path, "address"))
		if err != nil {
			continue
		}
		adapter := Adapter{Name: filepath.Base(path), MAC: strings.TrimSpace(string(mac))}
		adapter.slot, adapter.address = placeOf(device, slots)
		adapters = append(adapters, adapter)
	}
	sort.Slice(adapters, func(i, j int) bool {
		a, b := adapters[i], adapters[j]
		if a.slot != b.slot {
			return a.slot < b.slot
		}
		return a.address < b.address
	})
	return adapters, nil
}

// slots maps PCI addresses (without the function) to slot numbers. On VMware these follow the order of the adapters where bus
// numbers do not: the fifth adapter is a second function behind the first one's bridge.
func (l lister) slots() map[string]int {
	slots := map[string]int{}
	paths, err := filepath.Glob(filepath.Join(l.sys, "bus/pci/slots/*/address"))
	if err != nil {
		return slots
	}
	for _, path := range paths {
		number, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			continue
		}
		if address, err := os.ReadFile(path); err == nil {
			slots[strings.TrimSpace(string(address))] = number
		}
	}
	return slots
}

// placeOf finds the PCI device that the adapter is, or is a part of (a virtio device is a child of one).
func placeOf(device string, slots map[string]int) (slot int, address string) {
	for path := device; path != "/" && path != "."; path = filepath.Dir(path) {
		name := filepath.Base(path)
		place, _, isPCI := strings.Cut(name, ".")
		if !isPCI || strings.Count(place, ":") != 2 {
			continue
		}
		return slots[place], name
	}
	return 0, device
}

// assign pairs the spec's networks with adapters: by MAC where one is given, else the adapter at the same place in the order.
func assign(networks []spec.Network, adapters []Adapter) ([]Adapter, error) {
	assigned := make([]Adapter, len(networks))
	used := map[string]int{}
	for i, network := range networks {
		adapter, found := choose(network.MAC, i, adapters)
		if !found {
			return nil, failure.New(failure.NetworkMissing, "%s: %s", wish(network, i), describe(adapters))
		}
		if other, taken := used[adapter.Name]; taken {
			return nil, failure.New(failure.NetworkMissing,
				"networks[%d] and networks[%d] both mean adapter %s (%s)", other, i, adapter.Name, adapter.MAC)
		}
		used[adapter.Name] = i
		assigned[i] = adapter
	}
	return assigned, nil
}

func choose(mac string, place int, adapters []Adapter) (Adapter, bool) {
	if mac == "" {
		if place < len(adapters) {
			return adapters[place], true
		}
		return Adapter{}, false
	}
	for _, adapter := range adapters {
		if strings.EqualFold(adapter.MAC, normalMAC(mac)) {
			return adapter, true
		}
	}
	return Adapter{}, false
}

// normalMAC writes a valid MAC address as the kernel does.
func normalMAC(mac string) string {
	parsed, err := net.ParseMAC(mac)
	if err != nil {
		return mac
	}
	return parsed.String()
}

func wish(network spec.Network, place int) string {
	if network.MAC != "" {
		return fmt.Sprintf("networks[%d] asks for the adapter %s", place, network.MAC)
	}
	return fmt.Sprintf("networks[%d] asks for adapter number %d", place, place+1)
}

func describe(adapters []Adapter) string {
	if len(adapters) == 0 {
		return "the machine has none that this kernel can drive"
	}
	items := make([]string, 0, len(adapters))
	for _, adapter := range adapters {
		items = append(items, adapter.Name+" "+adapter.MAC)
	}
	return "the machine has " + strings.Join(items, ", ")
}

// await lists the adapters until all that the spec asks for are there, or none has appeared for a while.
func await(ctx context.Context, adapters lister, networks []spec.Network, wake <-chan struct{}) ([]Adapter, error) {
	deadline := time.NewTimer(quiet)
	defer deadline.Stop()
	for {
		found, err := adapters.list()
		if err != nil {
			return nil, failure.From(err, failure.NetworkFailed)
		}
		assigned, err := assign(networks, found)
		if err == nil {
			return assigned, nil
		}
		select {
		case <-wake:
			deadline.Reset(quiet)
		case <-deadline.C:
			return nil, err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
