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

// Shared lets several vCenters run their machines on one hypervisor, so that machines can go from one to the other. Each
// vCenter is a tenant, which knows its machines by ids of its own.
type Shared struct {
	hypervisor Hypervisor

	mu      sync.Mutex
	owners  map[string]*owner // by the hypervisor's id
	tenants int               // that are not closed
}

// owner is whose a machine is, and what it has said while that was being settled.
type owner struct {
	tenant *Tenant
	id     string // the tenant's
	moving bool
	held   []func(Events, string)
}

// NewShared makes what is the hypervisor's Events; it must be told of the hypervisor before anything is started.
func NewShared() *Shared {
	return &Shared{owners: map[string]*owner{}}
}

// Use is called once.
func (s *Shared) Use(hypervisor Hypervisor) {
	s.hypervisor = hypervisor
}

// Tenant is one vCenter's view. Its prefix makes its ids differ from other tenants'.
func (s *Shared) Tenant(prefix string, events Events) *Tenant {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tenants++
	return &Tenant{shared: s, prefix: prefix, events: events}
}

// Set passes it on to the machine's tenant, as Guest and Off do.
func (s *Shared) Set(id, key, value string) {
	s.tell(id, func(events Events, id string) { events.Set(id, key, value) })
}

// Guest is what the guest's tools report.
func (s *Shared) Guest(id string, info GuestInfo) {
	s.tell(id, func(events Events, id string) { events.Guest(id, info) })
}

// Off comes once for each start.
func (s *Shared) Off(id, reason string) {
	s.tell(id, func(events Events, own string) {
		// Before it is told: the tenant may then start the machine again.
		s.forget(id)
		events.Off(own, reason)
	})
}

func (s *Shared) tell(id string, event func(Events, string)) {
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

func (s *Shared) own(id string, tenant *Tenant, theirs string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owners[id] = &owner{tenant: tenant, id: theirs}
}

func (s *Shared) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.owners, id)
}

// hold keeps what a machine says until release.
func (s *Shared) hold(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.owners[id]
	if o == nil {
		return fmt.Errorf("machine %s is not on", id)
	}
	o.moving = true
	return nil
}

func (s *Shared) give(id string, tenant *Tenant, theirs string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owners[id].tenant, s.owners[id].id = tenant, theirs
}

// release tells what has been held, and what comes in the meantime, before what comes then.
func (s *Shared) release(id string) {
	for {
		s.mu.Lock()
		o := s.owners[id]
		if o == nil {
			s.mu.Unlock()
			return // its end was among it
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

// real is the hypervisor's id of a machine that may have been another tenant's when it was started.
func (t *Tenant) real(id string) (string, error) {
	t.shared.mu.Lock()
	defer t.shared.mu.Unlock()
	for real, o := range t.shared.owners {
		if o.tenant == t && o.id == id {
			return real, nil
		}
	}
	return "", fmt.Errorf("machine %s is not on", id)
}

// Start returns when the machine runs.
func (t *Tenant) Start(spec Spec) error {
	own := spec.ID
	spec.ID = t.prefix + own
	t.shared.own(spec.ID, t, own) // a guest may speak before Start returns
	err := t.shared.hypervisor.Start(spec)
	if err != nil {
		t.shared.forget(spec.ID)
	}
	return err
}

// PowerButton asks the guest to shut down.
func (t *Tenant) PowerButton(id string) error {
	real, err := t.real(id)
	if err != nil {
		return err
	}
	return t.shared.hypervisor.PowerButton(real)
}

// Kill returns when the machine is off.
func (t *Tenant) Kill(id string) error {
	real, err := t.real(id)
	if err != nil {
		return err
	}
	return t.shared.hypervisor.Kill(real)
}

// Migrate moves a machine within the tenant.
func (t *Tenant) Migrate(id string, to Spec, copyFiles func() error) (Move, error) {
	real, err := t.real(id)
	if err != nil {
		return Move{}, err
	}
	to.ID = real
	return t.shared.hypervisor.Migrate(real, to, copyFiles)
}

// HandOver moves a machine that is on to another tenant, where its id is that of the spec. What the guest says meanwhile
// is told, in order, to whoever has the machine in the end. After an error that is the tenant that has it now.
func (t *Tenant) HandOver(id string, other *Tenant, to Spec, copyFiles func() error) (Move, error) {
	if other.shared != t.shared {
		return Move{}, errors.New("the two vCenters do not share a hypervisor")
	}
	real, err := t.real(id)
	if err != nil {
		return Move{}, err
	}
	if err := t.shared.hold(real); err != nil {
		return Move{}, err
	}
	theirs := to.ID
	to.ID = real
	move, err := t.shared.hypervisor.Migrate(real, to, copyFiles)
	if err == nil {
		t.shared.give(real, other, theirs)
	}
	go t.shared.release(real)
	return move, err
}

// Fork makes a machine of one of the tenant's.
func (t *Tenant) Fork(id string, goesOn, clone Spec) (Move, error) {
	real, err := t.real(id)
	if err != nil {
		return Move{}, err
	}
	own := clone.ID
	goesOn.ID, clone.ID = real, t.prefix+own
	t.shared.own(clone.ID, t, own)
	move, err := t.shared.hypervisor.Fork(real, goesOn, clone)
	if err != nil {
		t.shared.forget(clone.ID)
	}
	return move, err
}

// Grow gives a machine of the tenant's more CPUs or memory.
func (t *Tenant) Grow(id string, cpus int, memoryMB int64) error {
	real, err := t.real(id)
	if err != nil {
		return err
	}
	return t.shared.hypervisor.Grow(real, cpus, memoryMB)
}

// Info is false for a machine that is not on.
func (t *Tenant) Info(id string) (Info, bool) {
	real, err := t.real(id)
	if err != nil {
		return Info{}, false
	}
	return t.shared.hypervisor.Info(real)
}

// Dial connects to a TCP port of a guest.
func (t *Tenant) Dial(ctx context.Context, ip string, port int) (net.Conn, error) {
	return t.shared.hypervisor.Dial(ctx, ip, port)
}

// Close powers the tenant's machines off; the last one's closes the hypervisor.
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
			errs = append(errs, fmt.Errorf("machine %s: %w", real, err))
		}
	}
	return errors.Join(errs...)
}
