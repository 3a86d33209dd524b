// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The property collector: the simulator's, with a Fetch that pyVmomi can decode and filters that report their objects
// immediately.

package vsim

import (
	"reflect"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// Fetch is one property of one object; pyVmomi sends it for vm.name.
type Fetch struct {
	This ref    `xml:"_this"`
	Prop string `xml:"prop"`
}

// FetchResponse is empty for a property that is unset.
type FetchResponse struct {
	Returnval types.AnyType `xml:"returnval,omitempty,typeattr"`
}

type fetchBody struct {
	Res    *FetchResponse `xml:"FetchResponse,omitempty"`
	Fault_ *soap.Fault
}

func (b *fetchBody) Fault() *soap.Fault { return b.Fault_ }

// PropertyCollector replaces the simulator's. The simulator creates one for each session by reflection.
type PropertyCollector struct {
	simulator.PropertyCollector

	mu       sync.Mutex
	listener *listener // from the first wait on
	filters  map[ref]types.PropertyFilterSpec
	waiting  int
	waited   time.Time
}

// keptFor is how long changes are queued for a client that does not wait for them.
const keptFor = 10 * time.Minute

// listener passes changes of the inventory to one collector. The simulator identifies listeners by their reference, and the
// default collectors of all sessions have the same one: of two sessions that wait, one would not be notified.
type listener struct {
	self      ref
	collector *PropertyCollector
	registry  *simulator.Registry
}

func (l *listener) Reference() ref { return l.self }

func (l *listener) PutObject(ctx *simulator.Context, object mo.Reference) {
	if l.active() && l.collector.concerns(object.Reference()) {
		l.collector.PropertyCollector.PutObject(ctx, object)
	}
}

func (l *listener) UpdateObject(ctx *simulator.Context, object mo.Reference, changes []types.PropertyChange) {
	if ctx.Context != nil {
		if nested, ok := ctx.Value(nestedChanges{}).([]types.PropertyChange); ok {
			changes = nested
		}
	}
	if l.active() && l.collector.concerns(object.Reference()) {
		l.collector.PropertyCollector.UpdateObject(ctx, object, changes)
	}
}

func (l *listener) RemoveObject(ctx *simulator.Context, object ref) {
	if l.active() {
		l.collector.PropertyCollector.RemoveObject(ctx, object)
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

// concerns returns whether a filter may select the object, or select others through it. For each change that it gets
// the simulator collects all objects of all filters again, so that a client that waits for a few tasks would wait for
// minutes while others change many objects.
func (c *PropertyCollector) concerns(object ref) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, spec := range c.filters {
		for _, set := range spec.PropSet {
			if set.Type == object.Type || extended[set.Type] {
				return true
			}
		}
		for _, set := range spec.ObjectSet {
			if set.Obj == object || selectsThrough(set.SelectSet, object.Type) {
				return true
			}
		}
	}
	return false
}

// extended are the types that other types extend, and which so stand for more than themselves in a filter.
var extended = map[string]bool{
	"ComputeResource": true, "DistributedVirtualSwitch": true, "ExtensibleManagedObject": true, "Folder": true,
	"ManagedEntity": true, "ManagedObject": true, "ManagedObjectView": true, "Network": true, "ResourcePool": true,
	"View": true,
}

func selectsThrough(selections []types.BaseSelectionSpec, kind string) bool {
	for _, selection := range selections {
		traversal, ok := selection.(*types.TraversalSpec)
		if ok && (traversal.Type == kind || extended[traversal.Type] || selectsThrough(traversal.SelectSet, kind)) {
			return true
		}
	}
	return false
}

// forgetFilters drops the specs of filters that have been destroyed.
func (c *PropertyCollector) forgetFilters(ctx *simulator.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for filter := range c.filters {
		if ctx.Session.Get(filter) == nil {
			delete(c.filters, filter)
		}
	}
}

// WaitForUpdatesEx registers a listener at the first call, which has no version.
func (c *PropertyCollector) WaitForUpdatesEx(ctx *simulator.Context, request *types.WaitForUpdatesEx) soap.HasFault {
	c.forgetFilters(ctx)
	c.mu.Lock()
	var added *listener
	if c.listener == nil && request.Version == "" {
		added = &listener{ref{Type: "GantryListener", Value: uuid.NewString()}, c, ctx.Map}
		c.listener = added
	}
	known := c.listener != nil
	if known {
		c.waiting++
	}
	c.mu.Unlock()
	if !known {
		return failed(&types.InvalidCollectorVersion{})
	}
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.waiting--
		c.waited = time.Now()
	}()
	if added != nil {
		ctx.Map.AddHandler(added)
	}
	body := c.PropertyCollector.WaitForUpdatesEx(ctx, request)
	if request.Version == "" {
		ctx.Map.RemoveHandler(&c.PropertyCollector)
	}
	if answer, ok := body.(*methods.WaitForUpdatesExBody); ok && answer.Res != nil {
		showTaskUpdates(answer.Res.Returnval)
	}
	return body
}

// WaitForUpdates is the older form, without options.
func (c *PropertyCollector) WaitForUpdates(ctx *simulator.Context, request *types.WaitForUpdates) soap.HasFault {
	result := c.WaitForUpdatesEx(ctx, &types.WaitForUpdatesEx{This: request.This, Version: request.Version})
	body, ok := result.(*methods.WaitForUpdatesExBody)
	if !ok || body.Fault() != nil {
		return result
	}
	return &methods.WaitForUpdatesBody{Res: &types.WaitForUpdatesResponse{Returnval: *body.Res.Returnval}}
}

// DestroyPropertyCollector also removes the listener.
func (c *PropertyCollector) DestroyPropertyCollector(ctx *simulator.Context, request *types.DestroyPropertyCollector) soap.HasFault {
	c.stopListening(ctx.Map)
	return c.PropertyCollector.DestroyPropertyCollector(ctx, request)
}

func (c *PropertyCollector) stopListening(registry *simulator.Registry) {
	c.mu.Lock()
	listener := c.listener
	c.listener = nil
	c.mu.Unlock()
	if listener != nil {
		registry.RemoveHandler(listener)
	}
}

// logout removes the listener of the session's default collector, which the simulator leaves registered.
func (s *Server) logout(ctx *simulator.Context, request *types.Logout) (soap.HasFault, types.BaseMethodFault) {
	if collector, ok := ctx.Session.Get(s.serviceContent().PropertyCollector).(*PropertyCollector); ok {
		collector.stopListening(ctx.Map)
	}
	defer s.showLatestEvent(s.context())
	return s.registry.SessionManager().Logout(ctx, request), nil
}

func (s *Server) installCollector() {
	types.Add("Fetch", reflect.TypeFor[Fetch]())
	// pyVmomi sends a removeKey with this type name. An unknown type would be decoded to nil.
	types.Add("ManagedObject", reflect.TypeFor[ref]())
	collector := &PropertyCollector{}
	collector.Self = s.serviceContent().PropertyCollector
	s.registry.Put(collector)
}

// Fetch answers like RetrievePropertiesEx, but for one property.
func (c *PropertyCollector) Fetch(ctx *simulator.Context, request *Fetch) soap.HasFault {
	if instance, ok := ctx.Map.Get(request.This).(*simulator.ServiceInstance); ok && request.Prop == "content" {
		return &fetchBody{Res: &FetchResponse{Returnval: instance.ServiceContent()}}
	}
	if ctx.Session == nil {
		return &fetchBody{Res: &FetchResponse{}} // without a session there is no current session
	}
	result := c.RetrievePropertiesEx(ctx, &types.RetrievePropertiesEx{This: c.Self, SpecSet: []types.PropertyFilterSpec{{
		PropSet:   []types.PropertySpec{{Type: request.This.Type, PathSet: []string{request.Prop}}},
		ObjectSet: []types.ObjectSpec{{Obj: request.This}}}}})
	if result.Fault() != nil {
		return result
	}
	objects := result.(*methods.RetrievePropertiesExBody).Res.Returnval.Objects
	body := &fetchBody{Res: &FetchResponse{}}
	if len(objects) == 0 {
		return body
	}
	if found := objects[0].PropSet; len(found) > 0 {
		body.Res.Returnval = found[0].Val
	} else if missing := objects[0].MissingSet; len(missing) > 0 {
		return failed(missing[0].Fault.Fault)
	}
	return body
}

// CreateFilter wakes a waiting client. The simulator would report the filter's objects only when one of them changes.
func (c *PropertyCollector) CreateFilter(ctx *simulator.Context, request *types.CreateFilter) soap.HasFault {
	body := c.PropertyCollector.CreateFilter(ctx, request)
	if created, ok := body.(*methods.CreateFilterBody); ok && created.Res != nil {
		c.mu.Lock()
		if c.filters == nil {
			c.filters = map[ref]types.PropertyFilterSpec{}
		}
		c.filters[created.Res.Returnval] = request.Spec
		c.mu.Unlock()
	}
	c.UpdateObject(ctx, c.Self, nil)
	return body
}

// CreatePropertyCollector creates a collector of this type.
func (c *PropertyCollector) CreatePropertyCollector(ctx *simulator.Context, _ *types.CreatePropertyCollector) soap.HasFault {
	collector := &PropertyCollector{}
	collector.Self.Type = c.Self.Type
	return &methods.CreatePropertyCollectorBody{Res: &types.CreatePropertyCollectorResponse{
		Returnval: ctx.Session.Put(collector).Reference()}}
}
