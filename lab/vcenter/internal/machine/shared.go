// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package machine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// Shared lets several vCenters run their VMs on one hypervisor, so that VMs can move from one vCenter to the other. Each vCenter
// is a tenant with its own ids of VMs.
type Shared struct {
	hypervisor Hypervisor

	mu      sync.Mutex
	owners  map[string]*owner // by the hypervisor's id
	tenants int               // number of open tenants
}

// owner is the tenant of a VM, with the events that are queued while the VM is handed over.
type owner struct {
	tenant *Tenant
	id     string // the id that the tenant uses
	moving bool
	held   []func(Events, string)
}

// NewShared returns the Events of the hypervisor. Use must be called before any VM is started.
func NewShared() *Shared {
	return &Shared{owners: map[string]*owner{}}
}

// Use sets the hypervisor. It is called once.
func (s *Shared) Use(hypervisor Hypervisor) {
	s.hypervisor = hypervisor
}

// Tenant returns the hypervisor of one vCenter. The prefix makes its ids differ from those of other tenants.
func (s *Shared) Tenant(prefix string, events Events) *Tenant {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tenants++
	return &Tenant{shared: s, prefix: prefix, events: events}
}

// Set passes the event to the VM's tenant, as Guest and Off do.
func (s *Shared) Set(id, key, value string) {
	s.deliver(id, func(events Events, id string) { events.Set(id, key, value) })
}

// Guest passes on the report of the guest's tools.
func (s *Shared) Guest(id string, info GuestInfo) {
	s.deliver(id, func(events Events, id string) { events.Guest(id, info) })
}

// Restarted passes on that the guest has restarted.
func (s *Shared) Restarted(id string) {
	s.deliver(id, func(events Events, id string) { events.Restarted(id) })
}

// Off passes on the end of the VM.
func (s *Shared) Off(id, reason string) {
	s.deliver(id, func(events Events, own string) {
		// This must precede the notification, after which the tenant may start the VM again.
		s.forget(id)
		events.Off(own, reason)
	})
}

func (s *Shared) deliver(id string, event func(Events, string)) {
	s.mu.Lock()
	o := s.owners[id]
	if o != nil && o.moving {
		o.held = append(o.held, event)
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	if o != nil {
		event(o.tenant.events, o.id)
	}
}

func (s *Shared) register(id string, tenant *Tenant, tenantID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owners[id] = &owner{tenant: tenant, id: tenantID}
}

func (s *Shared) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.owners, id)
}

// hold queues the events of a VM until release is called.
func (s *Shared) hold(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.owners[id]
	if o == nil {
		return fmt.Errorf("VM %s is not running", id)
	}
	o.moving = true
	return nil
}

func (s *Shared) reassign(id string, tenant *Tenant, tenantID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owners[id].tenant, s.owners[id].id = tenant, tenantID
}

// release delivers the queued events, and those that arrive meanwhile, before any later ones.
func (s *Shared) release(id string) {
	for {
		s.mu.Lock()
		o := s.owners[id]
		if o == nil {
			s.mu.Unlock()
			return // the end of the VM was one of the events
		}
		held := o.held
		o.held, o.moving = nil, len(held) > 0
		tenant, own := o.tenant, o.id
		s.mu.Unlock()
		if len(held) == 0 {
			return
		}
		for _, event := range held {
			event(tenant.events, own)
		}
	}
}

// Tenant implements Hypervisor for one vCenter.
type Tenant struct {
	shared *Shared
	prefix string
	events Events
}

// hypervisorID returns the hypervisor's id of a VM, which another tenant may have started.
func (t *Tenant) hypervisorID(id string) (string, error) {
	t.shared.mu.Lock()
	defer t.shared.mu.Unlock()
	for real, o := range t.shared.owners {
		if o.tenant == t && o.id == id {
			return real, nil
		}
	}
	return "", fmt.Errorf("VM %s is not running", id)
}

// Start returns when the VM runs.
func (t *Tenant) Start(spec Spec) error {
	own := spec.ID
	spec.ID = t.prefix + own
	t.shared.register(spec.ID, t, own) // a guest may report before Start returns
	err := t.shared.hypervisor.Start(spec)
	if err != nil {
		t.shared.forget(spec.ID)
	}
	return err
}

// PowerButton asks the guest to shut down.
func (t *Tenant) PowerButton(id string) error {
	real, err := t.hypervisorID(id)
	if err != nil {
		return err
	}
	return t.shared.hypervisor.PowerButton(real)
}

// Quiesce asks the tools of the guest to freeze its file systems.
func (t *Tenant) Quiesce(id string) error {
	real, err := t.hypervisorID(id)
	if err != nil {
		return err
	}
	return t.shared.hypervisor.Quiesce(real)
}

// Relay sends a command of a guest operation to the tools of the guest.
func (t *Tenant) Relay(ctx context.Context, id string, command []byte) ([]byte, error) {
	real, err := t.hypervisorID(id)
	if err != nil {
		return nil, err
	}
	return t.shared.hypervisor.Relay(ctx, real, command)
}

