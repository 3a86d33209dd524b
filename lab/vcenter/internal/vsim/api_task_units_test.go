// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/types"
)

func hostNamed(name string) ref { return ref{Type: "HostSystem", Value: name} }

func smallUnits() *units {
	return newUnits([unitKinds]int{hostUnits: 4, datastoreUnits: 4, networkUnits: 4, operationUnits: 5})
}

func onHosts(amount int, hosts ...string) costs {
	needs := oneOperation()
	for _, host := range hosts {
		needs = needs.plus(hostUnits, hostNamed(host), amount)
	}
	return needs
}

func expectRunning(t *testing.T, u *units, want map[string]*operation, running ...string) {
	t.Helper()
	var got []string
	for name, one := range want {
		if u.holds(one) {
			got = append(got, name)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, running) {
		t.Errorf("%v run, want %v", got, running)
	}
}

func TestTheFirstOperationIsServedFirst(t *testing.T) {
	u := smallUnits()
	all := map[string]*operation{}
	for _, name := range []string{"a", "b", "c", "d"} {
		all[name] = u.enter(onHosts(map[string]int{"a": 4, "b": 3, "c": 1, "d": 1}[name], "esx1"))
	}
	// c would fit beside b, but not d.
	expectRunning(t, u, all, "a")
	u.leave(all["a"])
	delete(all, "a")
	expectRunning(t, u, all, "b", "c")
	u.leave(all["c"])
	delete(all, "c")
	expectRunning(t, u, all, "b", "d")
}

func TestASmallOperationDoesNotOvertakeALargeOne(t *testing.T) {
	u := smallUnits()
	all := map[string]*operation{"a": u.enter(onHosts(2, "esx1")), "b": u.enter(onHosts(4, "esx1")), "c": u.enter(onHosts(1, "esx1"))}
	expectRunning(t, u, all, "a")
	u.leave(all["a"])
	delete(all, "a")
	expectRunning(t, u, all, "b")
}

func TestAQueuedOperationHoldsUpOnlyThoseThatLackTheSame(t *testing.T) {
	u := smallUnits()
	all := map[string]*operation{"a": u.enter(onHosts(4, "esx1")), "b": u.enter(onHosts(4, "esx1", "esx2")), "c": u.enter(onHosts(4, "esx2")),
		"d": u.enter(onHosts(1, "esx1"))}
	expectRunning(t, u, all, "a", "c")
	// b now waits for the other host, which lets d go.
	u.leave(all["a"])
	delete(all, "a")
	expectRunning(t, u, all, "c", "d")
	u.leave(all["d"])
	u.leave(all["c"])
	expectRunning(t, u, map[string]*operation{"b": all["b"]}, "b")
	if u.longest != 2 || u.queued != 0 {
		t.Errorf("%d were queued, %d are", u.longest, u.queued)
	}
}

func TestWhatCostsMoreThanThereIsRunsAlone(t *testing.T) {
	u := smallUnits()
	all := map[string]*operation{"a": u.enter(onHosts(1, "esx1")), "b": u.enter(onHosts(8, "esx1")), "c": u.enter(onHosts(1, "esx1"))}
	expectRunning(t, u, all, "a")
	u.leave(all["a"])
	delete(all, "a")
	expectRunning(t, u, all, "b")
	u.leave(all["b"])
	delete(all, "b")
	expectRunning(t, u, all, "c")
	if most := u.most[resource{hostUnits, hostNamed("esx1")}]; most != 8 {
		t.Errorf("the most were %d", most)
	}
}

func TestNoMoreOperationsRunInAllThanTheLimit(t *testing.T) {
	u := smallUnits()
	var entered []*operation
	for n := range 8 {
		entered = append(entered, u.enter(onHosts(1, fmt.Sprintf("esx%d", n))))
	}
	running := func() int {
		return len(slices.DeleteFunc(slices.Clone(entered), func(one *operation) bool { return !u.holds(one) }))
	}
	if running() != 5 {
		t.Errorf("%d run", running())
	}
	u.limit([unitKinds]int{4, 4, 4, 7})
	if running() != 7 {
		t.Errorf("%d run with a higher limit", running())
	}
	u.leave(entered[7])
	u.leave(entered[0])
	if u.queued != 0 || len(u.waiting) != 0 {
		t.Errorf("%d are queued", u.queued)
	}
	for _, one := range entered[1:7] {
		u.leave(one)
	}
	if len(u.used) != 0 {
		t.Errorf("in use: %v", u.used)
	}
}

func TestUnitsAreCountedRightUnderLoad(t *testing.T) {
	u := smallUnits()
	var everyone sync.WaitGroup
	for n := range 500 {
		everyone.Go(func() {
			one := u.enter(onHosts(1+n%3, fmt.Sprintf("esx%d", n%3), fmt.Sprintf("esx%d", n%2)))
			if one.waits() {
				<-one.granted
			}
			u.leave(one)
		})
	}
	everyone.Wait()
	if len(u.used) != 0 || u.queued != 0 || len(u.waiting) != 0 {
		t.Errorf("in use: %v, queued: %d", u.used, u.queued)
	}
	// An operation whose two hosts are one costs up to 6.
	for of, most := range u.most {
		if of.kind == operationUnits && most > 5 || most > 6 {
			t.Errorf("%v: %d", of, most)
		}
	}
}

// hold lets the tasks of a method run until release.
func (l *lab) hold(method string) (release func()) {
	l.Helper()
	if err := l.server.Faults().Add(FaultRule{Method: method, InTask: true, DelaySeconds: 600}); err != nil {
		l.Fatal(err)
	}
	return l.server.Faults().Clear
}

func TestATaskOverTheLimitOfItsHostIsQueued(t *testing.T) {
	l := newLab(t)
	image, snapshot := l.image("image")
	l.behave(`{"host_units": 1}`)
	release := l.hold("CloneVM_Task")
	spec := linked(l, snapshot)
	spec.Location.Host = l.host("esx1")
	first := must(image.Clone(t.Context(), l.folder, "first", spec))(t)
	second := must(image.Clone(t.Context(), l.folder, "second", spec))(t)
	if info := l.taskInfo(first.Reference()); info.State != types.TaskInfoStateRunning || info.StartTime == nil {
		t.Errorf("the first task: %s since %v", info.State, info.StartTime)
	}
	queued := l.taskInfo(second.Reference())
	if queued.State != types.TaskInfoStateQueued || queued.StartTime != nil || queued.QueueTime.IsZero() {
		t.Errorf("the second task: %s since %v", queued.State, queued.StartTime)
	}
	seen := make(chan []types.TaskInfoState, 1)
	waiting := make(chan struct{})
	go func() {
		var states []types.TaskInfoState
		filter := new(property.WaitFilter).Add(second.Reference(), "Task", []string{"info.state"})
		err := property.WaitForUpdates(t.Context(), property.DefaultCollector(l.client.Client), filter, func(updates []types.ObjectUpdate) bool {
			for _, update := range updates {
				for _, change := range update.ChangeSet {
					states = append(states, change.Val.(types.TaskInfoState))
				}
			}
			if len(states) == 1 {
				close(waiting)
			}
			return states[len(states)-1] == types.TaskInfoStateSuccess
		})
		if err != nil {
			t.Error(err)
		}
		seen <- states
	}()
	<-waiting
	release()
	l.result(first, nil)
	l.result(second, nil)
	if states := <-seen; states[0] != types.TaskInfoStateQueued {
		t.Errorf("seen: %v", states)
	}
	before, after := l.taskInfo(first.Reference()), l.taskInfo(second.Reference())
	if after.StartTime.Before(*before.StartTime) || !after.QueueTime.Equal(queued.QueueTime) || after.StartTime.Before(after.QueueTime) {
		t.Errorf("queued at %v, started at %v", after.QueueTime, after.StartTime)
	}
	now, most := l.server.OperationsNow()
	if now.All != 0 || len(now.Hosts) != 0 || now.Queued != 0 || !maps.Equal(most.Hosts, map[string]int{"esx1": 1}) || most.Queued != 1 {
		t.Errorf("now %+v, most %+v", now, most)
	}
	l.server.ForgetOperations()
	if _, most := l.server.OperationsNow(); most.All != 0 || most.Queued != 0 {
		t.Errorf("forgotten: %+v", most)
	}
}

func TestClonesThatBeginTogetherGoToDifferentHosts(t *testing.T) {
	l := newLab(t)
	image, snapshot := l.image("image")
	l.server.ForgetOperations()
	release := l.hold("CloneVM_Task")
	var tasks []*object.Task
	for n := range 6 {
		tasks = append(tasks, must(image.Clone(t.Context(), l.folder, fmt.Sprintf("web%d", n), linked(l, snapshot)))(t))
	}
	now, _ := l.server.OperationsNow()
	if !maps.Equal(now.Hosts, map[string]int{"esx1": 2, "esx2": 2, "esx3": 2}) || now.All != 6 || len(now.Datastores) != 0 {
		t.Errorf("in use: %+v", now)
	}
	release()
	for _, task := range tasks {
		l.result(task, nil)
	}
}

func TestWhatOperationsCost(t *testing.T) {
	l := newLab(t, sites)
	image, snapshot := l.image("image")
	on, off := l.create(l.spec("on")), l.create(l.spec("off", scsi(), newDisk(mib)))
	l.result(on.PowerOn(t.Context()))
	esx1, esx2, shared1 := l.host("esx1"), l.host("esx2"), l.storeNamed("shared1")
	for _, vm := range []*object.VirtualMachine{image, on, off} {
		l.result(vm.Relocate(t.Context(), types.VirtualMachineRelocateSpec{Host: esx1}, types.VirtualMachineMovePriorityDefaultPriority))
	}
	copies := linked(l, snapshot)
	copies.Location.DiskMoveType, copies.Location.Host = "", esx1
	elsewhere := copies
	elsewhere.Location.Host = esx2
	link := linked(l, snapshot)
	link.Location.Host = esx2
	relocate := func(vm *object.VirtualMachine, spec types.VirtualMachineRelocateSpec) func() (*object.Task, error) {
		return func() (*object.Task, error) {
			return vm.Relocate(t.Context(), spec, types.VirtualMachineMovePriorityDefaultPriority)
		}
	}
	clone := func(name string, spec types.VirtualMachineCloneSpec) func() (*object.Task, error) {
		return func() (*object.Task, error) { return image.Clone(t.Context(), l.folder, name, spec) }
	}
	for _, test := range []struct {
		name, method string
		start        func() (*object.Task, error)
		want         string
	}{
		{"linked clone", "CloneVM_Task", clone("a", link), "map[esx2:1] map[] map[] 1"},
		{"full clone", "CloneVM_Task", clone("b", copies), "map[esx1:4] map[] map[] 1"},
		{"full clone to another host", "CloneVM_Task", clone("c", elsewhere), "map[esx1:2 esx2:2] map[] map[] 1"},
		{"vMotion", "RelocateVM_Task", relocate(on, types.VirtualMachineRelocateSpec{Host: esx2}), "map[esx1:2 esx2:2] map[shared0:1] map[esx1:1 esx2:1] 1"},
		{"Storage vMotion", "RelocateVM_Task", relocate(on, types.VirtualMachineRelocateSpec{Datastore: shared1}), "map[esx2:8] map[shared0:16 shared1:16] map[] 1"},
		{"MigrateVM", "MigrateVM_Task", func() (*object.Task, error) {
			return on.Migrate(t.Context(), nil, object.NewHostSystem(l.client.Client, *esx1), types.VirtualMachineMovePriorityDefaultPriority, "")
		}, "map[esx1:2 esx2:2] map[shared1:1] map[esx1:1 esx2:1] 1"},
		{"both", "RelocateVM_Task", relocate(on, types.VirtualMachineRelocateSpec{Host: esx2, Datastore: l.storeNamed("shared0")}),
			"map[esx1:8 esx2:8] map[shared0:16 shared1:16] map[esx1:1 esx2:1] 1"},
		{"cold migration", "RelocateVM_Task", relocate(off, types.VirtualMachineRelocateSpec{Host: esx2}), "map[esx1:2 esx2:2] map[] map[] 1"},
		{"cold migration of files", "RelocateVM_Task", relocate(off, types.VirtualMachineRelocateSpec{Datastore: shared1}), "map[esx2:2] map[] map[] 1"},
		{"another task", "PowerOffVM_Task", func() (*object.Task, error) { return on.PowerOff(t.Context()) }, "map[] map[] map[] 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			release := l.hold(test.method)
			task := must(test.start())(t)
			now, _ := l.server.OperationsNow()
			release()
			l.result(task, nil)
			if got := fmt.Sprint(now.Hosts, now.Datastores, now.Networks, now.All); got != test.want {
				t.Errorf("%s costs %s, want %s", test.name, got, test.want)
			}
		})
	}
}

