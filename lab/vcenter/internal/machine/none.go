// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package machine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// None is a hypervisor that boots nothing. A VM with a container spec and a bootable CD reports immediately that its
// container runs and is healthy, with an address. Without a CD it is powered on and reports nothing, as if its firmware
// found nothing to boot. It is for tests of API clients that do not need a real guest.
type None struct {
	events  Events
	subnets map[string]netip.Prefix // by network
	pool    *SubnetPool             // for networks that are not configured

	mu      sync.Mutex
	running map[string]Spec
	guests  map[string]GuestInfo // what the guests have reported
	hosts   map[string]int       // the last address assigned, by network
}

// NewNone returns the hypervisor. networks has the subnet (CIDR) of each network, for the addresses of VMs with DHCP; pool has
// those of further networks.
func NewNone(networks map[string]string, pool string, events Events) (*None, error) {
	n := &None{events: events, subnets: map[string]netip.Prefix{}, running: map[string]Spec{}, guests: map[string]GuestInfo{},
		hosts: map[string]int{}}
	for name, cidr := range networks {
		subnet, err := netip.ParsePrefix(cidr)
		if err != nil {
			return nil, fmt.Errorf("network %q: %w", name, err)
		}
		n.subnets[name] = subnet.Masked()
	}
	var err error
	n.pool, err = NewSubnetPool(pool)
	return n, err
}

// Start reports the guest's first status from another goroutine, as a booting guest does.
func (n *None) Start(spec Spec) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, there := n.running[spec.ID]; there {
		return fmt.Errorf("VM %s is already running", spec.ID)
	}
	n.running[spec.ID] = spec
	text, isContainer := spec.GuestInfo[SpecKey]
	if !isContainer || spec.ISO == "" {
		return nil
	}
	var document containerSpec
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		go n.fail(spec.ID, "spec_invalid", err.Error())
		return nil
	}
	guest := n.guest(spec, document)
	n.guests[spec.ID] = guest
	go func() {
		n.events.Guest(spec.ID, guest)
		n.report(spec.ID, document, map[string]any{"state": "running", "pid": 1, "health": document.health(), "exit_code": nil,
			"finished_at": nil})
	}()
	return nil
}

// PowerButton ends the container with exit code 0.
func (n *None) PowerButton(id string) error {
	spec, err := n.take(id)
	if err != nil {
		return err
	}
	go func() {
		var document containerSpec
		if json.Unmarshal([]byte(spec.GuestInfo[SpecKey]), &document) == nil {
			n.report(id, document, map[string]any{"state": "exited", "pid": nil, "health": "none", "exit_code": 0, "sequence": 2,
				"finished_at": time.Now().UTC().Format(time.RFC3339Nano)})
		}
		n.events.Off(id, OffGuest)
	}()
	return nil
}

// Quiesce fails: the guest does not support it.
func (n *None) Quiesce(string) error {
	return errors.New("this container VM offers no quiesced snapshots")
}

// Kill ends the VM at once.
func (n *None) Kill(id string) error {
	if _, err := n.take(id); err != nil {
		return err
	}
	go n.events.Off(id, OffKilled)
	return nil
}

// Connect changes the networks of the VM; its guest keeps the addresses that it has.
func (n *None) Connect(id string, networks []string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	spec, there := n.running[id]
	if !there {
		return fmt.Errorf("VM %s is not running", id)
	}
	spec.NICs = slices.Clone(spec.NICs)
	for i := range min(len(networks), len(spec.NICs)) {
		spec.NICs[i].Network = networks[i]
	}
	n.running[id] = spec
	return nil
}

// Migrate changes the spec of the VM; there is no guest to stop.
func (n *None) Migrate(id string, to Spec, copyFiles func() error) (Move, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	spec, there := n.running[id]
	if !there {
		return Move{}, fmt.Errorf("VM %s is not running", id)
	}
	if copyFiles != nil {
		if err := copyFiles(); err != nil {
			return Move{}, err
		}
	}
	to.GuestInfo = spec.GuestInfo // as at power-on
	n.running[id] = to
	if guest, reported := n.guests[id]; reported {
		go n.reportAgain(id, guest)
	}
	return Move{Mode: MoveLive}, nil
}

// reportAgain reports the guest's name and addresses as after a move: the host has forgotten them.
func (n *None) reportAgain(id string, guest GuestInfo) {
	n.events.Guest(id, GuestInfo{})
	n.events.Guest(id, guest)
}

