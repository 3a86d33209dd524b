// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

func TestDanglingReferencesAreRefused(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web"))
	nowhere := ref{Type: "HostSystem", Value: "host-999"}
	fault := isFault[types.ManagedObjectNotFound](l, l.refusal(vm.Relocate(t.Context(), types.VirtualMachineRelocateSpec{Host: &nowhere}, "")))
	if fault.Obj != nowhere {
		t.Errorf("not found: %v", fault.Obj)
	}
	_, err := l.folder.CreateVM(t.Context(), l.spec("x"), object.NewResourcePool(l.client.Client, ref{Type: "ResourcePool", Value: "p"}), nil)
	isFault[types.ManagedObjectNotFound](l, l.faultOf(err))
	gone := object.NewVirtualMachine(l.client.Client, ref{Type: "VirtualMachine", Value: "vm-999"})
	isFault[types.ManagedObjectNotFound](l, l.refusal(gone.PowerOn(t.Context())))
	// A reference to an existing object of another type.
	wrong := object.NewFolder(l.client.Client, l.pool.Reference())
	_, err = wrong.CreateVM(t.Context(), l.spec("x"), l.pool, nil)
	l.faultOf(err)
	host := types.ManagedObjectReference(l.folder.Reference())
	isFault[types.InvalidArgument](l, l.refusal(vm.Relocate(t.Context(), types.VirtualMachineRelocateSpec{Host: &host}, "")))
}

func TestAPanicInACallOrATaskIsAFault(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web"))
	l.server.methods["VirtualMachine.Reload"] = func(*simulator.Context, any) (soap.HasFault, types.BaseMethodFault) { panic("in a call") }
	_, err := methods.Reload(t.Context(), l.client.Client, &types.Reload{This: vm.Reference()})
	if err == nil || !strings.Contains(err.Error(), "in a call") {
		t.Errorf("got %v", err)
	}
	l.server.methods["VirtualMachine.ResetVM_Task"] = func(ctx *simulator.Context, _ any) (soap.HasFault, types.BaseMethodFault) {
		return l.server.task(ctx, vm.Reference(), "ResetVM_Task", func(by cause) (types.AnyType, types.BaseMethodFault) { panic("in a task") })
	}
	isFault[types.SystemError](l, l.refusal(vm.Reset(t.Context())))
	// Objects of the simulator, which lock themselves.
	broken := &brokenObject{mo.LocalizationManager{Self: ref{Type: "LocalizationManager", Value: "broken"}}}
	l.server.registry.Put(broken)
	for range 2 {
		_, err = methods.CurrentTime(t.Context(), l.client.Client, &types.CurrentTime{This: broken.Self})
		isFault[types.SystemError](l, l.faultOf(err))
	}
	ctx := l.server.context()
	task := simulator.CreateTask(vm.Reference(), "broken", func(*simulator.Task) (types.AnyType, types.BaseMethodFault) { panic("in a task") })
	isFault[types.SystemError](l, l.refusal(objectTask(l, task.Run(ctx)), nil))
	// No lock is held, and calls are still answered.
	l.result(vm.PowerOn(t.Context()))
	if _, err := l.finder.ClusterComputeResource(t.Context(), "C0"); err != nil {
		t.Error(err)
	}
}

type brokenObject struct {
	mo.LocalizationManager
}

func (*brokenObject) CurrentTime(*types.CurrentTime) soap.HasFault { panic("broken") }

func objectTask(l *lab, task ref) *object.Task {
	return object.NewTask(l.client.Client, task)
}

