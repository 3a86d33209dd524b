// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// collector returns a property collector, and the context of a call to it.
func (l *lab) collector() (*PropertyCollector, *simulator.Context) {
	l.Helper()
	ctx := l.server.context()
	ctx.Session = &simulator.Session{Registry: simulator.NewRegistry(), Map: l.server.registry}
	collector := &PropertyCollector{}
	collector.Self = l.server.serviceContent().PropertyCollector
	return collector, ctx
}

func encoded(t *testing.T, value any) string {
	t.Helper()
	return string(must(json.MarshalIndent(value, "", " "))(t))
}

// lastOfEach returns the properties without those that others of the same name hide, of which the simulator returns both.
func lastOfEach(properties []types.DynamicProperty) (last []types.DynamicProperty) {
	for _, property := range properties {
		last = slices.DeleteFunc(last, func(one types.DynamicProperty) bool { return one.Name == property.Name })
		last = append(last, property)
	}
	return last
}

func TestObjectsAreReadAsTheSimulatorReadsThem(t *testing.T) {
	l := newLab(t)
	image, _ := l.image("image")
	l.result(l.create(l.spec("on", scsi(), newDisk(mib), card("VM Network", ""))).PowerOn(t.Context()))
	collector, ctx := l.collector()
	all := true
	paths := []string{"name", "config.extraConfig", "config.hardware.device", "config.hardware.device[2000]", `config.extraConfig["gantry.kind"]`,
		`config.extraConfig["gantry.kind"].value`, `config.extraConfig["none"]`, "config.nothing", "runtime.host", "summary.config.memorySizeMB",
		"snapshot.currentSnapshot", "snapshot.rootSnapshotList", "parentVApp", "guest.net", "layoutEx.file", "config.hardware.device[2000].backing.fileName",
		"name", "datastore", "runtime.bootTime", "config.broken[", "disabledMethod", "effectiveRole", "config.vAppConfig.product"}
	reads := map[string]types.PropertyFilterSpec{}
	for _, object := range l.server.registry.AllReference("") {
		of := object.Reference()
		if described, ok := managedObject(object); ok && described.FieldByName("Self").IsValid() && of.Type != "SessionManager" {
			reads[of.String()] = types.PropertyFilterSpec{ObjectSet: []types.ObjectSpec{{Obj: of}}, PropSet: []types.PropertySpec{{Type: of.Type, All: &all}}}
		}
	}
	for _, name := range []string{"image", "on"} {
		of := l.server.childNamed(l.folder.Reference(), name).Reference()
		reads["paths of "+name] = types.PropertyFilterSpec{ObjectSet: []types.ObjectSpec{{Obj: of}, {Obj: of}},
			PropSet: []types.PropertySpec{{Type: "ManagedEntity", PathSet: []string{"name", "parent"}}, {Type: "VirtualMachine", PathSet: paths}, {Type: "HostSystem", PathSet: []string{"name"}}}}
	}
	for name, spec := range reads {
		request := types.RetrievePropertiesEx{This: collector.Self, SpecSet: []types.PropertyFilterSpec{spec}}
		ours := collector.retrieve(ctx, &request).(*methods.RetrievePropertiesExBody).Res.Returnval.Objects
		theirs := collector.PropertyCollector.RetrievePropertiesEx(ctx, &request).(*methods.RetrievePropertiesExBody).Res.Returnval.Objects
		for n := range theirs {
			theirs[n].PropSet = lastOfEach(theirs[n].PropSet)
		}
		if got, want := encoded(t, ours), encoded(t, theirs); got != want {
			t.Errorf("%s:\n%s\nthe simulator's:\n%s", name, got, want)
		}
		for n := range min(len(ours), len(theirs)) {
			for i := range min(len(ours[n].PropSet), len(theirs[n].PropSet)) {
				our, their := ours[n].PropSet[i], theirs[n].PropSet[i]
				if fmt.Sprintf("%T", our.Val) != fmt.Sprintf("%T", their.Val) {
					t.Errorf("%s: %s is %T, the simulator's %T", name, our.Name, our.Val, their.Val)
				}
			}
		}
	}
	// The simulator ends with a panic.
	wrong := types.RetrievePropertiesEx{This: collector.Self, SpecSet: []types.PropertyFilterSpec{{ObjectSet: []types.ObjectSpec{{Obj: image.Reference()}},
		PropSet: []types.PropertySpec{{Type: "VirtualMachine", PathSet: []string{"name.first"}}}}}}
	if missing := collector.retrieve(ctx, &wrong).(*methods.RetrievePropertiesExBody).Res.Returnval.Objects[0].MissingSet; len(missing) != 1 {
		t.Errorf("a property of a text is not missing: %v", missing)
	}
	if len(reads) < 50 {
		t.Errorf("only %d objects", len(reads))
	}
}

