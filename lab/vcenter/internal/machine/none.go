// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package machine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
)

// None is a hypervisor that boots nothing. A VM with a container spec and a bootable CD reports immediately that its
// container runs and is healthy, with an address. Without a CD, or if its firmware boots its disk, it is powered on and
// reports nothing. It is for tests of API clients that do not need a real guest. none_guest.go has the guests.
type None struct {
	events  Events
	subnets map[string]netip.Prefix // by network
	pool    *SubnetPool             // for networks that are not configured
	logs    noneLogs

	mu      sync.Mutex
	running map[string]*guestRun
	hosts   map[string]int // the last address assigned, by network
	// delivered has the SHA-256 of the files that the scratch disk of a container has, by the container's id.
	delivered map[string]string
}

// NewNone returns the hypervisor. networks has the subnet (CIDR) of each network, for the addresses of VMs with DHCP; pool has
// those of further networks.
func NewNone(networks map[string]string, pool string, events Events) (*None, error) {
	n := &None{events: events, subnets: map[string]netip.Prefix{}, running: map[string]*guestRun{}, hosts: map[string]int{},
		delivered: map[string]string{}}
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
	run := &guestRun{spec: spec}
	n.running[spec.ID] = run
	text, isContainer := spec.GuestInfo[SpecKey]
	if !isContainer || !spec.BootsISO() {
		return nil
	}
	document, err := decodeSpec(text)
	if err != nil {
		go n.fail(spec.ID, "spec_invalid", err.Error())
		return nil
	}
	run.document = &document
	run.operations = n.newOperations(run)
	if message := n.conflict(spec, document); message != "" {
		go n.failToConnect(run, message)
		return nil
	}
	guest := n.guest(spec, document)
	run.reported = &guest
	go n.live(run, guest)
	return nil
}

// Quiesce fails: the guest does not support it.
func (n *None) Quiesce(string) error {
	return errors.New("this container VM offers no quiesced snapshots")
}

// Suspend holds the guest back, which reports nothing until the VM is resumed.
func (n *None) Suspend(id string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	run, there := n.running[id]
	if !there || run.suspended != nil {
		return fmt.Errorf("VM %s is not running", id)
	}
	run.suspended = make(chan struct{})
	return nil
}

// Resume changes the spec of the VM, and lets its guest go on.
func (n *None) Resume(spec Spec) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	run, there := n.running[spec.ID]
	if !there || run.suspended == nil {
		return fmt.Errorf("VM %s is not suspended", spec.ID)
	}
	spec.GuestInfo = run.spec.GuestInfo // as at power-on
	run.spec = spec
	close(run.suspended)
	run.suspended = nil
	n.reportAgain(run)
	return nil
}

// SetGuestInfo gives a guest a later revision of its document. Whatever else is set, a guest reads only when it starts.
func (n *None) SetGuestInfo(id string, values map[string]string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	run, there := n.running[id]
	if !there {
		return fmt.Errorf("VM %s is not running", id)
	}
	text, isSet := values[SpecKey]
	if !isSet || run.document == nil {
		return nil
	}
	if document, err := decodeSpec(text); err == nil && document.Revision > run.lastDocument().Revision {
		run.revised.Store(&document)
		if document.Files != nil && run.status["files"] != nil {
			go n.replaceFiles(run, &document)
		}
	}
	return nil
}

// Kill ends the VM at once.
func (n *None) Kill(id string) error {
	if err := n.take(id); err != nil {
		return err
	}
	go n.events.Off(id, OffKilled)
	return nil
}

// Connect changes the networks of the VM; its guest keeps the addresses that it has.
func (n *None) Connect(id string, networks []string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	run, there := n.running[id]
	if !there {
		return fmt.Errorf("VM %s is not running", id)
	}
	run.spec.NICs = slices.Clone(run.spec.NICs)
	for i := range min(len(networks), len(run.spec.NICs)) {
		run.spec.NICs[i].Network = networks[i]
	}
	return nil
}

// Migrate changes the spec of the VM; there is no guest to stop.
func (n *None) Migrate(id string, to Spec, copyFiles func() error) (Move, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	run, there := n.running[id]
	if !there {
		return Move{}, fmt.Errorf("VM %s is not running", id)
	}
	if copyFiles != nil {
		if err := copyFiles(); err != nil {
			return Move{}, err
		}
	}
	to.GuestInfo = run.spec.GuestInfo // as at power-on
	run.spec = to
	n.reportAgain(run)
	return Move{Mode: MoveLive}, nil
}

// Fork starts a VM with the container of the source, whose guest has already reported its status.
func (n *None) Fork(id string, continued, clone Spec) (Move, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	run, there := n.running[id]
	if !there {
		return Move{}, fmt.Errorf("VM %s is not running", id)
	}
	if _, there := n.running[clone.ID]; there {
		return Move{}, fmt.Errorf("VM %s is already running", clone.ID)
	}
	continued.GuestInfo = run.spec.GuestInfo // as at power-on
	run.spec = continued
	n.reportAgain(run)
	forked := &guestRun{spec: clone, document: run.lastDocument()}
	if forked.document != nil {
		forked.operations = n.newOperations(forked)
	}
	n.running[clone.ID] = forked
	return Move{Mode: MoveStopCopy}, nil
}

// Grow changes the spec of the VM.
func (n *None) Grow(id string, cpus int, memoryMB int64) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	run, there := n.running[id]
	if !there {
		return fmt.Errorf("VM %s is not running", id)
	}
	run.spec.CPUs, run.spec.MemoryMB = cpus, memoryMB
	return nil
}

// Info always returns false: there is no process.
func (n *None) Info(string) (Info, bool) { return Info{}, false }

// Traffic always returns false: there is no process.
func (n *None) Traffic(string) (Traffic, bool) { return Traffic{}, false }

// Dial always fails: no guest runs.
func (n *None) Dial(_ context.Context, ip string, port int) (net.Conn, error) {
	return nil, fmt.Errorf("%s:%d: this lab boots no VMs (hypervisor none)", ip, port)
}

// Close ends all VMs.
func (n *None) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var failures []error
	for _, run := range n.running {
		failures = append(failures, run.removeFiles())
	}
	n.running = map[string]*guestRun{}
	return errors.Join(append(failures, n.logs.close())...)
}

// take removes a VM that runs.
func (n *None) take(id string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	run, there := n.running[id]
	if !there {
		return fmt.Errorf("VM %s is not running", id)
	}
	if run.suspended != nil {
		close(run.suspended)
		run.suspended = nil
	}
	delete(n.running, id)
	return run.removeFiles()
}

// guest returns the static addresses of the spec, or the next free address of the subnet for DHCP. The caller holds the lock.
func (n *None) guest(spec Spec, document containerSpec) GuestInfo {
	info := GuestInfo{Hostname: document.Hostname, Operations: document.Operations != nil}
	for i, network := range document.Networks {
		if i >= len(spec.NICs) {
			break
		}
		nic := spec.NICs[i]
		found := []string{network.Address}
		if network.DHCP {
			found = []string{n.nextAddress(nic.Network)}
		}
		if network.IPv6 != nil {
			found = append(found, network.IPv6.Address)
		}
		found = slices.DeleteFunc(found, func(address string) bool { return address == "" })
		if len(found) > 0 {
			info.NICs = append(info.NICs, GuestNIC{MAC: nic.MAC, Addresses: found})
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
