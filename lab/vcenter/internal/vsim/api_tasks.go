// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Tasks of the lab's methods. Unlike the simulator's, they do not lock their object while they run: a VM can be read while
// it boots.

package vsim

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"
)

// work is the function of a task; by identifies who requested it.
type work func(by cause) (types.AnyType, types.BaseMethodFault)

// start registers a task for a method (PowerOnVM_Task) of an entity and runs it.
func (s *Server) start(ctx *simulator.Context, entity ref, method string, do work) ref {
	return s.startWithin(s.units.enter(oneOperation()), ctx, entity, method, do)
}

// startWithin registers a task that runs when the operation has its units, and returns them at its end. Until then it is queued.
func (s *Server) startWithin(limits *operation, ctx *simulator.Context, entity ref, method string, do work) ref {
	task := &simulator.Task{}
	task.Self = ref{Type: "Task", Value: fmt.Sprintf("task-v%d", s.tasks.Add(1))}
	by := causeOf(ctx)
	var reason types.BaseTaskReason = &types.TaskReasonSystem{}
	if by.user != "" {
		reason = &types.TaskReasonUser{UserName: by.user}
	}
	now := s.clock.Now()
	task.Info = types.TaskInfo{
		Key: task.Self.Value, Task: task.Self, Name: method, Entity: &entity, EntityName: s.nameOf(entity),
		DescriptionId: taskDescription(entity, method),
		State:         types.TaskInfoStateRunning, QueueTime: now, StartTime: &now,
		Reason: reason,
	}
	if limits.waits() {
		task.Info.State, task.Info.StartTime = types.TaskInfoStateQueued, nil
	}
	if isManagedEntity[entity.Type] {
		by.chain = s.post(by, &types.TaskEvent{Event: s.taskEvent(&task.Info), Info: task.Info})
		task.Info.EventChainId = by.chain
	}
	// Handlers of the new task change its entity.
	s.lockedIfThere(entity, func() { s.registry.Put(task) })
	entityName := task.Info.EntityName
	go func() {
		if limits.waits() && !s.dequeue(limits, task) {
			return
		}
		s.faults.hold(method, entity, entityName)
		result, fault := contained(method, by, do)
		// The next task may be the one that a client starts when it hears of this end.
		s.units.leave(limits)
		s.finish(task, result, fault)
	}()
	return task.Self
}

// dequeue waits until a queued task has its units, and shows that it runs. It returns false if vCenter ends before.
func (s *Server) dequeue(limits *operation, task *simulator.Task) bool {
	select {
	case <-limits.granted:
		s.update(task, set("info.startTime", s.clock.Now()), set("info.state", types.TaskInfoStateRunning))
		return true
	case <-s.closing:
		return false
	}
}

func contained(method string, by cause, do work) (result types.AnyType, fault types.BaseMethodFault) {
	defer func() {
		if p := recover(); p != nil {
			slog.Error("panic in a task", "task", method, "panic", p, "stack", string(debug.Stack()))
			result, fault = nil, systemError(fmt.Sprintf("%s: %v", method, p))
		}
	}()
	return do(by)
}

func (s *Server) finish(task *simulator.Task, result types.AnyType, fault types.BaseMethodFault) {
	changes := []types.PropertyChange{set("info.completeTime", s.clock.Now())}
	if fault != nil {
		changes = append(changes, set("info.error", *localized(fault)), set("info.state", types.TaskInfoStateError))
	} else {
		changes = append(changes, set("info.result", result), set("info.progress", int32(100)),
			set("info.state", types.TaskInfoStateSuccess))
	}
	s.update(task, changes...)
}

func (s *Server) lockedIfThere(reference ref, f func()) {
	if object := s.registry.Get(reference); object != nil {
		s.locked(object, func(*simulator.Context) { f() })
		return
	}
	f()
}

// failingTask answers a call with a task that fails.
func (s *Server) failingTask(ctx *simulator.Context, call *simulator.Method, fault types.BaseMethodFault) soap.HasFault {
	if !strings.HasSuffix(call.Name, "_Task") {
		return failed(fault)
	}
	task := s.start(ctx, call.This, call.Name, func(by cause) (types.AnyType, types.BaseMethodFault) { return nil, fault })
	return taskAnswer(call.Name, task)
}

// taskWithin is task for an operation that costs more than its place among all tasks.
func (s *Server) taskWithin(limits *operation, ctx *simulator.Context, entity ref, method string, do work) (soap.HasFault, types.BaseMethodFault) {
	return taskAnswer(method, s.startWithin(limits, ctx, entity, method, do)), nil
}

// task starts a task and returns the answer of its call.
func (s *Server) task(ctx *simulator.Context, entity ref, method string, do work) (soap.HasFault, types.BaseMethodFault) {
	return taskAnswer(method, s.start(ctx, entity, method, do)), nil
}

func taskAnswer(method string, task ref) soap.HasFault {
	return &taskBody{&taskResponse{method, task}}
}

// taskBody is the answer of any method that returns a task. Only the name of the response differs.
type taskBody struct {
	Res *taskResponse
}

func (*taskBody) Fault() *soap.Fault { return nil }

type taskResponse struct {
	method string
	task   ref
}

// MarshalXML encodes the response with the element name of the method's response type.
func (r *taskResponse) MarshalXML(encoder *xml.Encoder, start xml.StartElement) error {
	start.Name.Local = r.method + "Response"
	content := struct {
		Returnval ref `xml:"returnval"`
	}{r.task}
	return encoder.EncodeElement(content, start)
}

// nameOf returns the name of an entity, or its MoID if it has none.
func (s *Server) nameOf(reference ref) string {
	if entity, ok := s.registry.Get(reference).(mo.Entity); ok {
		return entity.Entity().Name
	}
	return reference.Value
}

// operations serializes changes of a VM. Several clones may read their source at the same time.
type operations struct {
	mu   sync.Mutex
	byVM map[ref]*sync.RWMutex
}

func (o *operations) of(vm ref) *sync.RWMutex {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.byVM == nil {
		o.byVM = map[ref]*sync.RWMutex{}
	}
	if o.byVM[vm] == nil {
		o.byVM[vm] = &sync.RWMutex{}
	}
	return o.byVM[vm]
}

// exclusive returns work that holds the VM's operation lock, and fails if the VM is being exported or has been removed
// meanwhile.
func (s *Server) exclusive(vm *simulator.VirtualMachine, do work) work {
	return func(by cause) (types.AnyType, types.BaseMethodFault) {
		lock := s.operations.of(vm.Self)
		lock.Lock()
		defer lock.Unlock()
		if s.vm(vm.Self) != vm {
			return nil, &types.ManagedObjectNotFound{Obj: vm.Self}
		}
		if export := s.leases.exportOf(vm.Self); export != nil {
			return nil, taskInProgress(*export)
		}
		return do(by)
	}
}
