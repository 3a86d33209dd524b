// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"errors"
	"testing"
	"time"

	"github.com/vmware/govmomi/event"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// stillServes checks that no lock is left behind. If it hangs, the stack shows which lock is held.
func (l *lab) stillServes() {
	l.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := methods.GetCurrentTime(l.Context(), l.connect().Client)
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			l.Fatal(err)
		}
	case <-time.After(5 * time.Second):
		l.Fatal("no client can log in any more")
	}
}

func TestAnEventWithoutAnObjectIsPosted(t *testing.T) {
	l := newLab(t)
	posted := &types.EventEx{EventTypeId: "org.example.x", Severity: "info", Message: "m"}
	if err := event.NewManager(l.client.Client).PostEvent(t.Context(), posted); err != nil {
		t.Fatal(err)
	}
	l.stillServes()
	for _, wrong := range []types.EventEx{{ObjectType: "VirtualMachine", ObjectId: "vm-999"}, {ObjectType: "EventManager", ObjectId: "EventManager"}} {
		wrong.EventTypeId = "org.example.x"
		fault := isFault[types.InvalidArgument](l, l.faultOf(event.NewManager(l.client.Client).PostEvent(t.Context(), &wrong)))
		if fault.InvalidProperty != "eventToPost.objectId" {
			t.Errorf("refused for %q", fault.InvalidProperty)
		}
	}
	vm := l.create(l.spec("web"))
	prefixed := &types.EventEx{EventTypeId: "org.example.x", ObjectType: "vim.VirtualMachine", ObjectId: vm.Reference().Value}
	if err := event.NewManager(l.client.Client).PostEvent(t.Context(), prefixed); err != nil {
		t.Fatal(err)
	}
	l.stillServes()
}

// lockingObject panics while it holds locks taken by the simulator's functions.
type lockingObject struct {
	mo.LocalizationManager
	other mo.Reference
	ctx   *simulator.Context
}

func (o *lockingObject) CurrentTime(ctx *simulator.Context, _ *types.CurrentTime) soap.HasFault {
	ctx.WithLock(o.other, func() { ctx.WithLock(ctx.Map.EventManager(), func() { panic("nested") }) })
	return nil
}

func TestALockIsReleasedAfterAContainedPanic(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web"))
	broken := &lockingObject{mo.LocalizationManager{Self: ref{Type: "LocalizationManager", Value: "broken"}}, l.server.vm(vm.Reference()), nil}
	l.server.registry.Put(broken)
	for range 2 {
		_, err := methods.CurrentTime(t.Context(), l.client.Client, &types.CurrentTime{This: broken.Self})
		isFault[types.SystemError](l, l.faultOf(err))
		l.stillServes()
	}
	l.result(vm.PowerOn(t.Context()))
}

// startingObject panics after starting a task, which continues with the call's locks.
type startingObject struct {
	mo.LocalizationManager
	entity  mo.Reference
	proceed chan struct{}
	task    chan ref
}

func (o *startingObject) CurrentTime(ctx *simulator.Context, _ *types.CurrentTime) soap.HasFault {
	ctx.WithLock(o.entity, func() {
		o.task <- simulator.CreateTask(o.entity, "slow", func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
			<-o.proceed
			ctx.WithLock(ctx.Map.EventManager(), func() { panic("in the task") })
			return nil, nil
		}).Run(ctx)
		panic("after the start of a task")
	})
	return nil
}

func TestATaskContinuesAfterAPanicOfItsCall(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web"))
	broken := &startingObject{mo.LocalizationManager{Self: ref{Type: "LocalizationManager", Value: "broken"}}, l.server.vm(vm.Reference()),
		make(chan struct{}), make(chan ref, 1)}
	l.server.registry.Put(broken)
	_, err := methods.CurrentTime(t.Context(), l.client.Client, &types.CurrentTime{This: broken.Self})
	isFault[types.SystemError](l, l.faultOf(err))
	close(broken.proceed)
	isFault[types.SystemError](l, l.refusal(objectTask(l, <-broken.task), nil))
	l.result(vm.PowerOn(t.Context()))
	l.stillServes()
}

func TestATaskThatDidNotBeginFails(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web"))
	panicking := &panickingHandler{ref{Type: "PanickingHandler", Value: "handler"}}
	broken := &spawningObject{mo.LocalizationManager{Self: ref{Type: "LocalizationManager", Value: "broken"}}, vm.Reference(), make(chan *simulator.Task, 1)}
	l.server.registry.Put(broken)
	l.server.registry.AddHandler(panicking)
	_, err := methods.CurrentTime(t.Context(), l.client.Client, &types.CurrentTime{This: broken.Self})
	l.server.registry.RemoveHandler(panicking)
	isFault[types.SystemError](l, l.faultOf(err))
	isFault[types.SystemError](l, l.refusal(objectTask(l, (<-broken.task).Self), nil))
	l.result(vm.PowerOn(t.Context()))
	l.stillServes()
}

// spawningObject only starts a task.
type spawningObject struct {
	mo.LocalizationManager
	entity ref
	task   chan *simulator.Task
}

func (o *spawningObject) CurrentTime(ctx *simulator.Context, _ *types.CurrentTime) soap.HasFault {
	task := simulator.CreateTask(o.entity, "never", func(*simulator.Task) (types.AnyType, types.BaseMethodFault) { return nil, nil })
	o.task <- task
	task.Run(ctx)
	return nil
}

// panickingHandler panics at each change of a task, while the task's lock is held.
type panickingHandler struct {
	self ref
}

func (h *panickingHandler) Reference() ref                             { return h.self }
func (h *panickingHandler) PutObject(*simulator.Context, mo.Reference) {}
func (h *panickingHandler) RemoveObject(*simulator.Context, ref)       {}
func (h *panickingHandler) UpdateObject(_ *simulator.Context, object mo.Reference, _ []types.PropertyChange) {
	if _, ok := object.(*mo.Task); ok {
		panic("in a handler")
	}
}

// The locks of background work of the lab are released too.
func TestAPanicUnderALockOfOurOwnReleasesNestedLocks(t *testing.T) {
	l := newLab(t)
	vm := l.server.vm(l.create(l.spec("web")).Reference())
	err := func() (err error) {
		defer func() { err = errors.New(recover().(string)) }()
		l.server.locked(vm, func(ctx *simulator.Context) { ctx.WithLock(ctx.Map.EventManager(), func() { panic("nested") }) })
		return nil
	}()
	if err.Error() != "nested" {
		t.Errorf("got %v", err)
	}
	l.stillServes()
}
