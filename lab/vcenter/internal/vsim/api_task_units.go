// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The limits of simultaneous operations: "Each operation […] is assigned a resource cost. Each host, datastore, or network resource, has
// a maximum cost that it can support at any one time. Any new migration or provisioning operation that causes a resource to exceed its
// maximum cost does not proceed immediately, but is queued until other operations complete and release resources." (Limits on
// Simultaneous Migrations, vCenter Server and Host Management) What each operation costs is in api_task_costs.go.
//
// First come, first served is meant by resource: a task waits in the line of the first resource that it lacks, and does not hold up
// those that need others. In what order vCenter serves is not documented.

package vsim

import (
	"slices"
	"sync"
)

type unitKind int

const (
	hostUnits unitKind = iota
	datastoreUnits
	networkUnits
	operationUnits // all tasks of vCenter
	unitKinds
)

// resource is what operations share. The network of a host is known by the host.
type resource struct {
	kind   unitKind
	object ref // zero for operationUnits
}

type cost struct {
	of     resource
	amount int
}

// costs are what an operation needs at once, each resource once.
type costs []cost

func (c costs) plus(kind unitKind, object ref, amount int) costs {
	of := resource{kind, object}
	for n := range c {
		if c[n].of == of {
			c[n].amount += amount
			return c
		}
	}
	return append(c, cost{of, amount})
}

// operation is what holds its units, or waits for them.
type operation struct {
	costs   costs
	number  int
	granted chan struct{} // closed when it has its units; nil if it has never waited
}

// waits returns true if the operation had no units when it came.
func (o *operation) waits() bool { return o.granted != nil }

// units counts what is in use.
type units struct {
	mu      sync.Mutex
	limits  [unitKinds]int
	used    map[resource]int
	most    map[resource]int
	waiting map[resource][]*operation // each in the line of one resource that it lacks, in the order in which they came
	came    int
	queued  int
	longest int // the most that have been queued at a time
}

func newUnits(limits [unitKinds]int) *units {
	return &units{limits: limits, used: map[resource]int{}, most: map[resource]int{}, waiting: map[resource][]*operation{}}
}

// enter gives an operation its units, or queues it.
func (u *units) enter(needs costs) *operation {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.came++
	entered := &operation{costs: needs, number: u.came}
	if lacked := u.lackedBy(entered); lacked != nil {
		entered.granted = make(chan struct{})
		u.queued++
		u.longest = max(u.longest, u.queued)
		u.line(entered, *lacked)
		return entered
	}
	u.take(entered)
	return entered
}

// leave returns the units of an operation, and gives them to those that wait. One that still waits gives up its place.
func (u *units) leave(gone *operation) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.holds(gone) {
		u.giveUp(gone)
		return
	}
	for _, one := range gone.costs {
		u.used[one.of] -= one.amount
		if u.used[one.of] == 0 {
			delete(u.used, one.of)
		}
	}
	for _, one := range gone.costs {
		u.serve(one.of)
	}
}

// limit changes the limits.
func (u *units) limit(limits [unitKinds]int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.limits = limits
	for of := range u.waiting {
		u.serve(of)
	}
}

// forget makes what is in use now the most that there has been.
func (u *units) forget() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.most, u.longest = map[resource]int{}, u.queued
	for of, amount := range u.used {
		u.most[of] = amount
	}
}

func (u *units) inUse(of resource) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.used[of]
}

func (u *units) holds(one *operation) bool {
	if !one.waits() {
		return true
	}
	select {
	case <-one.granted:
		return true
	default:
		return false
	}
}

func (u *units) take(one *operation) {
	for _, needed := range one.costs {
		u.used[needed.of] += needed.amount
		u.most[needed.of] = max(u.most[needed.of], u.used[needed.of])
	}
}

// lackedBy returns the first resource that has no room for an operation, or for which an earlier one waits.
func (u *units) lackedBy(one *operation) *resource {
	for n := range one.costs {
		needed := &one.costs[n]
		line := u.waiting[needed.of]
		if !u.fits(*needed) || len(line) > 0 && line[0].number < one.number {
			return &needed.of
		}
	}
	return nil
}

// fits returns true if a resource has room. What costs more than there is at all runs alone.
func (u *units) fits(needed cost) bool {
	used := u.used[needed.of]
	return used == 0 || used+needed.amount <= u.limits[needed.of.kind]
}

func (u *units) line(one *operation, of resource) {
	line := u.waiting[of]
	place, _ := slices.BinarySearchFunc(line, one.number, func(other *operation, number int) int { return other.number - number })
	u.waiting[of] = slices.Insert(line, place, one)
}

// serve goes along the line of a resource as far as it has room.
func (u *units) serve(of resource) {
	for len(u.waiting[of]) > 0 {
		first := u.waiting[of][0]
		lacked := u.lackedBy(first)
		if lacked != nil && *lacked == of {
			return
		}
		u.shorten(of, 0)
		if lacked != nil {
			u.line(first, *lacked)
			continue
		}
		u.take(first)
		u.queued--
		close(first.granted)
	}
}

func (u *units) giveUp(gone *operation) {
	for of, line := range u.waiting {
		if place := slices.Index(line, gone); place >= 0 {
			u.shorten(of, place)
			u.queued--
			u.serve(of)
			return
		}
	}
}

func (u *units) shorten(of resource, place int) {
	if u.waiting[of] = slices.Delete(u.waiting[of], place, place+1); len(u.waiting[of]) == 0 {
		delete(u.waiting, of)
	}
}

// Operations are the units in use and the tasks in the queue, as the control API shows them.
type Operations struct {
	Hosts      map[string]int `json:"hosts"`
	Datastores map[string]int `json:"datastores"`
	Networks   map[string]int `json:"networks"` // by host
	All        int            `json:"all"`
	Queued     int            `json:"queued"`
}

// OperationsNow returns what is in use now, and the most of each that there has been since ForgetOperations.
func (s *Server) OperationsNow() (now, most Operations) {
	s.units.mu.Lock()
	defer s.units.mu.Unlock()
	return s.shownUnits(s.units.used, s.units.queued), s.shownUnits(s.units.most, s.units.longest)
}

// ForgetOperations begins to count the most anew.
func (s *Server) ForgetOperations() { s.units.forget() }

func (s *Server) shownUnits(amounts map[resource]int, queued int) Operations {
	shown := Operations{map[string]int{}, map[string]int{}, map[string]int{}, 0, queued}
	for of, amount := range amounts {
		switch of.kind {
		case hostUnits:
			shown.Hosts[s.nameOf(of.object)] = amount
		case datastoreUnits:
			shown.Datastores[s.nameOf(of.object)] = amount
		case networkUnits:
			shown.Networks[s.nameOf(of.object)] = amount
		case operationUnits:
			shown.All = amount
		}
	}
	return shown
}
