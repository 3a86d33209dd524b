// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The way of a guest's reports from its host to vCenter. vCenter hears of changes in batches: what a VM reports within the
// delay arrives together, and of several values of a key only the last. If the VM is off by then, its volatile values are gone.

package vsim

import (
	"slices"
	"sync"
	"time"

	"gantry.invalid/lab/vcenter/internal/machine"
)

var _ machine.Events = (*Server)(nil)

// report is what a VM has reported and vCenter has not heard of yet.
type report struct {
	values    [][2]string // keys and values
	restarted bool
	guest     *machine.GuestInfo // after the restart
	off       *string            // the reason
}

// deliveries holds the reports under way.
type deliveries struct {
	mu      sync.Mutex
	pending map[string]*report // by the VM's id
}

// deliver adds to the report of a VM, and applies it after the delay.
func (s *Server) deliver(id string, add func(*report)) {
	d := &s.deliveries
	d.mu.Lock()
	pending := d.pending[id]
	if pending != nil {
		add(pending)
		d.mu.Unlock()
		return
	}
	pending = &report{}
	add(pending)
	if delay := s.Behavior().guestReportDelay(); delay > 0 {
		d.pending[id] = pending
		time.AfterFunc(delay, func() { s.arrive(id) })
		d.mu.Unlock()
		return
	}
	d.mu.Unlock()
	s.applyReport(id, pending)
}

// arrive applies the report of a VM that has been under way.
func (s *Server) arrive(id string) {
	d := &s.deliveries
	d.mu.Lock()
	pending := d.pending[id]
	delete(d.pending, id)
	d.mu.Unlock()
	select {
	case <-s.closing:
	default:
		s.applyReport(id, pending)
	}
}

// isOffUnheard returns whether a VM has powered off and vCenter has not heard of it yet. Its host refuses what requires a VM that
// is on.
func (s *Server) isOffUnheard(id string) bool {
	s.deliveries.mu.Lock()
	defer s.deliveries.mu.Unlock()
	pending := s.deliveries.pending[id]
	return pending != nil && pending.off != nil
}

func (s *Server) applyReport(id string, arrived *report) {
	if len(arrived.values) > 0 {
		s.setValues(id, arrived.values, arrived.off == nil)
	}
	if arrived.restarted {
		s.showRestarted(id)
	}
	if arrived.guest != nil {
		s.showReported(id, *arrived.guest)
	}
	if arrived.off != nil {
		s.poweredOff(id, *arrived.off)
	}
}

// Set implements the guest's info-set. A guest can set only guestinfo.* keys.
func (s *Server) Set(id, key, value string) {
	s.deliver(id, func(r *report) {
		r.values = slices.DeleteFunc(r.values, func(earlier [2]string) bool { return earlier[0] == key })
		r.values = append(r.values, [2]string{key, value})
	})
}

// Guest publishes a report of the guest tools, which also means that they run.
func (s *Server) Guest(id string, info machine.GuestInfo) {
	s.deliver(id, func(r *report) { r.guest = &info })
}

// Off is called once for each successful start.
func (s *Server) Off(id, reason string) {
	s.deliver(id, func(r *report) { r.off = &reason })
}
