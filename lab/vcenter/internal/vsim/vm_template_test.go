// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"slices"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"
)

// templateOn returns a template with a snapshot on a host.
func (l *lab) templateOn(host string) (*object.VirtualMachine, ref) {
	l.Helper()
	vm, snapshot := l.image("image")
	l.move(vm, types.VirtualMachineRelocateSpec{Host: l.host(host)})
	if err := vm.MarkAsTemplate(l.Context()); err != nil {
		l.Fatal(err)
	}
	return vm, snapshot
}

func (l *lab) hostNamed(name string) *object.HostSystem {
	l.Helper()
	return must(l.finder.HostSystem(l.Context(), name))(l)
}

// cloneOn is a linked clone on the host esx3.
func cloneOn(l *lab, snapshot ref) types.VirtualMachineCloneSpec {
	spec := linked(l, snapshot)
	spec.Location.Host = l.host("esx3")
	return spec
}

func (l *lab) setDRS(enabled bool) {
	l.Helper()
	cluster := must(l.finder.ClusterComputeResource(l.Context(), "C0"))(l)
	drs := &types.ClusterDrsConfigInfo{Enabled: types.NewBool(enabled)}
	l.result(cluster.Reconfigure(l.Context(), &types.ClusterConfigSpecEx{DrsConfig: drs}, true))
}

func TestACloneIsRefusedWhileTheHostOfItsSourceIsNotUsable(t *testing.T) {
	l := newLab(t, sites)
	template, snapshot := l.templateOn("esx1")
	host := l.hostNamed("esx1")
	refused := func() {
		t.Helper()
		fault := isFault[types.InvalidHostState](l, l.refusal(template.Clone(t.Context(), l.folder, "web", cloneOn(l, snapshot))))
		if fault.Host == nil || *fault.Host != host.Reference() {
			t.Errorf("the fault is of host %v", fault.Host)
		}
	}
	l.result(host.EnterMaintenanceMode(t.Context(), 0, false, nil))
	refused()
	l.result(host.ExitMaintenanceMode(t.Context(), 0))
	l.clone(template, "web", cloneOn(l, snapshot))
	l.result(host.Disconnect(t.Context()))
	refused()
	l.result(host.Reconnect(t.Context(), nil, nil))
	running := l.create(l.spec("busy"))
	l.move(running, types.VirtualMachineRelocateSpec{Host: l.host("esx1")})
	l.setDRS(false)
	l.result(running.PowerOn(t.Context()))
	must(host.EnterMaintenanceMode(t.Context(), 0, false, nil))(t)
	l.eventually("the host is entering maintenance mode", func() bool { return l.server.maintenance.isEntering(host.Reference()) })
	refused()
}

