// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package hypervisor runs the lab's powered-on VMs as QEMU processes in a network namespace of its own.
package hypervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"

	"gantry.invalid/lab/vcenter/internal/machine"
	"gantry.invalid/lab/vcenter/internal/vmx"
)

// Hypervisor implements machine.Hypervisor.
type Hypervisor struct {
	config      Config
	events      machine.Events
	accelerator string
	networks    *networks
	slots       slots
	taps        atomic.Uint64

	mu        sync.Mutex
	instances map[string]*instance
	closed    bool
}

// New chooses the accelerator and creates the network. raw is a Config in JSON.
func New(raw json.RawMessage, events machine.Events) (machine.Hypervisor, error) {
	config, err := decodeConfig(raw)
	if err != nil {
		return nil, err
	}
	accelerator, err := chooseAccelerator(config)
	if err != nil {
		return nil, err
	}
	h := &Hypervisor{config: config, events: events, accelerator: accelerator, instances: map[string]*instance{}}
	startSlots := config.StartSlots
	if startSlots == 0 && accelerator == acceleratorTCG {
		startSlots = tcgStartSlots
	}
	h.slots = newSlots(startSlots)
	if h.networks, err = openNetworks(config); err != nil {
		return nil, fmt.Errorf("the lab's network: %w", err)
	}
	if err := h.describe(); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// describe writes the data that the controller shows to users of the lab.
func (h *Hypervisor) describe() error {
	encoded, err := json.Marshal(map[string]string{"accelerator": h.accelerator})
	if err != nil {
		return err
	}
	return writeFileAtomically(filepath.Join(h.config.StateDir, "hypervisor.json"), encoded, 0o644)
}

// machineID matches ids that are valid directory names.
var machineID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// Start returns when QEMU runs, or an error. It may wait for other VMs to boot.
func (h *Hypervisor) Start(spec machine.Spec) error {
	if !machineID.MatchString(spec.ID) {
		return fmt.Errorf("VM %s: unusable id %q", spec.Name, spec.ID)
	}
	i := &instance{id: spec.ID, name: spec.Name, settled: make(chan struct{}), exited: make(chan struct{})}
	i.alive, i.cancel = context.WithCancel(context.Background())
	if err := h.admit(i); err != nil {
		return err
	}
	defer close(i.settled)
	if err := h.startAdmitted(i, spec); err != nil {
		h.remove(i)
		return err
	}
	i.started = true
	go h.supervise(i)
	return nil
}

func (h *Hypervisor) startAdmitted(i *instance, spec machine.Spec) error {
	starts := h.slots
	if _, container := spec.GuestInfo[machine.SpecKey]; !container {
		starts = nil // a VM that is not a container never reports that it has booted, and needs no slot
	}
	release, err := starts.acquire(i.alive)
	if err != nil {
		return fmt.Errorf("VM %s was powered off before it was started", spec.Name)
	}
	q := h.processOf(i, &qemu{spec: spec, directory: filepath.Join(h.config.StateDir, "machines", spec.ID)})
	if err := h.launch(q); err != nil {
		release()
		return err
	}
	i.booted, i.qemu = release, q
	i.vmx = vmx.New(spec.GuestInfo, i.write, h.guestEvents(i), i.writeFailed)
	return nil
}

func (h *Hypervisor) admit(i *instance) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return fmt.Errorf("VM %s: the lab is shutting down", i.name)
	}
	if _, running := h.instances[i.id]; running {
		return fmt.Errorf("VM %s is already on", i.name)
	}
	h.instances[i.id] = i
	return nil
}

func (h *Hypervisor) remove(i *instance) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.instances, i.id)
}

func (h *Hypervisor) find(id string) (*instance, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i, running := h.instances[id]
	if !running {
		return nil, fmt.Errorf("VM %s is not on", id)
	}
	return i, nil
}

// PowerButton asks the guest to shut down, and does not wait for it.
func (h *Hypervisor) PowerButton(id string) error {
	i, err := h.find(id)
	if err != nil {
		return err
	}
	return i.pressPowerButton()
}

// Restart asks the guest to restart, and does not wait for it.
func (h *Hypervisor) Restart(id string) error {
	i, err := h.find(id)
	if err != nil {
		return err
	}
	return i.restartGuest()
}

// Quiesce asks the guest to freeze its file systems for a snapshot.
func (h *Hypervisor) Quiesce(id string) error {
	i, err := h.find(id)
	if err != nil {
		return err
	}
	return i.quiesce()
}

// SetGuestInfo changes guestinfo.* keys of a running VM.
func (h *Hypervisor) SetGuestInfo(id string, values map[string]string) error {
	i, err := h.find(id)
	if err != nil {
		return err
	}
	if err := i.awaitStart(); err != nil {
		return err
	}
	i.vmx.SetInfo(values)
	return nil
}

// Relay sends a command of a guest operation to the tools of the guest.
func (h *Hypervisor) Relay(ctx context.Context, id string, command []byte) ([]byte, error) {
	i, err := h.find(id)
	if err != nil {
		return nil, err
	}
	return i.vmx.Relay(ctx, command)
}

// Kill returns when the VM is off.
func (h *Hypervisor) Kill(id string) error {
	i, err := h.find(id)
	if err != nil {
		return err
	}
	return i.kill()
}

// Info describes a running VM.
func (h *Hypervisor) Info(id string) (machine.Info, bool) {
	i, err := h.find(id)
	if err != nil {
		return machine.Info{}, false
	}
	return i.info()
}

// Traffic returns what a running VM has transferred.
func (h *Hypervisor) Traffic(id string) (machine.Traffic, bool) {
	i, err := h.find(id)
	if err != nil || !i.hasProcess() {
		return machine.Traffic{}, false
	}
	traffic, err := h.trafficOf(i.current())
	return traffic, err == nil // it may have just ended
}

// Dial connects to an address inside the lab's network.
func (h *Hypervisor) Dial(ctx context.Context, ip string, port int) (net.Conn, error) {
	var connection net.Conn
	err := h.networks.namespace.do(func() (err error) {
		// For a single numeric address, the dialer creates its socket on the calling thread.
		connection, err = (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(ip, strconv.Itoa(port)))
		return err
	})
	return connection, err
}

// Close powers everything off and removes the network.
func (h *Hypervisor) Close() error {
	h.mu.Lock()
	h.closed = true
	running := make([]*instance, 0, len(h.instances))
	for _, i := range h.instances {
		running = append(running, i)
	}
	h.mu.Unlock()

	results := make(chan error)
	for _, i := range running {
		go func() { results <- i.kill() }()
	}
	var errs []error
	for range running {
		errs = append(errs, <-results)
	}
	errs = append(errs, h.networks.close())
	return errors.Join(errs...)
}

func (h *Hypervisor) nextTap() string {
	return "tap" + strconv.FormatUint(h.taps.Add(1), 10)
}
