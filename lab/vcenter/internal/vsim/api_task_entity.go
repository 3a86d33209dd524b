// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The entity and the fault of a task as clients see them. The simulator sets the object whose method was called, which may be a manager. The
// API has only managed entities there, and pyVmomi cannot decode anything else. The entity is removed from answers and not
// from the task, because the simulator needs it.

package vsim

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

var isManagedEntity = map[string]bool{"VirtualMachine": true, "HostSystem": true, "Folder": true, "Datacenter": true,
	"Datastore": true, "ClusterComputeResource": true, "ComputeResource": true, "ResourcePool": true, "VirtualApp": true,
	"StoragePod": true, "DistributedVirtualSwitch": true, "VmwareDistributedVirtualSwitch": true,
	"DistributedVirtualPortgroup": true, "Network": true, "OpaqueNetwork": true}

// shownTask returns the task as clients see it: without an entity that is not a managed entity, and with the text of its fault.
func shownTask(info types.TaskInfo) types.TaskInfo {
	if info.Entity != nil && !isManagedEntity[info.Entity.Type] {
		info.Entity, info.EntityName = nil, ""
	}
	if info.Error != nil {
		shown := explained(*info.Error)
		info.Error = &shown
	}
	return info
}

func shownTasks(infos []types.TaskInfo) []types.TaskInfo {
	shown := make([]types.TaskInfo, 0, len(infos))
	for _, info := range infos {
		shown = append(shown, shownTask(info))
	}
	return shown
}

// shownValue returns a property's value of a task, or of a collector of tasks, as clients see it; nil if it is unset.
func shownValue(object ref, value types.AnyType) types.AnyType {
	switch v := value.(type) {
	case types.TaskInfo:
		return shownTask(v)
	case *types.TaskInfo:
		return shownTask(*v)
	case types.LocalizedMethodFault:
		return explained(v)
	case types.ArrayOfTaskInfo:
		return types.ArrayOfTaskInfo{TaskInfo: shownTasks(v.TaskInfo)}
	case *types.ArrayOfTaskInfo:
		return types.ArrayOfTaskInfo{TaskInfo: shownTasks(v.TaskInfo)}
	case ref:
		if object.Type == "Task" && !isManagedEntity[v.Type] && v.Type != "Task" { // info.entity, beside info.task
			return nil
		}
	}
	return value
}

func showsTasks(object ref) bool {
	return object.Type == "Task" || object.Type == "TaskHistoryCollector"
}

// showTasks applies shownValue to the objects of an answer.
func showTasks(objects []types.ObjectContent) {
	for n := range objects {
		if !showsTasks(objects[n].Obj) {
			continue
		}
		var shown []types.DynamicProperty
		for _, property := range objects[n].PropSet {
			if property.Val = shownValue(objects[n].Obj, property.Val); property.Val != nil {
				shown = append(shown, property)
			}
		}
		objects[n].PropSet = shown
	}
}

// showTaskUpdates applies shownValue to updates. The lists of changes are copied: all waiting clients share them.
func showTaskUpdates(updates *types.UpdateSet) {
	if updates == nil {
		return
	}
	for _, filter := range updates.FilterSet {
		for n := range filter.ObjectSet {
			update := &filter.ObjectSet[n]
			if !showsTasks(update.Obj) {
				continue
			}
			shown := append([]types.PropertyChange{}, update.ChangeSet...)
			for i := range shown {
				shown[i].Val = shownValue(update.Obj, shown[i].Val)
			}
			update.ChangeSet = shown
		}
	}
}

// RetrievePropertiesEx reads with corrected traversals, and corrects tasks in the answer. What cannot be read here, the simulator reads.
func (c *PropertyCollector) RetrievePropertiesEx(ctx *simulator.Context, request *types.RetrievePropertiesEx) soap.HasFault {
	narrowed := *request
	narrowed.SpecSet = followTraversals(ctx, request.SpecSet)
	body := c.retrieve(ctx, &narrowed)
	if body == nil {
		body = c.PropertyCollector.RetrievePropertiesEx(ctx, &narrowed)
	}
	if answer, ok := body.(*methods.RetrievePropertiesExBody); ok && answer.Res != nil && answer.Res.Returnval != nil {
		showTasks(answer.Res.Returnval.Objects)
	}
	return body
}

// ContinueRetrievePropertiesEx returns the next page.
func (c *PropertyCollector) ContinueRetrievePropertiesEx(ctx *simulator.Context, request *types.ContinueRetrievePropertiesEx) soap.HasFault {
	body := c.turn(request.Token)
	if body == nil {
		body = c.PropertyCollector.ContinueRetrievePropertiesEx(ctx, request)
	}
	if answer, ok := body.(*methods.ContinueRetrievePropertiesExBody); ok && answer.Res != nil {
		showTasks(answer.Res.Returnval.Objects)
	}
	return body
}

// RetrieveProperties is the older form, without pages.
func (c *PropertyCollector) RetrieveProperties(ctx *simulator.Context, request *types.RetrieveProperties) soap.HasFault {
	read := c.RetrievePropertiesEx(ctx, &types.RetrievePropertiesEx{This: request.This, SpecSet: request.SpecSet})
	if read.Fault() != nil {
		return &methods.RetrievePropertiesBody{Fault_: read.Fault()}
	}
	answer := &types.RetrievePropertiesResponse{}
	if page := read.(*methods.RetrievePropertiesExBody).Res.Returnval; page != nil {
		answer.Returnval = page.Objects
	}
	return &methods.RetrievePropertiesBody{Res: answer}
}

// taskHistory calls a method of a task history collector with the collector locked.
func (s *Server) taskHistory(ctx *simulator.Context, this ref, read func(*simulator.TaskHistoryCollector) soap.HasFault) (soap.HasFault, types.BaseMethodFault) {
	collector, ok := s.lookup(ctx, this).(*simulator.TaskHistoryCollector)
	if !ok {
		return nil, &types.ManagedObjectNotFound{Obj: this}
	}
	unlock := s.registry.AcquireLock(ctx, collector)
	defer unlock()
	return read(collector), nil
}

func (s *Server) readNextTasks(ctx *simulator.Context, request *types.ReadNextTasks) (soap.HasFault, types.BaseMethodFault) {
	return s.taskHistory(ctx, request.This, func(collector *simulator.TaskHistoryCollector) soap.HasFault {
		body := collector.ReadNextTasks(ctx, request).(*methods.ReadNextTasksBody)
		if body.Res != nil {
			body.Res.Returnval = shownTasks(body.Res.Returnval)
		}
		return body
	})
}

func (s *Server) readPreviousTasks(ctx *simulator.Context, request *types.ReadPreviousTasks) (soap.HasFault, types.BaseMethodFault) {
	return s.taskHistory(ctx, request.This, func(collector *simulator.TaskHistoryCollector) soap.HasFault {
		body := collector.ReadPreviousTasks(ctx, request).(*methods.ReadPreviousTasksBody)
		if body.Res != nil {
			body.Res.Returnval = shownTasks(body.Res.Returnval)
		}
		return body
	})
}
