// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmware/govmomi/nfc"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/config"
)

// written creates a linked clone with data on its own disk and on the image's.
func (l *lab) written(name string) *object.VirtualMachine {
	l.Helper()
	image, snapshot := l.image(name + "-image")
	l.run("qemu-io", "-f", "raw", "-c", "write -P 1 32m 64k", l.path(name+"-image", name+"-image-flat.vmdk"))
	vm := l.clone(image, name, linked(l, snapshot))
	l.run("qemu-io", "-f", "qcow2", "-c", "write -P 2 512 1k", l.dataOf(vm))
	return vm
}

// dataOf returns the file with the data of a VM's first disk.
func (l *lab) dataOf(vm object.Reference) string {
	l.Helper()
	chain := must(l.server.stores.Chain(diskPath(l.disk(vm))))(l)
	return chain[0].Data
}

func (l *lab) exported(lease *nfc.Lease, err error) (*nfc.Lease, *nfc.LeaseInfo) {
	l.Helper()
	must(0, err)(l)
	return lease, must(lease.Wait(l.Context(), nil))(l)
}

// taskOf returns the last task of an entity.
func (l *lab) taskOf(entity object.Reference) types.TaskInfo {
	l.Helper()
	var owner mo.VirtualMachine
	collector := property.DefaultCollector(l.client.Client)
	must(0, collector.RetrieveOne(l.Context(), entity.Reference(), []string{"recentTask"}, &owner))(l)
	var task mo.Task
	must(0, collector.RetrieveOne(l.Context(), owner.RecentTask[len(owner.RecentTask)-1], []string{"info"}, &task))(l)
	return task.Info
}

func TestAnExportedDiskHasTheContentOfItsChain(t *testing.T) {
	l := newLab(t)
	vm := l.written("web")
	lease, info := l.exported(vm.Export(t.Context()))
	device := info.DeviceUrl[0]
	if len(info.DeviceUrl) != 1 || device.Key != "/"+vm.Reference().Value+"/ParaVirtualSCSIController0:0" || device.ImportKey != "" || !*device.Disk ||
		device.SslThumbprint == "" || info.TotalDiskCapacityInKB != 64*1024 || info.Entity != vm.Reference() {
		t.Errorf("lease %+v", info.HttpNfcLeaseInfo)
	}
	if manifest := must(lease.GetManifest(t.Context()))(t); len(manifest) != 0 {
		t.Errorf("before any download: %+v", manifest)
	}
	status, stream := l.request(http.MethodGet, device.Url, nil)
	if status != http.StatusOK {
		t.Fatalf("%d: %s", status, stream)
	}
	file := filepath.Join(t.TempDir(), "disk.vmdk")
	must(0, os.WriteFile(file, []byte(stream), 0o600))(t)
	l.run("qemu-img", "compare", "-f", "vmdk", "-F", "qcow2", file, l.dataOf(vm))
	must(0, lease.Progress(t.Context(), 90))(t)
	sum := sha1.Sum([]byte(stream))
	manifest := must(lease.GetManifest(t.Context()))(t)
	if len(manifest) != 1 || manifest[0].Key != device.Key || manifest[0].Sha1 != hex.EncodeToString(sum[:]) ||
		manifest[0].Size != int64(len(stream)) || manifest[0].Capacity != 64*mib {
		t.Errorf("manifest %+v", manifest)
	}
	if task := l.taskOf(vm); task.State != types.TaskInfoStateRunning || task.DescriptionId != "VirtualMachine.ExportVmLRO" {
		t.Errorf("the task while the lease is held: %+v", task)
	}
	must(0, lease.Complete(t.Context()))(t)
	l.eventually("the task has ended", func() bool { return l.taskOf(vm).State == types.TaskInfoStateSuccess })
	if status, _ := l.request(http.MethodGet, device.Url, nil); status != http.StatusNotFound {
		t.Errorf("after the end: %d", status)
	}
	_, err := lease.GetManifest(t.Context())
	isFault[types.InvalidState](l, l.faultOf(err))
}