func TestARemoveKeyOfPyVmomiIsDecoded(t *testing.T) {
	l := newLab(t)
	body := `<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soapenv:Body>
<ReconfigureComputeResource_Task xmlns="urn:vim25"><_this type="ClusterComputeResource">` + l.server.site.cluster.Self.Value + `</_this>
<spec xsi:type="ClusterConfigSpecEx"><drsVmConfigSpec><operation>remove</operation><removeKey type="VirtualMachine" xsi:type="ManagedObject">vm-1</removeKey></drsVmConfigSpec></spec><modify>true</modify>
</ReconfigureComputeResource_Task></soapenv:Body></soapenv:Envelope>`
	decoded, err := simulator.UnmarshalBody(types.TypeFunc(), []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	spec := decoded.Body.(*types.ReconfigureComputeResource_Task).Spec.(*types.ClusterConfigSpecEx)
	if key, ok := spec.DrsVmConfigSpec[0].RemoveKey.(ref); !ok || key.Value != "vm-1" {
		t.Errorf("decoded as %#v", spec.DrsVmConfigSpec[0].RemoveKey)
	}
	if status, _ := l.request(http.MethodPost, l.url.Scheme+"://"+l.url.Host+"/sdk", strings.NewReader("<not xml")); status != http.StatusInternalServerError {
		t.Errorf("invalid XML: %d", status)
	}
}

func TestCallsAreRecorded(t *testing.T) {
	l := newLab(t)
	l.server.Calls().Reset()
	vm := l.create(l.spec("web"))
	l.read(vm)
	l.upload("x", "y")
	calls := l.server.Calls().All()
	byMethod := map[string]Call{}
	for n, call := range calls {
		if call.Seq != n+1 {
			t.Errorf("call %d has number %d", n, call.Seq)
		}
		byMethod[call.Method] = call
	}
	create := byMethod["CreateVM_Task"]
	if !create.Mutating || create.User != testUser || create.This != "Folder:"+l.folder.Reference().Value || len(create.Session) != 12 || create.UserAgent == "" {
		t.Errorf("recorded %+v", create)
	}
	if read := byMethod["RetrievePropertiesEx"]; read.Method == "" || read.Mutating {
		t.Errorf("recorded %+v", read)
	}
	if put := byMethod["HTTP PUT"]; !put.Mutating || put.This != "/folder/x" {
		t.Errorf("recorded %+v", put)
	}
	l.server.Calls().Reset()
	if left := l.server.Calls().All(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	for method, mutating := range map[string]bool{"PowerOnVM_Task": true, "HttpNfcLeaseProgress": true, "MakeDirectory": true,
		"UnknownMethod": true, "Login": false, "WaitForUpdatesEx": false, "FindByInventoryPath": false, "SearchDatastore_Task": false} {
		if mutates(method) != mutating {
			t.Errorf("%s: mutating is %v", method, !mutating)
		}
	}
}

func TestFaultsAndDelaysAreInjected(t *testing.T) {
	l := newLab(t)
	vm, other := l.create(l.spec("web")), l.create(l.spec("other"))
	rules := l.server.Faults()
	for fault, wrong := range map[string]FaultRule{"unknown": {Method: "*", Fault: "NoSuch"}, "no fault": {Method: "*", Fault: "Description"},
		"second name": {Method: "*", Fault: "NoDiskSpaceFault"}, "no method": {Fault: "NoDiskSpace"}} {
		if rules.Add(wrong) == nil {
			t.Errorf("%s was accepted", fault)
		}
	}
	add := func(rule FaultRule) { must(0, rules.Add(rule))(t) }
	add(FaultRule{Method: "PowerOnVM_Task", Name: "web", Fault: "NoDiskSpace", Count: 1, Skip: 1})
	l.result(other.PowerOn(t.Context()))
	l.result(vm.PowerOn(t.Context())) // skipped
	l.result(vm.PowerOff(t.Context()))
	if _, err := vm.PowerOn(t.Context()); err == nil {
		t.Error("the call succeeded")
	} else {
		isFault[types.NoDiskSpace](l, l.faultOf(err))
	}
	l.result(vm.PowerOn(t.Context())) // counted

	add(FaultRule{Method: "PowerOffVM_Task", Type: "VirtualMachine", Fault: "InvalidState", InTask: true, Count: 1})
	if task, err := vm.PowerOff(t.Context()); err != nil {
		t.Error(err)
	} else {
		isFault[types.InvalidState](l, l.refusal(task, nil))
	}
	add(FaultRule{Method: "CurrentTime", DelaySeconds: 3600})
	answered := make(chan error)
	go func() {
		_, err := methods.CurrentTime(t.Context(), l.client.Client, &types.CurrentTime{This: serviceInstance})
		answered <- err
	}()
	select {
	case err := <-answered:
		t.Errorf("answered at once: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	rules.Clear()
	if err := <-answered; err != nil {
		t.Error(err)
	}
	add(FaultRule{Method: "PowerOffVM_Task", Name: "other", DelaySeconds: 3600, InTask: true})
	task := must(other.PowerOff(t.Context()))(t) // the call is answered immediately
	if state := l.server.powerState(l.server.vm(other.Reference())); state != types.VirtualMachinePowerStatePoweredOn {
		t.Errorf("it is %s before its task has begun", state)
	}
	rules.Clear()
	l.result(task, nil)
}

func TestAFilterCreatedWhileAClientWaitsIsReportedImmediately(t *testing.T) {
	l := newLab(t)
	collector := must(property.DefaultCollector(l.client.Client).Create(t.Context()))(t)
	filter := func(object ref, path string) {
		t.Helper()
		_, err := methods.CreateFilter(t.Context(), l.client.Client, &types.CreateFilter{This: collector.Reference(), Spec: types.PropertyFilterSpec{
			PropSet: []types.PropertySpec{{Type: object.Type, PathSet: []string{path}}}, ObjectSet: []types.ObjectSpec{{Obj: object}}}})
		must(0, err)(t)
	}
	filter(l.folder.Reference(), "name")
	first := must(collector.WaitForUpdates(t.Context(), ""))(t)
	updates := make(chan *types.UpdateSet)
	go func() {
		set, err := collector.WaitForUpdates(t.Context(), first.Version)
		if err != nil {
			t.Error(err)
		}
		updates <- set
	}()
	filter(l.pool.Reference(), "name")
	select {
	case set := <-updates:
		if object := set.FilterSet[0].ObjectSet[0].Obj; object != l.pool.Reference() {
			t.Errorf("reported %v", object)
		}
	case <-time.After(5 * time.Second):
		t.Error("not reported")
	}
}

func TestSessionsThatWaitAtTheSameTimeAreAllNotified(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web"))
	const sessions = 5
	begun, reported := make(chan struct{}, sessions), make(chan string, sessions)
	for range sessions {
		go func() {
			first := true
			collector := property.DefaultCollector(l.connect().Client) // the session's default collector
			filter := new(property.WaitFilter).Add(vm.Reference(), "VirtualMachine", []string{"config.annotation"})
			_ = property.WaitForUpdates(t.Context(), collector, filter, func(updates []types.ObjectUpdate) bool {
				if first {
					first = false
					begun <- struct{}{}
					return false
				}
				reported <- fmt.Sprint(updates[0].ChangeSet[0].Val)
				return true
			})
		}()
	}
	for range sessions {
		<-begun
	}
	l.result(vm.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{Annotation: "new"}))
	for n := range sessions {
		select {
		case note := <-reported:
			if note != "new" {
				t.Errorf("reported %q", note)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%d of %d were notified", n, sessions)
		}
	}
}

func TestAnUnknownVersionIsRefused(t *testing.T) {
	l := newLab(t)
	_, err := property.DefaultCollector(l.connect().Client).WaitForUpdates(t.Context(), "7")
	isFault[types.InvalidCollectorVersion](l, l.faultOf(err))
}

func TestManyTasksAreWaitedForTogether(t *testing.T) {
	l := newLab(t)
	image, snapshot := l.image("image")
	const count = 60
	var tasks []*object.Task
	for n := range count {
		tasks = append(tasks, must(image.Clone(t.Context(), l.folder, fmt.Sprintf("web%d", n), linked(l, snapshot)))(t))
	}
	pc := must(property.DefaultCollector(l.client.Client).Create(t.Context()))(t)
	filter := new(property.WaitFilter)
	for _, task := range tasks {
		filter.Add(task.Reference(), "Task", []string{"info.state"})
	}
	states := map[ref]string{}
	err := property.WaitForUpdates(t.Context(), pc, filter, func(updates []types.ObjectUpdate) bool {
		for _, update := range updates {
			for _, change := range update.ChangeSet {
				states[update.Obj] = fmt.Sprint(change.Val)
			}
		}
		for _, state := range states {
			if state != "success" {
				return false
			}
		}
		return len(states) == count
	})
	if err != nil {
		t.Error(err)
	}
	if machines := l.server.children(l.folder.Reference()); len(machines) != count+1 {
		t.Errorf("there are %d", len(machines))
	}
}

func TestUnimplementedMethodsAreRefused(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web"))
	l.result(vm.PowerOn(t.Context()))
	_, err := methods.UpgradeVM_Task(t.Context(), l.client.Client, &types.UpgradeVM_Task{This: vm.Reference()})
	isFault[types.NotSupported](l, l.faultOf(err))
	_, err = methods.MountToolsInstaller(t.Context(), l.client.Client, &types.MountToolsInstaller{This: vm.Reference()})
	isFault[types.MethodNotFound](l, l.faultOf(err))
	for _, name := range simulatedOnly {
		if l.server.methods[name] == nil {
			t.Errorf("%s is not refused", name)
		}
	}
}

func TestIdleVMsAreAddedFast(t *testing.T) {
	l := newLab(t)
	must(0, l.server.AddIdle(500, "idle-", nil))(t)
	must(0, l.server.AddIdle(3, "idle-", map[string]string{"gantry.kind": "container"}))(t)
	vms := must(l.finder.VirtualMachineList(t.Context(), "*"))(t)
	if len(vms) != 503 {
		t.Errorf("there are %d", len(vms))
	}
	info := must(l.server.Machine("idle-502"))(t)
	if info.PID != nil || info.MoID == "" {
		t.Errorf("machine %+v", info)
	}
	last := must(l.finder.VirtualMachine(t.Context(), "idle-502"))(t)
	var properties mo.VirtualMachine
	must(0, last.Properties(t.Context(), last.Reference(), []string{"config.extraConfig"}, &properties))(t)
	if options := object.OptionValueList(properties.Config.ExtraConfig).StringMap(); options["gantry.kind"] != "container" {
		t.Errorf("extraConfig %v", options)
	}
	l.expectFiles()
}

func TestDatastoresAreSearched(t *testing.T) {
	l := newLab(t)
	l.upload("gantry/boot.iso", "12345")
	l.create(l.spec("web", scsi(), newDisk(gib)))
	browser := must(l.store.Browser(t.Context()))(t)
	spec := types.HostDatastoreBrowserSearchSpec{MatchPattern: []string{"*.iso"}, Details: &types.FileQueryFlags{FileSize: true, FileType: true, Modification: true}}
	found := l.result(browser.SearchDatastore(t.Context(), "[shared0] gantry", &spec)).(types.HostDatastoreBrowserSearchResults)
	iso, ok := found.File[0].(*types.IsoImageFileInfo)
	if !ok || iso.Path != "boot.iso" || iso.FileSize != 5 || found.FolderPath != "[shared0] gantry/" {
		t.Errorf("found %+v", found)
	}
	all := l.result(browser.SearchDatastoreSubFolders(t.Context(), "[shared0]", nil)).(types.ArrayOfHostDatastoreBrowserSearchResults)
	var paths []string
	for _, folder := range all.HostDatastoreBrowserSearchResults {
		for _, file := range folder.File {
			paths = append(paths, folder.FolderPath+file.GetFileInfo().Path)
		}
	}
	// The extent files behind a disk's descriptor are not listed.
	want := "[[shared0] gantry [shared0] web [shared0] gantry/boot.iso [shared0] web/web.nvram [shared0] web/web.vmdk [shared0] web/web.vmsd [shared0] web/web.vmx]"
	if fmt.Sprint(paths) != want {
		t.Errorf("found %v", paths)
	}
	isFault[types.FileNotFound](l, l.refusal(browser.SearchDatastore(t.Context(), "[shared0] none", &spec)))
	isFault[types.InvalidDatastorePath](l, l.refusal(browser.SearchDatastore(t.Context(), "[none]", &spec)))
	manager := object.NewFileManager(l.client.Client)
	must(0, manager.MakeDirectory(t.Context(), "[shared0] a/b", l.dc, true))(t)
	isFault[types.FileAlreadyExists](l, l.faultOf(manager.MakeDirectory(t.Context(), "[shared0] a", l.dc, true)))
	isFault[types.FileNotFound](l, l.faultOf(manager.MakeDirectory(t.Context(), "[shared0] c/d", l.dc, false)))
	l.result(manager.DeleteDatastoreFile(t.Context(), "[shared0] gantry", l.dc))
	isFault[types.FileNotFound](l, l.refusal(manager.DeleteDatastoreFile(t.Context(), "[shared0] gantry", l.dc)))
	disks := object.NewVirtualDiskManager(l.client.Client)
	isFault[types.FileLocked](l, l.refusal(disks.DeleteVirtualDisk(t.Context(), "[shared0] web/web.vmdk", l.dc)))
}