func TestAHostIsEvacuatedWithinItsLimits(t *testing.T) {
	l := newLab(t)
	first, second := l.create(l.spec("first")), l.create(l.spec("second"))
	esx1, esx2 := l.host("esx1"), l.host("esx2")
	for _, vm := range []*object.VirtualMachine{first, second} {
		l.result(vm.PowerOn(t.Context()))
	}
	l.result(first.Relocate(t.Context(), types.VirtualMachineRelocateSpec{Host: esx1}, types.VirtualMachineMovePriorityDefaultPriority))
	l.result(second.Relocate(t.Context(), types.VirtualMachineRelocateSpec{Host: esx2}, types.VirtualMachineMovePriorityDefaultPriority))
	l.behave(`{"host_units": 2, "operations": 2}`)
	release := l.hold("RelocateVM_Task")
	moving := must(second.Relocate(t.Context(), types.VirtualMachineRelocateSpec{Host: esx1}, types.VirtualMachineMovePriorityDefaultPriority))(t)
	entering := must(object.NewHostSystem(l.client.Client, *esx1).EnterMaintenanceMode(t.Context(), 0, false, nil))(t)
	l.eventually("the evacuation waits", func() bool { now, _ := l.server.OperationsNow(); return now.Queued == 1 })
	time.Sleep(50 * time.Millisecond)
	if host := l.read(first).Runtime.Host; *host != *esx1 {
		t.Error("it was moved beyond the limits")
	}
	release()
	l.refusal(moving, nil) // its target has entered the mode
	l.result(entering, nil)
	if _, most := l.server.OperationsNow(); most.Hosts["esx1"] != 2 {
		t.Errorf("the most: %+v", most)
	}
}
