// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Waiting for updates. The simulator reads all objects of all filters again for each change and each filter, so that its work
// grows with the cube of the VMs that a client starts and watches. Here it grows with the changes.

package vsim

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

const (
	// collectedFor is how long changes are collected before they are sent.
	collectedFor = 20 * time.Millisecond
	// maxObjectUpdates is the number of objects in one answer, as vCenter's.
	maxObjectUpdates = 100
)

// WaitForUpdatesEx registers a listener at the first call, which has no version, and returns the objects of all filters. Later
// calls wait for changes.
func (c *PropertyCollector) WaitForUpdatesEx(ctx *simulator.Context, request *types.WaitForUpdatesEx) soap.HasFault {
	wait, cancel, atOnce := waitOptions(request.Options)
	defer cancel()
	if !c.begin(ctx, request.Version == "", cancel) {
		return failed(&types.InvalidCollectorVersion{})
	}
	defer c.end()
	ticks := time.NewTicker(collectedFor)
	defer ticks.Stop()
	for first := request.Version == ""; ; first = false {
		updates, fault := c.next(ctx)
		if fault != nil {
			return &methods.WaitForUpdatesExBody{Fault_: fault.Fault()}
		}
		if len(updates) > 0 || first {
			return c.answer(updates, limitOf(request.Options))
		}
		if atOnce {
			return nothing()
		}
		select {
		case <-wait.Done():
			if errors.Is(wait.Err(), context.Canceled) {
				return failed(&types.RequestCanceled{})
			}
			return nothing()
		case <-ticks.C:
		}
	}
}

// nothing is the answer of a wait in which nothing has changed.
func nothing() soap.HasFault {
	return &methods.WaitForUpdatesExBody{Res: &types.WaitForUpdatesExResponse{}}
}

// waitOptions returns how long a request waits. With 0 seconds it does not.
func waitOptions(options *types.WaitOptions) (wait context.Context, cancel context.CancelFunc, atOnce bool) {
	if options == nil || options.MaxWaitSeconds == nil || *options.MaxWaitSeconds <= 0 {
		wait, cancel = context.WithCancel(context.Background())
		return wait, cancel, options != nil && options.MaxWaitSeconds != nil && *options.MaxWaitSeconds == 0
	}
	wait, cancel = context.WithTimeout(context.Background(), time.Duration(*options.MaxWaitSeconds)*time.Second)
	return wait, cancel, false
}

func limitOf(options *types.WaitOptions) int {
	if options != nil && options.MaxObjectUpdates > 0 {
		return min(int(options.MaxObjectUpdates), maxObjectUpdates)
	}
	return maxObjectUpdates
}

// begin prepares a wait. It returns false for a version that the collector does not know.
func (c *PropertyCollector) begin(ctx *simulator.Context, first bool, cancel context.CancelFunc) bool {
	c.mu.Lock()
	var added *listener
	if c.listener == nil && first {
		added = newListener(c, ctx.Map)
		c.listener = added
	}
	known := c.listener != nil
	if known {
		c.waiting++
		c.cancel = cancel
	}
	if first {
		// The client knows nothing: it gets all objects.
		c.pages, c.changes = nil, changes{}
		for n, one := range c.filters {
			c.filters[n] = newWatchFilter(one.self, one.spec)
		}
	}
	c.mu.Unlock()
	if added != nil {
		ctx.Map.AddHandler(added)
	}
	return known
}

func (c *PropertyCollector) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting--
	c.waited = time.Now()
}

// next returns the rest of the last answer, or what has changed since.
func (c *PropertyCollector) next(ctx *simulator.Context) ([]types.PropertyFilterUpdate, soap.HasFault) {
	c.forgetFilters(ctx)
	c.mu.Lock()
	pages, changed, filters := c.pages, c.changes.ordered, slices.Clone(c.filters)
	c.pages = nil
	if len(pages) == 0 {
		c.changes = changes{}
	}
	c.mu.Unlock()
	if len(pages) > 0 {
		return pages, nil
	}
	var updates []types.PropertyFilterUpdate
	for _, filter := range filters {
		if filter.entered && len(changed) == 0 {
			continue
		}
		found, fault := filter.updates(ctx, c, changed)
		if fault != nil {
			return nil, fault
		}
		if len(found) > 0 {
			updates = append(updates, types.PropertyFilterUpdate{Filter: filter.self, ObjectSet: found})
		}
	}
	return updates, nil
}

// answer returns as many updates as one answer may have, and keeps the others for the next one.
func (c *PropertyCollector) answer(updates []types.PropertyFilterUpdate, limit int) soap.HasFault {
	var sent, kept []types.PropertyFilterUpdate
	for _, update := range updates {
		now := min(len(update.ObjectSet), limit)
		limit -= now
		if now > 0 {
			sent = append(sent, types.PropertyFilterUpdate{Filter: update.Filter, ObjectSet: update.ObjectSet[:now]})
		}
		if now < len(update.ObjectSet) {
			kept = append(kept, types.PropertyFilterUpdate{Filter: update.Filter, ObjectSet: update.ObjectSet[now:]})
		}
	}
	c.mu.Lock()
	c.pages = kept
	c.version++
	version := strconv.Itoa(c.version)
	c.mu.Unlock()
	set := &types.UpdateSet{Version: version, FilterSet: sent}
	if len(kept) > 0 {
		set.Truncated = types.NewBool(true)
	}
	showTaskUpdates(set)
	return &methods.WaitForUpdatesExBody{Res: &types.WaitForUpdatesExResponse{Returnval: set}}
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

// CancelWaitForUpdates ends the wait that is running.
func (c *PropertyCollector) CancelWaitForUpdates(*types.CancelWaitForUpdates) soap.HasFault {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil && c.waiting > 0 {
		c.cancel()
	}
	return &methods.CancelWaitForUpdatesBody{Res: &types.CancelWaitForUpdatesResponse{}}
}

// CreateFilter also keeps the filter for the waits: a client that waits gets its objects at once.
func (c *PropertyCollector) CreateFilter(ctx *simulator.Context, request *types.CreateFilter) soap.HasFault {
	body := c.PropertyCollector.CreateFilter(ctx, request)
	if created, ok := body.(*methods.CreateFilterBody); ok && created.Res != nil {
		c.mu.Lock()
		c.filters = append(c.filters, newWatchFilter(created.Res.Returnval, request.Spec))
		c.mu.Unlock()
	}
	return body
}

// forgetFilters drops the filters that have been destroyed.
func (c *PropertyCollector) forgetFilters(ctx *simulator.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.filters = slices.DeleteFunc(c.filters, func(one *watchFilter) bool { return ctx.Session.Get(one.self) == nil })
}

// DestroyPropertyCollector also ends the wait and removes the listener.
func (c *PropertyCollector) DestroyPropertyCollector(ctx *simulator.Context, request *types.DestroyPropertyCollector) soap.HasFault {
	c.CancelWaitForUpdates(nil)
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
