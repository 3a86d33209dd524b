// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The property collector: the simulator's, with a Fetch that pyVmomi can read, and filters that report at once.

package vsim

import (
	"reflect"

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

// PropertyCollector replaces the simulator's. Each session gets its own by reflection.
type PropertyCollector struct {
	simulator.PropertyCollector
}

func (s *Server) installCollector() {
	types.Add("Fetch", reflect.TypeFor[Fetch]())
	// pyVmomi calls the type of a removeKey so; unknown, it would be decoded to nothing.
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

// CreateFilter wakes a waiting client: the simulator would report the filter's objects only when one of them changes.
func (c *PropertyCollector) CreateFilter(ctx *simulator.Context, request *types.CreateFilter) soap.HasFault {
	body := c.PropertyCollector.CreateFilter(ctx, request)
	c.UpdateObject(ctx, c.Self, nil)
	return body
}

// CreatePropertyCollector makes one like this.
func (c *PropertyCollector) CreatePropertyCollector(ctx *simulator.Context, _ *types.CreatePropertyCollector) soap.HasFault {
	collector := &PropertyCollector{}
	collector.Self.Type = c.Self.Type
	return &methods.CreatePropertyCollectorBody{Res: &types.CreatePropertyCollectorResponse{
		Returnval: ctx.Session.Put(collector).Reference()}}
}
