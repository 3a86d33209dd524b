// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package network configures the network adapters by the spec and renews their DHCP leases.
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

// quiet is the time without new adapters after which a missing adapter is reported.
const quiet = 10 * time.Second

// Adapter is a network interface of a hardware device.
type Adapter struct {
	Name string
	MAC  string
	// place orders adapters as in the VM's configuration: by slot number, then by PCI address.
	slot    int
	address string
}

// lister lists the adapters in a sysfs tree.
type lister struct {
	sys string
}

// list returns the adapters in the order of the VM's configuration.
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
			// Loopback and other virtual interfaces have no device.
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

// slots maps PCI addresses (without the function) to slot numbers. On VMware, slot numbers follow the order of the adapters
// but bus numbers do not: the fifth adapter is a second function behind the bridge of the first one.
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

// placeOf finds the adapter's PCI device, which may be a parent of the device (as for virtio).
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

// assign assigns adapters to the spec's networks: by MAC address if one is given, otherwise by position.
func assign(networks []spec.Network, adapters []Adapter) ([]Adapter, error) {
	assigned := make([]Adapter, len(networks))
	used := map[string]int{}
	for i, network := range networks {
		adapter, found := choose(network.MAC, i, adapters)
		if !found {
			return nil, failure.New(failure.NetworkMissing, "%s: %s", requested(network, i), describe(adapters))
		}
		if other, taken := used[adapter.Name]; taken {
			return nil, failure.New(failure.NetworkMissing,
				"networks[%d] and networks[%d] both select adapter %s (%s)", other, i, adapter.Name, adapter.MAC)
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

// normalMAC returns a valid MAC address in the kernel's notation.
func normalMAC(mac string) string {
	parsed, err := net.ParseMAC(mac)
	if err != nil {
		return mac
	}
	return parsed.String()
}

func requested(network spec.Network, place int) string {
	if network.MAC != "" {
		return fmt.Sprintf("networks[%d] requires the adapter %s", place, network.MAC)
	}
	return fmt.Sprintf("networks[%d] requires adapter number %d", place, place+1)
}

func describe(adapters []Adapter) string {
	if len(adapters) == 0 {
		return "the VM has no adapter that this kernel supports"
	}
	items := make([]string, 0, len(adapters))
	for _, adapter := range adapters {
		items = append(items, adapter.Name+" "+adapter.MAC)
	}
	return "the VM has " + strings.Join(items, ", ")
}

// await waits until all requested adapters exist, or no adapter has appeared for a while.
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
