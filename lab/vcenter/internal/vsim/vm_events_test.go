// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vmware/govmomi/event"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// eventsOf returns the events of an entity, the oldest first.
func (l *lab) eventsOf(entity ref, kinds ...string) []types.BaseEvent {
	l.Helper()
	filter := types.EventFilterSpec{EventTypeId: kinds, Entity: &types.EventFilterSpecByEntity{Entity: entity,
		Recursion: types.EventFilterSpecRecursionOptionSelf}}
	events := must(event.NewManager(l.client.Client).QueryEvents(l.Context(), filter))(l)
	slices.SortFunc(events, func(a, b types.BaseEvent) int { return int(a.GetEvent().Key - b.GetEvent().Key) })
	return events
}

func kindsOf(events []types.BaseEvent) []string {
	var kinds []string
	for _, e := range events {
		if kind := reflect.TypeOf(e).Elem().Name(); kind != "TaskEvent" {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// expectEvents compares the events since the last call, without the task events.
func (l *lab) expectEvents(entity ref, since int, want ...string) (now int) {
	l.Helper()
	kinds := kindsOf(l.eventsOf(entity))
	if got := kinds[min(since, len(kinds)):]; !slices.Equal(got, want) {
		l.Errorf("got the events\n %q, want\n %q", got, want)
	}
	return len(kinds)
}

var created = []string{"VmBeingCreatedEvent", "VmInstanceUuidAssignedEvent", "VmUuidAssignedEvent", "VmCreatedEvent"}

func TestVMOperationsPostEvents(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web", scsi(), newDisk(16*mib), card("VM Network", "")))
	self := vm.Reference()
	seen := l.expectEvents(self, 0, created...)
	on := must(vm.PowerOn(t.Context()))(t)
	l.result(on, nil)
	seen = l.expectEvents(self, seen, "VmStartingEvent", "VmPoweredOnEvent")
	isFault[types.InvalidPowerState](l, l.refusal(vm.PowerOn(t.Context())))
	l.result(vm.Reset(t.Context()))
	seen = l.expectEvents(self, seen, "VmResettingEvent")
	l.result(vm.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{Annotation: "a web server"}))
	l.result(vm.Rename(t.Context(), "www"))
	l.result(vm.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{Name: "w3", Annotation: "another"}))
	seen = l.expectEvents(self, seen, "VmReconfiguredEvent", "VmRenamedEvent", "VmReconfiguredEvent", "VmRenamedEvent")
	l.result(vm.PowerOff(t.Context()))
	seen = l.expectEvents(self, seen, "VmStoppingEvent", "VmPoweredOffEvent")
	l.result(vm.CreateSnapshot(t.Context(), "s", "", false, false))
	seen = l.expectEvents(self, seen)
	all := l.eventsOf(self)
	snapshot, isTask := all[len(all)-1].(*types.TaskEvent)
	if !isTask || snapshot.Info.DescriptionId != "VirtualMachine.createSnapshot" || snapshot.FullFormattedMessage != "Task: Create virtual machine snapshot" {
		t.Errorf("the last event is %+v", all[len(all)-1])
	}
	l.result(vm.Destroy(t.Context()))
	l.expectEvents(self, seen, "VmRemovedEvent")
	// The content of events.
	host := must(l.finder.HostSystem(t.Context(), "esx1"))(t)
	powered := l.eventsOf(self, "VmPoweredOnEvent")[0].GetEvent()
	if powered.Vm.Vm != self || powered.Vm.Name != "web" || powered.Host == nil || powered.Datacenter.Datacenter != l.dc.Reference() ||
		powered.ComputeResource.Name != "C0" || powered.Ds.Datastore != l.store.Reference() || powered.UserName != testUser || powered.CreatedTime.IsZero() {
		t.Errorf("the power-on event is %+v", powered)
	}
	if powered.Host.Host == host.Reference() && powered.FullFormattedMessage != "web on esx1 in DC0 is powered on" {
		t.Errorf("the message is %q", powered.FullFormattedMessage)
	}
	// The task event is the first of the chain.
	info := l.taskInfo(on.Reference())
	chain := types.EventFilterSpec{EventChainId: info.EventChainId}
	chained := must(event.NewManager(l.client.Client).QueryEvents(t.Context(), chain))(t)
	slices.Reverse(chained)
	if kinds := kindsOf(chained); len(chained) != 3 || chained[0].GetEvent().Key != info.EventChainId || !slices.Equal(kinds, []string{"VmStartingEvent", "VmPoweredOnEvent"}) {
		t.Errorf("the chain %d is %+v", info.EventChainId, chained)
	}
	renamed := l.eventsOf(self, "VmRenamedEvent")[0].(*types.VmRenamedEvent)
	if renamed.OldName != "web" || renamed.NewName != "www" || renamed.FullFormattedMessage != "Renamed www from web to www in DC0" {
		t.Errorf("the rename event is %+v", renamed)
	}
	changed := l.eventsOf(self, "VmReconfiguredEvent")[0].(*types.VmReconfiguredEvent)
	if changed.ConfigSpec.Annotation != "a web server" {
		t.Errorf("the reconfigure event has %+v", changed.ConfigSpec)
	}
	var manager mo.EventManager
	if err := property.DefaultCollector(l.client.Client).RetrieveOne(t.Context(), *l.client.ServiceContent.EventManager, []string{"latestEvent"}, &manager); err != nil {
		t.Fatal(err)
	}
	if _, removed := manager.LatestEvent.(*types.VmRemovedEvent); !removed {
		t.Errorf("the latest event is %+v", manager.LatestEvent)
	}
	l.connect()
	if err := property.DefaultCollector(l.client.Client).RetrieveOne(t.Context(), *l.client.ServiceContent.EventManager, []string{"latestEvent"}, &manager); err != nil {
		t.Fatal(err)
	}
	if _, login := manager.LatestEvent.(*types.UserLoginSessionEvent); !login {
		t.Errorf("after a login the latest event is %+v", manager.LatestEvent)
	}
}

func TestEventsAreQueriedByUser(t *testing.T) {
	l := newLab(t)
	self := l.create(l.spec("web")).Reference()
	query := func(users types.EventFilterSpecByUsername) int {
		filter := types.EventFilterSpec{UserName: &users, Entity: &types.EventFilterSpecByEntity{Entity: self, Recursion: types.EventFilterSpecRecursionOptionSelf}}
		return len(must(event.NewManager(l.client.Client).QueryEvents(t.Context(), filter))(t))
	}
	if own, others, system := query(types.EventFilterSpecByUsername{UserList: []string{testUser}}),
		query(types.EventFilterSpecByUsername{UserList: []string{"nobody"}}), query(types.EventFilterSpecByUsername{SystemUser: true}); own != 4 || others != 0 || system != 0 {
		t.Errorf("%d by the user, %d by others, %d by the system", own, others, system)
	}
	if got := len(l.eventsOf(l.folder.Reference())); got != 0 { // the folder has only task events
		t.Errorf("%d events of the folder", got)
	}
}

func TestClonesPostEvents(t *testing.T) {
	l := newLab(t)
	image, snapshot := l.image("image")
	clone := l.clone(image, "clone", linked(l, snapshot))
	seen := l.expectEvents(clone.Reference(), 0, "VmInstanceUuidAssignedEvent", "VmUuidAssignedEvent", "VmClonedEvent")
	cloned := l.eventsOf(clone.Reference(), "VmClonedEvent")[0].(*types.VmClonedEvent)
	if cloned.SourceVm.Vm != image.Reference() || cloned.Vm.Name != "clone" {
		t.Errorf("the clone event is %+v", cloned)
	}
	being := l.eventsOf(image.Reference(), "VmBeingClonedEvent")[0].(*types.VmBeingClonedEvent)
	if being.DestName != "clone" || being.DestFolder.Folder != l.folder.Reference() || being.DestHost.Name == "" || being.ChainId != cloned.ChainId {
		t.Errorf("the event before cloning is %+v", being)
	}
	if err := image.MarkAsTemplate(t.Context()); err != nil {
		t.Fatal(err)
	}
	spec := linked(l, snapshot)
	spec.PowerOn = true
	deployed := l.clone(image, "deployed", spec)
	l.expectEvents(deployed.Reference(), 0, "VmBeingDeployedEvent", "VmInstanceUuidAssignedEvent", "VmUuidAssignedEvent", "VmDeployedEvent",
		"VmStartingEvent", "VmPoweredOnEvent")
	if event := l.eventsOf(deployed.Reference(), "VmDeployedEvent")[0].(*types.VmDeployedEvent); event.SrcTemplate.Vm != image.Reference() {
		t.Errorf("the deployment event is %+v", event)
	}
	if err := clone.Unregister(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.expectEvents(clone.Reference(), seen, "VmRemovedEvent")
}

func TestMovesPostEvents(t *testing.T) {
	l := newLab(t, sites)
	vm := l.create(l.spec("web", scsi(), newDisk(16*mib)))
	self := vm.Reference()
	seen := len(created)
	place := func(host, store string) types.VirtualMachineRelocateSpec {
		spec := types.VirtualMachineRelocateSpec{}
		if host != "" {
			reference := must(l.finder.HostSystem(t.Context(), host))(t).Reference()
			spec.Host = &reference
		}
		if store != "" {
			reference := must(l.finder.Datastore(t.Context(), store))(t).Reference()
			spec.Datastore = &reference
		}
		return spec
	}
	from, to := "esx1", "esx2"
	if *l.read(vm).Runtime.Host != must(l.finder.HostSystem(t.Context(), from))(t).Reference() {
		l.result(vm.Relocate(t.Context(), place(from, ""), ""))
		seen = len(kindsOf(l.eventsOf(self)))
	}
	l.result(vm.Relocate(t.Context(), place(to, ""), ""))
	seen = l.expectEvents(self, seen, "VmBeingMigratedEvent", "VmMigratedEvent")
	events := l.eventsOf(self, "VmMigratedEvent")
	if moved := events[len(events)-1].(*types.VmMigratedEvent); moved.SourceHost.Name != from || moved.Host.Name != to || moved.SourceDatastore.Name != "shared0" ||
		moved.FullFormattedMessage != "Migration of virtual machine web from esx1, shared0 to esx2, shared0 completed" {
		t.Errorf("the event is %+v", moved)
	}
	l.result(vm.Relocate(t.Context(), place("", "shared1"), ""))
	seen = l.expectEvents(self, seen, "VmBeingRelocatedEvent", "VmRelocatedEvent")
	relocated := l.eventsOf(self, "VmRelocatedEvent")[0].(*types.VmRelocatedEvent)
	if relocated.SourceDatastore.Name != "shared0" || relocated.Ds.Name != "shared1" || relocated.SourceHost.Name != to {
		t.Errorf("the event is %+v", relocated)
	}
	l.result(object.NewVirtualMachine(l.client.Client, self).PowerOn(t.Context()))
	seen += 2
	onHost := l.server.nameOf(*l.read(vm).Runtime.Host)
	target := map[string]string{"esx1": "esx2", "esx2": "esx3", "esx3": "esx1"}[onHost]
	l.result(vm.Relocate(t.Context(), place(target, ""), ""))
	seen = l.expectEvents(self, seen, "VmBeingHotMigratedEvent", "VmMigratedEvent")
	l.guests.refuse = machine.ErrNoHotAdd
	l.refusal(vm.Relocate(t.Context(), place(onHost, ""), ""))
	l.guests.refuse = nil
	seen = l.expectEvents(self, seen, "VmBeingHotMigratedEvent", "VmFailedMigrateEvent")
	// DRS evacuates a host.
	host := must(l.finder.HostSystem(t.Context(), target))(t)
	l.result(host.EnterMaintenanceMode(t.Context(), 30, false, nil))
	l.expectEvents(self, seen, "VmBeingHotMigratedEvent", "DrsVmMigratedEvent")
	drs := l.eventsOf(self, "DrsVmMigratedEvent")[0].(*types.DrsVmMigratedEvent)
	if drs.SourceHost.Name != target || drs.UserName != "" || !strings.HasPrefix(drs.FullFormattedMessage, "DRS migrated web from "+target) {
		t.Errorf("the event is %+v", drs)
	}
}

func TestAPowerOffByTheGuestPostsEvents(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web", scsi(), newDisk(16*mib), card("VM Network", "")))
	self := vm.Reference()
	seen := len(created)
	start := func() {
		l.result(vm.PowerOn(t.Context()))
		seen = l.expectEvents(self, seen, "VmStartingEvent", "VmPoweredOnEvent")
	}
	end := func(reason string, want ...string) {
		if err := l.guests.end(self.Value, reason); err != nil {
			t.Fatal(err)
		}
		l.eventually("the machine is off", func() bool { return len(kindsOf(l.eventsOf(self))) >= seen+len(want) })
		seen = l.expectEvents(self, seen, want...)
	}
	start()
	l.server.Guest(self.Value, machine.GuestInfo{Hostname: "web"})
	if err := vm.ShutdownGuest(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.eventually("the machine is off", func() bool { return len(kindsOf(l.eventsOf(self))) >= seen+2 })
	seen = l.expectEvents(self, seen, "VmGuestShutdownEvent", "VmPoweredOffEvent")
	off := l.eventsOf(self, "VmPoweredOffEvent")
	if asked := l.eventsOf(self, "VmGuestShutdownEvent")[0].GetEvent(); asked.UserName != testUser || off[0].GetEvent().UserName != "" {
		t.Errorf("asked for by %q, and off by %q", asked.UserName, off[0].GetEvent().UserName)
	}
	message := func() types.VirtualMachineMessage {
		events := l.eventsOf(self, "VmMessageErrorEvent")
		last := events[len(events)-1].(*types.VmMessageErrorEvent)
		if last.Message != last.MessageInfo[0].Text || !strings.Contains(last.FullFormattedMessage, last.Message) {
			t.Errorf("the event is %+v", last)
		}
		return last.MessageInfo[0]
	}
	start()
	end(machine.OffReset, "VmResettingEvent", "VmMessageErrorEvent", "VmPoweredOffEvent")
	if got := message(); got.Id != messageBootReset || !strings.Contains(got.Text, "before it reported a status") {
		t.Errorf("the event of a panic at boot is %+v", got)
	}
	start()
	l.server.Set(self.Value, machine.StatusKey, "{}")
	end(machine.OffReset, "VmResettingEvent", "VmMessageErrorEvent", "VmPoweredOffEvent")
	if got := message(); got.Id != messageReset {
		t.Errorf("the event of a later panic is %+v", got)
	}
	start()
	end(machine.OffCrashed+": QEMU: exit status 1", "VmMessageErrorEvent", "VmPoweredOffEvent")
	if got := message(); got.Id != messageCrash || !strings.Contains(got.Text, "exit status 1") {
		t.Errorf("the event of a crash is %+v", got)
	}
	l.guests.refuse = machine.ErrNoHotAdd
	l.refusal(vm.PowerOn(t.Context()))
	l.expectEvents(self, seen, "VmStartingEvent", "VmFailedToPowerOnEvent")
}
