// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/event"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/task"
	"github.com/vmware/govmomi/view"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/authz"
)

func (l *lab) advance(by time.Duration) {
	l.Helper()
	if err := l.server.Advance(by.Seconds()); err != nil {
		l.Fatal(err)
	}
}

// ahead fails unless a time is as far ahead of the machine's as the clock was moved.
func (l *lab) ahead(what string, shown time.Time, by time.Duration) {
	l.Helper()
	if off := time.Until(shown) - by; off.Abs() > time.Minute {
		l.Errorf("%s is %v, which is off by %v", what, shown, off)
	}
}

func TestTheClockMovesOnlyForward(t *testing.T) {
	l := newLab(t)
	for _, seconds := range []float64{0, -1} {
		if err := l.server.Advance(seconds); err == nil || !strings.Contains(err.Error(), "can only be moved forward") {
			t.Errorf("by %v s: %v", seconds, err)
		}
	}
	if shown := l.server.Clock(); shown.AdvancedSeconds != 0 {
		t.Errorf("%+v", shown)
	}
}

func TestWhatVCenterStampsIsByItsClock(t *testing.T) {
	l := newLab(t)
	l.advance(25 * time.Minute)
	shown := must(methods.GetCurrentTime(t.Context(), l.client))(t)
	l.ahead("the current time", *shown, 25*time.Minute)
	vm := l.create(l.spec("web", scsi(), newDisk(64*mib)))
	created := l.taskOfFolder()
	l.ahead("the start of a task", *created.StartTime, 25*time.Minute)
	l.ahead("the end of a task", *created.CompleteTime, 25*time.Minute)
	l.result(vm.PowerOn(t.Context()))
	read := l.read(vm)
	l.ahead("the creation of the VM", *read.Config.CreateDate, 25*time.Minute)
	l.ahead("the boot time", *read.Runtime.BootTime, 25*time.Minute)
	l.connect() // the simulator posts the event
	events := must(event.NewManager(l.client.Client).QueryEvents(t.Context(), types.EventFilterSpec{
		EventTypeId: []string{"VmPoweredOnEvent", "UserLoginSessionEvent"}}))(t)
	for _, kind := range []string{"VmPoweredOnEvent", "UserLoginSessionEvent"} {
		place := slices.IndexFunc(events, func(e types.BaseEvent) bool { return reflect.TypeOf(e).Elem().Name() == kind })
		l.ahead("the event "+kind, events[place].GetEvent().CreatedTime, 25*time.Minute) // the newest one
	}
}

// taskOfFolder returns the last task of the VM folder.
func (l *lab) taskOfFolder() types.TaskInfo {
	l.Helper()
	var folder mo.Folder
	collector := property.DefaultCollector(l.client.Client)
	must(0, collector.RetrieveOne(l.Context(), l.folder.Reference(), []string{"recentTask"}, &folder))(l)
	var last mo.Task
	must(0, collector.RetrieveOne(l.Context(), folder.RecentTask[len(folder.RecentTask)-1], []string{"info"}, &last))(l)
	return last.Info
}

func TestAFileHasTheTimeAtWhichItWasWritten(t *testing.T) {
	l := newLab(t)
	l.upload("gantry/early", "1")
	l.advance(20 * time.Minute)
	l.upload("gantry/late", "2")
	browser := must(l.store.Browser(t.Context()))(t)
	spec := types.HostDatastoreBrowserSearchSpec{Details: &types.FileQueryFlags{Modification: true}}
	found := l.result(browser.SearchDatastore(t.Context(), "[shared0] gantry", &spec)).(types.HostDatastoreBrowserSearchResults)
	times := map[string]time.Time{}
	for _, file := range found.File {
		times[file.GetFileInfo().Path] = *file.GetFileInfo().Modification
	}
	l.ahead("the time of the file before", times["early"], 0)
	l.ahead("the time of the file after", times["late"], 20*time.Minute)
}

func TestSessionsThatWereIdleEndWhenTheClockMoves(t *testing.T) {
	l := newLab(t)
	idle, busy := l.connect(), l.connect()
	for range 2 {
		l.advance(20 * time.Minute)
		must(methods.GetCurrentTime(t.Context(), busy))(t)
	}
	_, err := methods.GetCurrentTime(t.Context(), idle)
	if !soap.IsSoapFault(err) {
		t.Fatalf("an idle session: %v", err)
	}
	if _, ok := soap.ToSoapFault(err).VimFault().(types.NotAuthenticated); !ok {
		t.Errorf("an idle session: %v", err)
	}
	must(methods.GetCurrentTime(t.Context(), busy))(t)
}