func TestTheFirstGrainOfADiskIsReadWithoutTheRest(t *testing.T) {
	l := newLab(t)
	spec := l.spec("web", scsi(), newDisk(40*gib))
	vm := l.create(spec)
	l.run("qemu-io", "-f", "raw", "-c", "write -P 7 512 512", l.path("web", "web-flat.vmdk"))
	before := l.files()
	lease, info := l.exported(vm.Export(t.Context()))
	ctx, stop := context.WithCancel(t.Context())
	request := must(http.NewRequestWithContext(ctx, http.MethodGet, info.DeviceUrl[0].Url, nil))(t)
	response := must(browser.Do(request))(t)
	start := make([]byte, 66<<10)
	must(io.ReadFull(response.Body, start))(t)
	stop()
	must(0, lease.Abort(t.Context(), nil))(t)
	if !strings.HasPrefix(string(start), "KDMV") {
		t.Errorf("the stream begins with %q", start[:8])
	}
	l.eventually("the task has ended", func() bool { return l.taskOf(vm).State == types.TaskInfoStateError })
	isFault[types.RequestCanceled](l, l.taskOf(vm).Error.Fault)
	l.result(vm.PowerOn(t.Context()))
	l.expectFiles(before...)
}

func TestAbortingALeaseEndsItsDownloads(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web", scsi(), newDisk(64*mib)))
	noise := make([]byte, 48*mib) // it does not compress, and fits in no socket's buffer
	must(rand.Read(noise))(t)
	file := must(os.OpenFile(l.path("web", "web-flat.vmdk"), os.O_WRONLY, 0))(t)
	must(file.WriteAt(noise, 0))(t)
	must(0, file.Close())(t)
	lease, info := l.exported(vm.Export(t.Context()))
	request := must(http.NewRequestWithContext(t.Context(), http.MethodGet, info.DeviceUrl[0].Url, nil))(t)
	response := must(browser.Do(request))(t)
	defer response.Body.Close()
	must(io.ReadFull(response.Body, make([]byte, mib)))(t)
	isFault[types.InvalidState](l, l.faultOf(lease.Complete(t.Context())))
	must(0, lease.Abort(t.Context(), nil))(t)
	if _, err := io.Copy(io.Discard, response.Body); err == nil {
		t.Error("the client takes what it has for the whole disk")
	}
}

func TestAVMThatIsExportedIsNotChanged(t *testing.T) {
	l := newLab(t)
	vm := l.written("web")
	lease, _ := l.exported(vm.Export(t.Context()))
	task := l.taskOf(vm)
	for name, refusal := range map[string]types.BaseMethodFault{
		"power on":    l.refusal(vm.PowerOn(t.Context())),
		"destroy":     l.refusal(vm.Destroy(t.Context())),
		"reconfigure": l.refusal(vm.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{Annotation: "changed"})),
	} {
		if fault := isFault[types.TaskInProgress](l, refusal); fault.Task != task.Task {
			t.Errorf("%s: the fault names %v, the export is %v", name, fault.Task, task.Task)
		}
	}
	must(0, lease.Abort(t.Context(), nil))(t)
	l.result(vm.PowerOn(t.Context()))
	fault := isFault[types.InvalidPowerState](l, l.exportRefusal(vm.Export(t.Context())))
	if fault.RequestedState != types.VirtualMachinePowerStatePoweredOff || fault.ExistingState != types.VirtualMachinePowerStatePoweredOn {
		t.Errorf("a running VM: %+v", fault)
	}
}

func (l *lab) exportRefusal(_ *nfc.Lease, err error) types.BaseMethodFault {
	l.Helper()
	return l.faultOf(err)
}