// Fork starts a VM with the container of the source, whose guest has already reported its status.
func (n *None) Fork(id string, continued, clone Spec) (Move, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	spec, there := n.running[id]
	if !there {
		return Move{}, fmt.Errorf("VM %s is not running", id)
	}
	if _, there := n.running[clone.ID]; there {
		return Move{}, fmt.Errorf("VM %s is already running", clone.ID)
	}
	continued.GuestInfo, clone.GuestInfo = spec.GuestInfo, spec.GuestInfo
	n.running[id], n.running[clone.ID] = continued, clone
	if guest, reported := n.guests[id]; reported {
		go n.reportAgain(id, guest)
	}
	return Move{Mode: MoveStopCopy}, nil
}

// Grow changes the spec of the VM.
func (n *None) Grow(id string, cpus int, memoryMB int64) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	spec, there := n.running[id]
	if !there {
		return fmt.Errorf("VM %s is not running", id)
	}
	spec.CPUs, spec.MemoryMB = cpus, memoryMB
	n.running[id] = spec
	return nil
}

// Info always returns false: there is no process.
func (n *None) Info(string) (Info, bool) { return Info{}, false }

// Dial always fails: no guest runs.
func (n *None) Dial(_ context.Context, ip string, port int) (net.Conn, error) {
	return nil, fmt.Errorf("%s:%d: this lab boots no VMs (hypervisor none)", ip, port)
}

// Close ends all VMs.
func (n *None) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.running = map[string]Spec{}
	return nil
}

func (n *None) take(id string) (Spec, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	spec, there := n.running[id]
	if !there {
		return Spec{}, fmt.Errorf("VM %s is not running", id)
	}
	delete(n.running, id)
	delete(n.guests, id)
	return spec, nil
}

func (n *None) fail(id, code, message string) {
	n.report(id, containerSpec{}, map[string]any{"state": "error", "error": map[string]string{"code": code, "message": message}})
	if _, err := n.take(id); err == nil {
		n.events.Off(id, OffGuest)
	}
}

// containerSpec is the part of the container's specification that is used here.
type containerSpec struct {
	ID          string          `json:"id"`
	Hostname    string          `json:"hostname"`
	Healthcheck json.RawMessage `json:"healthcheck"`
	Networks    []struct {
		DHCP    bool   `json:"dhcp"`
		Address string `json:"address"`
	} `json:"networks"`
}

func (c containerSpec) health() string {
	if len(c.Healthcheck) == 0 || string(c.Healthcheck) == "null" {
		return "none"
	}
	return "healthy"
}

func (n *None) report(id string, document containerSpec, fields map[string]any) {
	status := map[string]any{"version": 1, "id": document.ID, "sequence": 1, "restart_count": 0, "health": "none", "health_output": "",
		"started_at": time.Now().UTC().Format(time.RFC3339Nano), "error": nil, "memory_available": 0, "init_version": "none", "kernel": "none"}
	for key, value := range fields {
		status[key] = value
	}
	text, err := json.Marshal(status)
	if err != nil {
		panic(err) // a map of plain values can always be encoded
	}
	n.events.Set(id, StatusKey, string(text))
}

// guest returns the static addresses of the spec, or the next free address of the subnet for DHCP. The caller holds the lock.
func (n *None) guest(spec Spec, document containerSpec) GuestInfo {
	info := GuestInfo{Hostname: document.Hostname}
	for i, network := range document.Networks {
		if i >= len(spec.NICs) {
			break
		}
		nic := spec.NICs[i]
		address := network.Address
		if network.DHCP {
			address = n.nextAddress(nic.Network)
		}
		if address != "" {
			info.NICs = append(info.NICs, GuestNIC{MAC: nic.MAC, Addresses: []string{address}})
		}
	}
	return info
}

func (n *None) nextAddress(network string) string {
	subnet, known := n.subnets[network]
	if !known {
		var err error
		if subnet, err = n.pool.Next(); err != nil {
			return "" // a network without addresses for DHCP
		}
		n.subnets[network] = subnet
	}
	size := 1 << (32 - subnet.Bits())
	n.hosts[network] = n.hosts[network]%(size-11) + 1
	return netip.PrefixFrom(Offset(subnet, uint32(n.hosts[network]+9)), subnet.Bits()).String()
}