func TestAnAnswerIsReadInPages(t *testing.T) {
	l := newLab(t)
	if err := l.server.AddIdle(7, "idle-", nil); err != nil {
		t.Fatal(err)
	}
	collector, ctx := l.collector()
	var set []types.ObjectSpec
	for _, child := range l.server.children(l.folder.Reference()) {
		set = append(set, types.ObjectSpec{Obj: child})
	}
	answer := collector.RetrievePropertiesEx(ctx, &types.RetrievePropertiesEx{This: collector.Self, Options: types.RetrieveOptions{MaxObjects: 3},
		SpecSet: []types.PropertyFilterSpec{{ObjectSet: set, PropSet: []types.PropertySpec{{Type: "VirtualMachine", PathSet: []string{"name"}}}}}})
	page := *answer.(*methods.RetrievePropertiesExBody).Res.Returnval
	var sizes []int
	for {
		sizes = append(sizes, len(page.Objects))
		if page.Token == "" {
			break
		}
		token := page.Token
		page = collector.ContinueRetrievePropertiesEx(ctx, &types.ContinueRetrievePropertiesEx{This: collector.Self, Token: token}).(*methods.ContinueRetrievePropertiesExBody).Res.Returnval
		if again := collector.ContinueRetrievePropertiesEx(ctx, &types.ContinueRetrievePropertiesEx{This: collector.Self, Token: token}); again.Fault() == nil {
			t.Error("a page can be read twice")
		}
	}
	if !slices.Equal(sizes, []int{3, 3, 1}) || len(collector.rests) != 0 {
		t.Errorf("pages of %v", sizes)
	}
}

func TestACopyHasNothingOfTheOriginal(t *testing.T) {
	l := newLab(t)
	image, _ := l.image("image")
	vm := l.server.vm(image.Reference())
	before := encoded(t, vm.Config)
	config := copied(*vm.Config)
	if got := encoded(t, config); got != before {
		t.Errorf("the copy is\n%s, not\n%s", got, before)
	}
	*config.CreateDate = config.CreateDate.AddDate(1, 0, 0)
	config.ExtraConfig[0].GetOptionValue().Key = "changed"
	config.Hardware.Device[0].GetVirtualDevice().Key = 4711
	*config.MemoryAllocation.Reservation = 4711
	disk := disksOf(config.Hardware.Device)[0]
	disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo).Parent.FileName = "changed"
	if after := encoded(t, vm.Config); after != before {
		t.Errorf("the original is now\n%s", after)
	}
}

func TestAnObjectIsFoundByItsName(t *testing.T) {
	l := newLab(t)
	s, folder := l.server, l.folder.Reference()
	first := l.create(l.spec("first"))
	inner := must(l.folder.CreateFolder(t.Context(), "inner"))(t)
	named := func(in ref, name string) string {
		if found := s.childNamed(in, name); found != nil {
			return found.Reference().Value
		}
		return ""
	}
	if named(folder, "first") != first.Reference().Value || named(folder, "inner") != inner.Reference().Value || named(inner.Reference(), "first") != "" {
		t.Error("not found after its creation")
	}
	l.result(first.Rename(t.Context(), "renamed"))
	l.result(inner.MoveInto(t.Context(), []ref{first.Reference()}))
	if named(folder, "first") != "" || named(folder, "renamed") != "" || named(inner.Reference(), "renamed") != first.Reference().Value {
		t.Error("not found after its move")
	}
	l.result(inner.Rename(t.Context(), "outer"))
	if named(folder, "inner") != "" || named(folder, "outer") != inner.Reference().Value {
		t.Error("a folder is not found by its new name")
	}
	l.result(first.Destroy(t.Context()))
	if named(inner.Reference(), "renamed") != "" || len(s.named.with("renamed")) != 0 || len(s.named.with("first")) != 0 {
		t.Error("found after its removal")
	}
	for _, object := range s.registry.All("") {
		if parent := object.Entity().Parent; parent != nil && parent.Type == "Folder" && s.childNamed(*parent, ownName(object)) == nil {
			t.Errorf("%s is not found", ownName(object))
		}
	}
}

func TestAVMIsListedWhereItIs(t *testing.T) {
	l := newLab(t, sites)
	vm := l.create(l.spec("web", scsi(), newDisk(mib), card("VM Network", "")))
	l.create(l.spec("other", scsi(), newDisk(mib), card("VM Network", "")))
	l.move(vm, types.VirtualMachineRelocateSpec{Host: l.host("esx2"), Datastore: l.storeNamed("shared1")})
	l.result(vm.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{MemoryMB: 128}))
	listed := map[string]int{}
	for _, object := range l.server.registry.All("") {
		var list []ref
		switch o := object.(type) {
		case *simulator.HostSystem:
			list = o.Vm
		case *simulator.Datastore:
			list = o.Vm
		case *simulator.ResourcePool:
			list = o.Vm
		case *mo.Network:
			list = o.Vm
		}
		for _, one := range list {
			if one == vm.Reference() {
				listed[ownName(object)]++
			}
		}
	}
	if fmt.Sprint(listed) != "map[Resources:1 VM Network:1 esx2:1 shared1:1]" {
		t.Errorf("listed by %v", listed)
	}
	l.result(vm.Destroy(t.Context()))
	if vms := l.server.registry.Get(*l.storeNamed("shared1")).(*simulator.Datastore).Vm; len(vms) != 0 {
		t.Errorf("listed after its removal: %v", vms)
	}
}
