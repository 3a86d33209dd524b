// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Injection of faults and delays, requested by tests.

package vsim

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// FaultRule selects calls that fail or are delayed.
type FaultRule struct {
	Method       string  `json:"method"`        // * is any
	Type         string  `json:"type"`          // of the object whose method is called; * is any
	Name         string  `json:"name"`          // of the object whose method is called; * is any
	Fault        string  `json:"fault"`         // empty: the call is only delayed
	DelaySeconds float64 `json:"delay_seconds"` // before the call is processed
	Count        int     `json:"count"`         // number of calls that it applies to; 0: all
	Skip         int     `json:"skip"`          // number of matching calls to ignore first
	InTask       bool    `json:"in_task"`       // the call succeeds and its task fails or, without a fault, is delayed
}

// FaultRules are evaluated in order.
type FaultRules struct {
	closing chan struct{}

	mu      sync.Mutex
	rules   []*activeRule
	cleared chan struct{}
}

type activeRule struct {
	FaultRule
	fault   reflect.Type
	applied int
	skipped int
}

type injection struct {
	inTask bool
}

// Add refuses a fault that vSphere does not have.
func (f *FaultRules) Add(rule FaultRule) error {
	active := &activeRule{FaultRule: rule}
	if rule.Fault != "" {
		kind, known := types.TypeFunc()(rule.Fault)
		if !known {
			return fmt.Errorf("there is no fault %q in the vSphere API", rule.Fault)
		}
		// The Go bindings have a second type for each fault, with the suffix Fault, which clients cannot decode.
		_, isSecond := types.TypeFunc()(strings.TrimSuffix(rule.Fault, "Fault"))
		if isSecond && strings.HasSuffix(rule.Fault, "Fault") || !reflect.PointerTo(kind).Implements(reflect.TypeFor[types.BaseMethodFault]()) {
			return fmt.Errorf("%q is not a fault", rule.Fault)
		}
		active.fault = kind
	}
	if rule.Method == "" || rule.DelaySeconds < 0 || rule.Count < 0 || rule.Skip < 0 {
		return fmt.Errorf("a fault rule requires a method, and its numbers must not be negative")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cleared == nil {
		f.cleared = make(chan struct{})
	}
	f.rules = append(f.rules, active)
	return nil
}

// Clear removes all rules and ends the delays in progress.
func (f *FaultRules) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
	if f.cleared != nil {
		close(f.cleared)
		f.cleared = nil
	}
}

// apply waits for the delay of the first matching rule, and returns its fault.
func (f *FaultRules) apply(call *simulator.Method, name string) (injection, types.BaseMethodFault) {
	rule, cleared := f.match(call, name, false)
	if rule == nil {
		return injection{}, nil
	}
	f.wait(rule, cleared)
	if rule.fault == nil {
		return injection{}, nil
	}
	fault := reflect.New(rule.fault).Interface().(types.BaseMethodFault)
	if denied, ok := fault.(*types.NotAuthenticated); ok {
		this := call.This
		denied.Object, denied.PrivilegeId = &this, "System.View"
	}
	because(fault.GetMethodFault(), "A test has requested the fault "+rule.Fault+".")
	return injection{rule.InTask}, fault
}

// hold delays a task by the first matching rule for tasks. Its call has already been answered.
func (f *FaultRules) hold(method string, entity ref, name string) {
	if rule, cleared := f.match(&simulator.Method{Name: method, This: entity}, name, true); rule != nil {
		f.wait(rule, cleared)
	}
}

func (f *FaultRules) wait(rule *activeRule, cleared chan struct{}) {
	if rule.DelaySeconds <= 0 {
		return
	}
	select {
	case <-time.After(time.Duration(rule.DelaySeconds * float64(time.Second))):
	case <-cleared:
	case <-f.closing:
	}
}

func (r *activeRule) delaysTask() bool { return r.InTask && r.fault == nil }

// match returns the rule for a call or, with inTask, for the task that the call has started.
func (f *FaultRules) match(call *simulator.Method, name string, inTask bool) (*activeRule, chan struct{}) {
	any := func(pattern, value string) bool { return pattern == "" || pattern == "*" || pattern == value }
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, rule := range f.rules {
		switch {
		case rule.delaysTask() != inTask:
		case !any(rule.Method, call.Name) || !any(rule.Type, call.This.Type) || !any(rule.Name, name):
		case rule.Count > 0 && rule.applied >= rule.Count:
		case rule.skipped < rule.Skip:
			rule.skipped++
		default:
			rule.applied++
			return rule, f.cleared
		}
	}
	return nil, nil
}
