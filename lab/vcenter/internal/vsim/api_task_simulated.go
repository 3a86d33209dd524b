// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Tasks of the simulator's own methods: a panic becomes the task's fault, and a task that cannot begin fails.

package vsim

import (
	"fmt"
	"log/slog"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// simulated holds the simulator's tasks that have not ended.
type simulated struct {
	mu   sync.Mutex
	open map[ref]*simulatedTask
}

type simulatedTask struct {
	*simulator.Task
	call  *simulator.Context
	begun bool // it runs; written under the mutex
}

func (s *simulated) add(task *simulator.Task) *simulatedTask {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[ref]*simulatedTask{}
	}
	added := &simulatedTask{Task: task, call: callOf(task)}
	s.open[task.Self] = added
	return added
}

func (s *simulated) begin(task *simulatedTask) {
	s.mu.Lock()
	defer s.mu.Unlock()
	task.begun = true
}

func (s *simulated) has(task ref) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[task] != nil
}

func (s *simulated) end(task ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, task)
}

// of returns the tasks that a call has started.
func (s *simulated) of(call *simulator.Context) (open []*simulatedTask) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, task := range s.open {
		if task.call == call {
			open = append(open, task)
		}
	}
	return open
}

// works returns true for a task that has begun and not ended.
func (s *simulated) works(task *simulatedTask) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return task.begun && s.open[task.Self] != nil
}

// contain turns a panic in a task into the task's fault. It would otherwise end the process.
func (s *simulated) contain(registry *simulator.Registry, task *simulator.Task) {
	run, open := task.Execute, s.add(task)
	task.Execute = func(t *simulator.Task) (result types.AnyType, fault types.BaseMethodFault) {
		s.begin(open)
		before := heldLocks(registry, open.call)
		defer func() {
			if p := recover(); p != nil {
				slog.Error("panic in a task", "task", t.Info.Name, "panic", p, "stack", string(debug.Stack()))
				releaseLocks(registry, open.call, before)
				result, fault = nil, systemError(fmt.Sprintf("%s: %v", t.Info.Name, p))
			}
		}()
		return run(t)
	}
}

// nameSimulated sets the task's method name, vCenter's description id and the user who requested it.
func nameSimulated(task *simulator.Task) {
	info := &task.Info
	info.Name = strings.TrimSuffix(info.Name, "_Task") + "_Task"
	info.DescriptionId = taskDescription(*info.Entity, info.Name)
	if call := callOf(task); call.Session != nil && call.Session.UserName != "" {
		info.Reason = &types.TaskReasonUser{UserName: call.Session.UserName}
	}
}

// stampSimulated sets the times that have just been changed. The caller holds the task's lock. A client that waits for changes of
// the single properties is still told the machine's time.
func (s *Server) stampSimulated(task *mo.Task, changes []types.PropertyChange) {
	for _, change := range changes {
		machine, isTime := change.Val.(time.Time)
		switch shown := s.clock.At(machine); {
		case !isTime:
		case change.Name == "info.startTime":
			task.Info.StartTime = &shown
		case change.Name == "info.completeTime":
			task.Info.CompleteTime = &shown
		}
	}
}

// callOf returns the context of the call that has started the task. The task uses the call's locks.
func callOf(task *simulator.Task) *simulator.Context {
	field := reflect.ValueOf(task).Elem().FieldByName("ctx")
	return *(**simulator.Context)(field.Addr().UnsafePointer())
}

// beginDeadline is the time in which a started task must begin.
const beginDeadline = time.Second

// afterPanic releases the locks of a call that has panicked, and fails the tasks that it has started but that have not
// begun. It first waits for tasks that have begun, since they share the call's locks.
func (s *Server) afterPanic(call *simulator.Context) {
	open := s.simulated.of(call)
	if len(open) == 0 {
		releaseLocks(s.registry, call, nil)
		return
	}
	go func() {
		time.Sleep(beginDeadline)
		for _, task := range open {
			for s.simulated.works(task) {
				time.Sleep(10 * time.Millisecond)
			}
		}
		releaseLocks(s.registry, call, nil)
		for _, task := range s.simulated.of(call) {
			s.finish(task.Task, nil, systemError(task.Info.Name+" did not begin: the call that started it failed"))
		}
	}()
}
