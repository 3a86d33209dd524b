// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The property collector: the simulator's, with a Fetch that pyVmomi can decode, and with updates of our own
// (api_collector_wait.go).

package vsim

import (
	"context"
	"reflect"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
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
	filters  []*watchFilter
	changes  changes
	pages    []types.PropertyFilterUpdate // of the last answer, which had too many objects
	version  int
	cancel   context.CancelFunc // of the wait that is running
	waiting  int
	waited   time.Time
	rests    map[string]remainder // of answers to RetrievePropertiesEx, by their tokens
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

// CreatePropertyCollector creates a collector of this type.
func (c *PropertyCollector) CreatePropertyCollector(ctx *simulator.Context, _ *types.CreatePropertyCollector) soap.HasFault {
	collector := &PropertyCollector{}
	collector.Self.Type = c.Self.Type
	return &methods.CreatePropertyCollectorBody{Res: &types.CreatePropertyCollectorResponse{
		Returnval: ctx.Session.Put(collector).Reference()}}
}