func TestATemplateBecomesAVMOnTheHostOfTheCall(t *testing.T) {
	l := newLab(t, sites)
	template, _ := l.templateOn("esx1")
	l.result(l.hostNamed("esx1").EnterMaintenanceMode(t.Context(), 0, false, nil))
	isFault[types.InvalidHostState](l, l.faultOf(template.MarkAsVirtualMachine(t.Context(), *l.pool, nil)))
	l.setDRS(false)
	if fault := isFault[types.InvalidArgument](l, l.faultOf(template.MarkAsVirtualMachine(t.Context(), *l.pool, nil))); fault.InvalidProperty != "host" {
		t.Errorf("the property is %q", fault.InvalidProperty)
	}
	other := l.hostNamed("esx4")
	isFault[types.InvalidArgument](l, l.faultOf(template.MarkAsVirtualMachine(t.Context(), *l.pool, other)))
	if err := template.MarkAsVirtualMachine(t.Context(), *l.pool, l.hostNamed("esx2")); err != nil {
		t.Fatal(err)
	}
	if read := l.read(template); *read.Runtime.Host != *l.host("esx2") || read.Config.Template {
		t.Errorf("it is on %v, template %v", read.Runtime.Host, read.Config.Template)
	}
	if err := template.MarkAsTemplate(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.result(l.hostNamed("esx2").Disconnect(t.Context()))
	isFault[types.InvalidHostState](l, l.faultOf(template.MarkAsVirtualMachine(t.Context(), *l.pool, l.hostNamed("esx3"))))
}

func TestATemplateStaysOnAHostThatEntersMaintenanceMode(t *testing.T) {
	l := newLab(t, sites)
	template, _ := l.templateOn("esx1")
	host := l.hostNamed("esx1")
	l.result(host.EnterMaintenanceMode(t.Context(), 0, true, nil))
	if read := l.read(template); *read.Runtime.Host != host.Reference() {
		t.Errorf("it is on %v", read.Runtime.Host)
	}
	l.result(host.ExitMaintenanceMode(t.Context(), 0))
	l.setDRS(false)
	isFault[types.Timedout](l, l.refusal(host.EnterMaintenanceMode(t.Context(), 1, true, nil)))
}

func TestAnUnregisteredTemplateIsRegisteredOnAnotherHost(t *testing.T) {
	l := newLab(t, sites)
	template, snapshot := l.templateOn("esx1")
	before := l.read(template)
	path := before.Config.Files.VmPathName
	clone := l.clone(template, "web", cloneOn(l, snapshot))
	register := func(asTemplate bool, pool *object.ResourcePool, host string) (*object.Task, error) {
		return l.folder.RegisterVM(t.Context(), path, "", asTemplate, pool, l.hostNamed(host))
	}
	isFault[types.AlreadyExists](l, l.refusal(register(true, nil, "esx2")))
	l.result(l.hostNamed("esx1").Disconnect(t.Context()))
	files := l.files()
	if err := template.Unregister(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.expectFiles(files...)
	isFault[types.InvalidHostState](l, l.refusal(register(true, nil, "esx1")))
	isFault[types.InvalidArgument](l, l.refusal(register(true, l.pool, "esx2")))
	isFault[types.InvalidArgument](l, l.refusal(register(false, nil, "esx2")))
	isFault[types.NotFound](l, l.refusal(l.folder.RegisterVM(t.Context(), "[shared0] none/none.vmx", "", true, nil, l.hostNamed("esx2"))))
	again := object.NewVirtualMachine(l.client.Client, l.result(register(true, nil, "esx2")).(ref))
	read := l.read(again)
	if again.Reference() == template.Reference() || read.Name != "image" || !read.Config.Template || read.ResourcePool != nil ||
		*read.Runtime.Host != *l.host("esx2") || optionValue(read.Config.ExtraConfig, "gantry.kind") != "image" ||
		read.Config.InstanceUuid != before.Config.InstanceUuid {
		t.Errorf("it is %s on %v: %+v", read.Name, read.Runtime.Host, read.Config)
	}
	current := read.Snapshot.CurrentSnapshot
	if *current == snapshot || read.Snapshot.RootSnapshotList[0].Snapshot != *current || read.Snapshot.RootSnapshotList[0].Vm != again.Reference() {
		t.Errorf("its snapshots are %+v", read.Snapshot)
	}
	second := l.clone(again, "web2", cloneOn(l, *current))
	// Its disk is still the one of the clones, and is removed with the last of them.
	l.result(again.Destroy(t.Context()))
	l.result(clone.Destroy(t.Context()))
	l.result(second.Destroy(t.Context()))
	if left := l.files(); slices.ContainsFunc(left, func(name string) bool { return name != "" }) {
		t.Errorf("files are left: %v", left)
	}
	isFault[types.NotFound](l, l.refusal(register(true, nil, "esx2")))
}

func TestAVMIsRegisteredInAPool(t *testing.T) {
	l := newLab(t, sites)
	vm := l.create(l.spec("web", scsi(), newDisk(16*mib)))
	path := l.read(vm).Config.Files.VmPathName
	if err := vm.Unregister(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := l.result(l.folder.RegisterVM(t.Context(), path, "db", false, l.pool, l.hostNamed("esx2"))).(ref)
	read := l.read(object.NewVirtualMachine(l.client.Client, again))
	if read.Name != "db" || read.Config.Template || *read.ResourcePool != l.pool.Reference() {
		t.Errorf("it is %s in %v", read.Name, read.ResourcePool)
	}
	l.expectEvents(again, 0, "VmRegisteredEvent")
	l.result(object.NewVirtualMachine(l.client.Client, again).PowerOn(t.Context()))
}