func TestABusyVMIsNotExported(t *testing.T) {
	l := newLab(t)
	vm := l.written("web")
	lock := l.server.operations.of(vm.Reference())
	lock.Lock()
	isFault[types.TaskInProgress](l, l.exportRefusal(vm.Export(t.Context())))
	lock.Unlock()
	lease, _ := l.exported(vm.Export(t.Context()))
	must(0, lease.Complete(t.Context()))(t)
}

func TestTheSnapshotOfARunningVMIsExported(t *testing.T) {
	l := newLab(t)
	vm, snapshot := l.image("web")
	l.run("qemu-io", "-f", "raw", "-c", "write -P 1 0 64k", l.path("web", "web-flat.vmdk"))
	l.result(vm.PowerOn(t.Context()))
	lease, info := l.exported(vm.ExportSnapshot(t.Context(), &snapshot))
	_, stream := l.request(http.MethodGet, info.DeviceUrl[0].Url, nil)
	file := filepath.Join(t.TempDir(), "disk.vmdk")
	must(0, os.WriteFile(file, []byte(stream), 0o600))(t)
	l.run("qemu-img", "compare", "-f", "vmdk", "-F", "raw", file, l.path("web", "web-flat.vmdk"))
	must(0, lease.Complete(t.Context()))(t)
}

func TestADiskThatCannotBeReadEndsTheExport(t *testing.T) {
	l := newLab(t)
	vm := l.written("web")
	lease, info := l.exported(vm.Export(t.Context()))
	data := l.dataOf(vm)
	must(0, os.WriteFile(data, []byte("no overlay"), 0o600))(t)
	if status, text := l.request(http.MethodGet, info.DeviceUrl[0].Url, nil); status == http.StatusOK && !strings.Contains(text, "EOF") {
		t.Errorf("%d: the client takes %d bytes for the disk", status, len(text))
	}
	l.eventually("failed", func() bool { return l.leaseState(lease).State == types.HttpNfcLeaseStateError })
	isFault[types.CannotAccessFile](l, l.leaseState(lease).Error.Fault)
	must(0, os.Remove(data))(t)
	failed := must(vm.Export(t.Context()))(t)
	l.eventually("failed", func() bool { return l.leaseState(failed).State == types.HttpNfcLeaseStateError })
	isFault[types.FileNotFound](l, l.leaseState(failed).Error.Fault)
}

func TestAnExportWithoutProgressTimesOut(t *testing.T) {
	l := newLab(t, func(c *config.Config) { c.LeaseTimeoutSeconds = 1 })
	vm := l.written("web")
	lease, info := l.exported(vm.Export(t.Context()))
	l.eventually("over", func() bool { return l.leaseState(lease).State == types.HttpNfcLeaseStateError })
	isFault[types.Timedout](l, l.leaseState(lease).Error.Fault)
	if status, _ := l.request(http.MethodGet, info.DeviceUrl[0].Url, nil); status != http.StatusNotFound {
		t.Errorf("after the end: %d", status)
	}
	l.result(vm.PowerOn(t.Context())) // the VM is still there
}

func TestLeasesTakeTheRequestsOfTheirPurpose(t *testing.T) {
	l := newLab(t)
	vm := l.written("web")
	_, export := l.exported(vm.Export(t.Context()))
	_, upload := l.lease("image")
	for method, address := range map[string]string{http.MethodPut: export.DeviceUrl[0].Url, http.MethodGet: upload.DeviceUrl[0].Url} {
		if status, _ := l.request(method, address, strings.NewReader("x")); status != http.StatusMethodNotAllowed {
			t.Errorf("%s %s: %d", method, address, status)
		}
	}
}

func TestExportsAreNotChangesInTheLogOfCalls(t *testing.T) {
	l := newLab(t)
	vm := l.written("web")
	l.server.Calls().Reset()
	lease, _ := l.exported(vm.Export(t.Context()))
	must(0, lease.Abort(t.Context(), nil))(t)
	for _, call := range l.server.Calls().All() {
		if call.Mutating {
			t.Errorf("%s is a change", call.Method)
		}
	}
}
