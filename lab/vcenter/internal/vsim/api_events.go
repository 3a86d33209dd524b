// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Events: the simulator's event manager stores them. Their user and event chain are set here.

package vsim

import (
	"slices"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// cause identifies who requested an operation and the chain of its events. The chainId of a task's events is the key of its
// TaskEvent.
type cause struct {
	user  string // empty: vCenter or the guest
	chain int32  // 0: the event starts its own chain
	drs   bool   // requested by DRS, or by applying a recommendation of DRS
}

// causeOf returns the cause of a call that has no task.
func causeOf(ctx *simulator.Context) cause {
	return cause{user: ctx.Session.UserName}
}

// post adds an event and returns its key. The caller must hold no lock that a reader of events needs.
func (s *Server) post(by cause, event types.BaseEvent) int32 {
	ctx := s.context()
	session := *ctx.Session
	session.UserName = by.user
	ctx.Session = &session
	manager := s.registry.EventManager()
	var key int32
	s.withLock(ctx, manager, func() {
		manager.PostEvent(ctx, &types.PostEvent{This: manager.Self, EventToPost: event})
		entry := event.GetEvent()
		entry.CreatedTime = s.clock.Now()
		if key = entry.Key; by.chain != 0 {
			entry.ChainId = by.chain // the simulator starts a new chain with each event
		}
		ctx.Update(manager, []types.PropertyChange{set("latestEvent", event)})
	})
	return key
}

// showLatestEvent updates latestEvent for events that the simulator posts: logins, and changes of distributed switches.
func (s *Server) showLatestEvent(ctx *simulator.Context) {
	manager := s.registry.EventManager()
	s.withLock(ctx, manager, func() {
		body, ok := manager.QueryEvents(ctx, &types.QueryEvents{This: manager.Self}).(*methods.QueryEventsBody)
		if !ok || body.Res == nil || len(body.Res.Returnval) == 0 {
			return // the limit of collectors is reached
		}
		newest := body.Res.Returnval[0]
		if shown := manager.LatestEvent; shown == nil || shown.GetEvent().Key != newest.GetEvent().Key {
			s.stampEvents(body.Res.Returnval, shown)
			ctx.Update(manager, []types.PropertyChange{set("latestEvent", newest)})
		}
	})
}

// stampEvents sets the time of events that the simulator has posted since the one that was shown last.
func (s *Server) stampEvents(newestFirst []types.BaseEvent, shown types.BaseEvent) {
	for _, event := range newestFirst {
		if shown != nil && event.GetEvent().Key <= shown.GetEvent().Key {
			return
		}
		event.GetEvent().CreatedTime = s.clock.At(event.GetEvent().CreatedTime)
	}
}

// maxQueried is the largest number of events that a query returns.
const maxQueried = 1000

// queryEvents adds the filter by user to the simulator's query, and returns more than a page of events.
func (s *Server) queryEvents(ctx *simulator.Context, request *types.QueryEvents) (soap.HasFault, types.BaseMethodFault) {
	if request.Filter.MaxCount == 0 {
		request.Filter.MaxCount = maxQueried
	}
	manager := s.registry.EventManager()
	unlock := s.registry.AcquireLock(ctx, manager)
	defer unlock()
	body := manager.QueryEvents(ctx, request)
	answer, ok := body.(*methods.QueryEventsBody)
	if users := request.Filter.UserName; ok && answer.Res != nil && users != nil {
		answer.Res.Returnval = slices.DeleteFunc(answer.Res.Returnval, func(event types.BaseEvent) bool {
			name := event.GetEvent().UserName
			return !(users.SystemUser && name == "" || slices.Contains(users.UserList, name))
		})
	}
	return body, nil
}

// postClientEvent checks arguments over which the simulator would panic. An EventEx without an object belongs to the root
// folder, where the vSphere Client shows it.
func (s *Server) postClientEvent(ctx *simulator.Context, request *types.PostEvent) (soap.HasFault, types.BaseMethodFault) {
	if request.EventToPost == nil {
		return nil, invalidArgument("eventToPost")
	}
	if event, ok := request.EventToPost.(*types.EventEx); ok {
		if fault := s.completeEvent(event); fault != nil {
			return nil, fault
		}
	}
	s.post(causeOf(ctx), request.EventToPost)
	return &methods.PostEventBody{Res: &types.PostEventResponse{}}, nil
}

func (s *Server) completeEvent(event *types.EventEx) types.BaseMethodFault {
	if event.EventTypeId == "" {
		return invalidArgument("eventToPost.eventTypeId")
	}
	if event.ObjectType == "" && event.ObjectId == "" {
		root := s.serviceContent().RootFolder
		event.ObjectType, event.ObjectId = root.Type, root.Value
	}
	event.ObjectType = strings.TrimPrefix(event.ObjectType, "vim.")
	entity, ok := s.registry.Get(ref{Type: event.ObjectType, Value: event.ObjectId}).(mo.Entity)
	if !ok {
		return invalidArgument("eventToPost.objectId")
	}
	if event.ObjectName == "" {
		event.ObjectName = entity.Entity().Name
	}
	return nil
}

// installEvents adds event descriptions that the simulator lacks, and replaces the one of VmBeingMigratedEvent, over which
// it would panic.
func (s *Server) installEvents() {
	manager := s.registry.EventManager()
	described := slices.DeleteFunc(slices.Clone(manager.Description.EventInfo), func(info types.EventDescriptionEventDetail) bool {
		return slices.ContainsFunc(eventFormats, func(format types.EventDescriptionEventDetail) bool { return format.Key == info.Key })
	})
	manager.Description.EventInfo = append(described, eventFormats...)
}

func eventFormat(key, category, description, format string) types.EventDescriptionEventDetail {
	return types.EventDescriptionEventDetail{Key: key, Category: category, Description: description,
		FormatOnDatacenter: format, FormatOnComputeResource: format, FormatOnHost: format, FormatOnVm: format, FullFormat: format}
}

var eventFormats = []types.EventDescriptionEventDetail{
	eventFormat("VmBeingMigratedEvent", "info", "VM migrating", "Relocating {{.Vm.Name}} from {{.Host.Name}} to {{.DestHost.Name}} in {{.Datacenter.Name}}"),
	eventFormat("VmBeingHotMigratedEvent", "info", "VM is hot migrating", "Migrating {{.Vm.Name}} from {{.Host.Name}} to {{.DestHost.Name}} in {{.Datacenter.Name}}"),
	eventFormat("VmBeingRelocatedEvent", "info", "VM relocating", "Relocating {{.Vm.Name}} in {{.Datacenter.Name}} from {{.Host.Name}}, {{.Ds.Name}} to {{.DestHost.Name}}, {{.DestDatastore.Name}}"),
	eventFormat("VmFailedMigrateEvent", "error", "Cannot migrate VM", "Cannot migrate {{.Vm.Name}} from {{.Host.Name}} to {{.DestHost.Name}} in {{.Datacenter.Name}}: {{.Reason.LocalizedMessage}}"),
	eventFormat("VmFailedToPowerOnEvent", "error", "Cannot power on the VM", "Cannot power on {{.Vm.Name}} on {{.Host.Name}} in {{.Datacenter.Name}}. {{.Reason.LocalizedMessage}}"),
	eventFormat("VmMessageErrorEvent", "error", "VM error message", "Error message on {{.Vm.Name}} on {{.Host.Name}} in {{.Datacenter.Name}}: {{.Message}}"),
	eventFormat("VmRenamedEvent", "info", "VM renamed", "Renamed {{.Vm.Name}} from {{.OldName}} to {{.NewName}} in {{.Datacenter.Name}}"),
}
