// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The changes of the inventory that a property collector has not sent to its client yet.

package vsim

import (
	"time"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// keptFor is how long changes are queued for a client that does not wait for them.
const keptFor = 10 * time.Minute

// objectChange is what happened to one object. Of several values of a property only the last one is kept.
type objectChange struct {
	object           ref
	created, removed bool
	values           []types.PropertyChange
}

// changes has one entry for each object, in the order of the first changes.
type changes struct {
	ordered []*objectChange
	known   map[ref]*objectChange
}

func (c *changes) of(object ref) *objectChange {
	if c.known == nil {
		c.known = map[ref]*objectChange{}
	}
	if c.known[object] == nil {
		c.known[object] = &objectChange{object: object}
		c.ordered = append(c.ordered, c.known[object])
	}
	return c.known[object]
}

func (o *objectChange) add(changed []types.PropertyChange) {
	for _, change := range changed {
		replaced := false
		for n := range o.values {
			if o.values[n].Name == change.Name {
				o.values[n], replaced = change, true
				break
			}
		}
		if !replaced {
			o.values = append(o.values, change)
		}
	}
}

// listener passes changes of the inventory to one collector. The simulator identifies listeners by their reference, and the
// default collectors of all sessions have the same one: of two sessions that wait, one would not be notified.
type listener struct {
	self      ref
	collector *PropertyCollector
	registry  *simulator.Registry
}

func newListener(collector *PropertyCollector, registry *simulator.Registry) *listener {
	return &listener{ref{Type: "GantryListener", Value: uuid.NewString()}, collector, registry}
}

func (l *listener) Reference() ref { return l.self }

func (l *listener) PutObject(_ *simulator.Context, object mo.Reference) {
	l.keep(object.Reference(), func(change *objectChange) { change.created = true })
}

func (l *listener) UpdateObject(ctx *simulator.Context, object mo.Reference, changed []types.PropertyChange) {
	if ctx.Context != nil {
		if nested, ok := ctx.Value(nestedChanges{}).([]types.PropertyChange); ok {
			changed = nested
		}
	}
	l.keep(object.Reference(), func(change *objectChange) { change.add(changed) })
}

func (l *listener) RemoveObject(_ *simulator.Context, object ref) {
	l.keep(object, func(change *objectChange) { change.removed = true })
}

// keep queues a change, if a filter may select the object, or select others through it.
func (l *listener) keep(object ref, add func(*objectChange)) {
	if !l.active() {
		return
	}
	c := l.collector
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, filter := range c.filters {
		if filter.concerns(object) {
			add(c.changes.of(object))
			return
		}
	}
}

// active returns false, and removes the listener, when no client has waited for a long time: queued changes would
// accumulate.
func (l *listener) active() bool {
	c := l.collector
	c.mu.Lock()
	idle := c.waiting == 0 && time.Since(c.waited) > keptFor && c.listener == l
	if idle {
		c.listener = nil
	}
	c.mu.Unlock()
	if idle {
		l.registry.RemoveHandler(l)
	}
	return !idle
}