func TestATicketEndsWithItsTime(t *testing.T) {
	l := newLab(t)
	l.upload("note", "hello")
	address := l.fileURL("note")
	for by, want := range map[time.Duration]int{time.Minute: http.StatusOK, 3 * time.Minute: http.StatusUnauthorized} {
		answer := must(methods.AcquireGenericServiceTicket(t.Context(), l.client.Client, &types.AcquireGenericServiceTicket{
			This: *l.client.ServiceContent.SessionManager, Spec: &types.SessionManagerHttpServiceRequestSpec{Method: "httpGet", Url: address}}))(t)
		l.advance(by)
		ticket := func(r *http.Request) {
			r.AddCookie(&http.Cookie{Name: "vmware_cgi_ticket", Value: answer.Returnval.Id})
		}
		if status, text := l.request(http.MethodGet, address, nil, ticket); status != want {
			t.Errorf("after %v: %d %s", by, status, text)
		}
	}
}

func TestALeaseEndsWhenTheClockMoves(t *testing.T) {
	l := newLab(t)
	vm := l.written("web")
	lease, _ := l.exported(vm.Export(t.Context()))
	l.advance(20 * time.Second)
	must(0, lease.Progress(t.Context(), 1))(t)
	l.advance(20 * time.Second)
	if state := l.leaseState(lease).State; state != types.HttpNfcLeaseStateReady {
		t.Fatalf("in time: %s", state)
	}
	l.advance(11 * time.Second)
	l.eventually("over", func() bool { return l.leaseState(lease).State == types.HttpNfcLeaseStateError })
	isFault[types.Timedout](l, l.leaseState(lease).Error.Fault)
}

func TestACompletedTaskIsForgottenAndInTheHistory(t *testing.T) {
	l := newLab(t)
	made := must(l.folder.CreateVM(t.Context(), l.spec("web"), l.pool, nil))(t)
	must(made.WaitForResult(t.Context()))(t)
	ann := l.ann(authz.ReadOnly, l.client.ServiceContent.RootFolder)
	list := must(view.NewManager(ann.Client).CreateListView(t.Context(), []ref{made.Reference()}))(t)
	l.advance(9 * time.Minute)
	collector := property.DefaultCollector(l.client.Client)
	var read mo.Task
	must(0, collector.RetrieveOne(t.Context(), made.Reference(), []string{"info"}, &read))(t)
	l.advance(2 * time.Minute)
	l.eventually("forgotten", func() bool {
		return collector.RetrieveOne(t.Context(), made.Reference(), []string{"info"}, &read) != nil
	})
	err := collector.RetrieveOne(t.Context(), made.Reference(), []string{"info"}, &read)
	isFault[types.ManagedObjectNotFound](l, l.faultOf(err))
	var folder mo.Folder
	must(0, collector.RetrieveOne(t.Context(), l.folder.Reference(), []string{"recentTask"}, &folder))(t)
	if slices.Contains(folder.RecentTask, made.Reference()) {
		t.Error("it is still a recent task of the folder")
	}
	l.eventually("no recent task, not even of the inventory", func() bool {
		var manager mo.TaskManager
		must(0, collector.RetrieveOne(t.Context(), *l.client.ServiceContent.TaskManager, []string{"recentTask"}, &manager))(t)
		return len(manager.RecentTask) == 0
	})
	if unresolved, err := list.Add(t.Context(), []ref{made.Reference()}); err != nil || len(unresolved) != 1 {
		t.Errorf("added to a view: %v, unresolved are %v", err, unresolved)
	}
	if _, err := list.Remove(t.Context(), []ref{made.Reference()}); err != nil {
		t.Errorf("removed from a view: %v", err)
	}
	past := must(task.NewManager(l.client.Client).CreateCollectorForTasks(t.Context(), types.TaskFilterSpec{}))(t)
	found := must(past.ReadNextTasks(t.Context(), 100))(t)
	if !slices.ContainsFunc(found, func(info types.TaskInfo) bool {
		return info.Task == made.Reference() && info.State == types.TaskInfoStateSuccess
	}) {
		t.Errorf("the history lacks it: %+v", found)
	}
}

func TestATaskThatRunsIsKept(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web"))
	must(0, l.server.Faults().Add(FaultRule{Method: "PowerOnVM_Task", Type: "*", Name: "*", Count: 1, DelaySeconds: 0.5, InTask: true}))(t)
	on := must(vm.PowerOn(t.Context()))(t)
	l.advance(time.Minute * 20)
	if _, err := on.WaitForResult(t.Context()); err != nil {
		t.Error(err)
	}
}