// Kill returns when the VM is powered off.
func (t *Tenant) Kill(id string) error {
	real, err := t.hypervisorID(id)
	if err != nil {
		return err
	}
	return t.shared.hypervisor.Kill(real)
}

// Connect connects the adapters of a running VM to networks.
func (t *Tenant) Connect(id string, networks []string) error {
	real, err := t.hypervisorID(id)
	if err != nil {
		return err
	}
	return t.shared.hypervisor.Connect(real, networks)
}

// Migrate moves a VM within the tenant.
func (t *Tenant) Migrate(id string, to Spec, copyFiles func() error) (Move, error) {
	real, err := t.hypervisorID(id)
	if err != nil {
		return Move{}, err
	}
	to.ID = real
	return t.shared.hypervisor.Migrate(real, to, copyFiles)
}

// HandOver migrates a running VM to another tenant, where it has the id of the spec. Events during the migration are
// delivered in order afterwards, to the new tenant or, after an error, to the present one.
func (t *Tenant) HandOver(id string, other *Tenant, to Spec, copyFiles func() error) (Move, error) {
	if other.shared != t.shared {
		return Move{}, errors.New("the two vCenters do not share a hypervisor")
	}
	real, err := t.hypervisorID(id)
	if err != nil {
		return Move{}, err
	}
	if err := t.shared.hold(real); err != nil {
		return Move{}, err
	}
	tenantID := to.ID
	to.ID = real
	move, err := t.shared.hypervisor.Migrate(real, to, copyFiles)
	if err == nil {
		t.shared.reassign(real, other, tenantID)
	}
	go t.shared.release(real)
	return move, err
}

// Restart asks the guest to restart.
func (t *Tenant) Restart(id string) error {
	real, err := t.hypervisorID(id)
	if err != nil {
		return err
	}
	return t.shared.hypervisor.Restart(real)
}

// Suspend saves the state of a running VM of the tenant.
func (t *Tenant) Suspend(id string) error {
	real, err := t.hypervisorID(id)
	if err != nil {
		return err
	}
	return t.shared.hypervisor.Suspend(real)
}

// Resume continues a suspended VM of the tenant.
func (t *Tenant) Resume(spec Spec) error {
	real, err := t.hypervisorID(spec.ID)
	if err != nil {
		return err
	}
	spec.ID = real
	return t.shared.hypervisor.Resume(spec)
}

// SetGuestInfo changes guestinfo.* keys of a running VM of the tenant.
func (t *Tenant) SetGuestInfo(id string, values map[string]string) error {
	real, err := t.hypervisorID(id)
	if err != nil {
		return err
	}
	return t.shared.hypervisor.SetGuestInfo(real, values)
}

// Fork creates a VM from one of the tenant's VMs.
func (t *Tenant) Fork(id string, continued, clone Spec) (Move, error) {
	real, err := t.hypervisorID(id)
	if err != nil {
		return Move{}, err
	}
	own := clone.ID
	continued.ID, clone.ID = real, t.prefix+own
	t.shared.register(clone.ID, t, own)
	move, err := t.shared.hypervisor.Fork(real, continued, clone)
	if err != nil {
		t.shared.forget(clone.ID)
	}
	return move, err
}

// Grow adds CPUs or memory to a running VM of the tenant.
func (t *Tenant) Grow(id string, cpus int, memoryMB int64) error {
	real, err := t.hypervisorID(id)
	if err != nil {
		return err
	}
	return t.shared.hypervisor.Grow(real, cpus, memoryMB)
}

// Info returns false for a VM that does not run.
func (t *Tenant) Info(id string) (Info, bool) {
	real, err := t.hypervisorID(id)
	if err != nil {
		return Info{}, false
	}
	return t.shared.hypervisor.Info(real)
}

// Traffic returns false for a VM that does not run, or that has no process.
func (t *Tenant) Traffic(id string) (Traffic, bool) {
	real, err := t.hypervisorID(id)
	if err != nil {
		return Traffic{}, false
	}
	return t.shared.hypervisor.Traffic(real)
}

// Dial connects to a TCP port of a guest.
func (t *Tenant) Dial(ctx context.Context, ip string, port int) (net.Conn, error) {
	return t.shared.hypervisor.Dial(ctx, ip, port)
}

// Close powers off the tenant's VMs. Closing the last tenant closes the hypervisor.
func (t *Tenant) Close() error {
	t.shared.mu.Lock()
	var own []string
	for real, o := range t.shared.owners {
		if o.tenant == t {
			own = append(own, real)
		}
	}
	t.shared.tenants--
	last := t.shared.tenants == 0
	t.shared.mu.Unlock()
	if last {
		return t.shared.hypervisor.Close()
	}
	var errs []error
	for _, real := range own {
		if err := t.shared.hypervisor.Kill(real); err != nil {
			errs = append(errs, fmt.Errorf("VM %s: %w", real, err))
		}
	}
	return errors.Join(errs...)
}
