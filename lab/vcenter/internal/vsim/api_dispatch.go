// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The handling of every SOAP call: it is recorded, authenticated, checked for injected faults and dangling references, and
// answered by a method of the lab or of the simulator. A panic becomes a fault, and its locks are released.

package vsim

import (
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// handler is a method that the lab implements. The client receives the fault that it returns.
type handler func(ctx *simulator.Context, body any) (soap.HasFault, types.BaseMethodFault)

// method converts a function with a specific request type to a handler.
func method[R any](f func(*simulator.Context, *R) (soap.HasFault, types.BaseMethodFault)) handler {
	return func(ctx *simulator.Context, body any) (soap.HasFault, types.BaseMethodFault) {
		return f(ctx, body.(*R))
	}
}

// refused is the handler for methods that the lab does not implement: the simulator's would report success without effect.
func refused(*simulator.Context, any) (soap.HasFault, types.BaseMethodFault) {
	return nil, notSupported("The lab does not support this method.")
}

// answerer returns the answer that intercept has prepared: the simulator always calls a method of an object.
type answerer struct {
	mo.LocalizationManager
}

var answererRef = ref{Type: "GantryAnswerer", Value: "answerer"}

type answer struct {
	body soap.HasFault
}

// Lock and Unlock do nothing: answers need no lock.
func (*answerer) Lock()   {}
func (*answerer) Unlock() {}

// List is a method name that the simulator accepts without a session. Authorization is checked in intercept.
func (*answerer) List(a *answer) soap.HasFault { return a.body }

func (s *Server) intercept(ctx *simulator.Context, call *simulator.Method) (mo.Reference, types.BaseMethodFault) {
	body := s.answer(ctx, call)
	call.Name, call.This, call.Body = "List", answererRef, &answer{body}
	return s.registry.Get(answererRef), nil
}

func (s *Server) answer(ctx *simulator.Context, call *simulator.Method) (body soap.HasFault) {
	request := s.requests.take(ctx)
	s.record(ctx, request, call)
	defer func() {
		if p := recover(); p != nil {
			slog.Error("panic in a call", "method", call.Name, "panic", p, "stack", string(debug.Stack()))
			s.afterPanic(ctx)
			body = failed(systemError(fmt.Sprintf("%s: %v", call.Name, p)))
		}
	}()
	if fault := s.authorize(ctx, call); fault != nil {
		return failed(fault)
	}
	if injected, fault := s.faults.apply(call, s.nameOf(call.This)); fault != nil {
		if injected.inTask {
			return s.failingTask(ctx, call, fault)
		}
		return failed(fault)
	}
	target := s.lookup(ctx, call.This)
	if target == nil {
		return failed(&types.ManagedObjectNotFound{Obj: call.This})
	}
	// References in a cross-vCenter spec are resolved in the other vCenter.
	if mutates(call.Name) && crossVCenterSpec(call.Body) == nil {
		if missing := s.dangling(ctx, reflect.ValueOf(call.Body)); missing != nil {
			return failed(&types.ManagedObjectNotFound{Obj: *missing})
		}
	}
	if fault := s.permit(ctx, call); fault != nil {
		return failed(fault)
	}
	if fault := s.agentFault(call.This, call.Name); fault != nil {
		return failed(fault)
	}
	if fault := s.hostFault(call.This, call.Name); fault != nil {
		return failed(fault)
	}
	if mutates(call.Name) && !slices.Contains(volumePolicyMethods, call.Name) && namesPolicy(reflect.ValueOf(call.Body)) {
		return failed(notSupported("The lab does not apply storage policies."))
	}
	if readsPools(call) {
		s.showPools()
	}
	own := s.methods[call.This.Type+"."+call.Name]
	if own == nil {
		defer s.watch(request, call, target)()
		if mutates(call.Name) || call.Name == "Login" {
			defer s.showLatestEvent(ctx)
		}
		return s.restrict(ctx, call, s.hideParents(explain(invoke(ctx, target, call))))
	}
	body, fault := own(ctx, call.Body)
	if fault != nil {
		return failed(fault)
	}
	return s.restrict(ctx, call, explain(body)) // some methods of the lab call the simulator's
}

func (s *Server) lookup(ctx *simulator.Context, reference ref) mo.Reference {
	if ctx.Session != nil {
		return ctx.Session.Get(reference)
	}
	return s.registry.Get(reference)
}

// invoke calls a method of one of the simulator's objects, with the object locked as the simulator would.
func invoke(ctx *simulator.Context, target mo.Reference, call *simulator.Method) soap.HasFault {
	// Foo_Task is FooTask in Go.
	name := call.Name
	if short, isTask := strings.CutSuffix(name, "_Task"); isTask {
		name = short + "Task"
	}
	name = strings.ToUpper(name[:1]) + name[1:]
	function := reflect.ValueOf(target).MethodByName(name)
	if !function.IsValid() {
		return failed(&types.MethodNotFound{Receiver: call.This, Method: call.Name})
	}
	arguments := []reflect.Value{reflect.ValueOf(call.Body)}
	if function.Type().NumIn() == 2 {
		arguments = append([]reflect.Value{reflect.ValueOf(ctx)}, arguments...)
	}
	unlock := ctx.Map.AcquireLock(ctx, target)
	defer unlock()
	return function.Call(arguments)[0].Interface().(soap.HasFault)
}

// dangling returns a reference to an object that does not exist, over which the simulator would panic.
func (s *Server) dangling(ctx *simulator.Context, value reflect.Value) *ref {
	switch value.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !value.IsNil() {
			return s.dangling(ctx, value.Elem())
		}
	case reflect.Slice:
		for i := range value.Len() {
			if missing := s.dangling(ctx, value.Index(i)); missing != nil {
				return missing
			}
		}
	case reflect.Struct:
		if reference, isReference := value.Interface().(ref); isReference {
			if reference.Value != "" && s.lookup(ctx, reference) == nil {
				return &reference
			}
			return nil
		}
		for i := range value.NumField() {
			if value.Type().Field(i).IsExported() {
				if missing := s.dangling(ctx, value.Field(i)); missing != nil {
					return missing
				}
			}
		}
	}
	return nil
}

// contain answers a request whose handling panics outside of a call, in decoding or encoding.
func contain(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler { // the server closes the connection
				panic(p)
			}
			slog.Error("panic in a request", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
			http.Error(w, fmt.Sprint(p), http.StatusInternalServerError)
		}()
		next.ServeHTTP(w, r)
	})
}
