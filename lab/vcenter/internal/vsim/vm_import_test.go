// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/vmware/govmomi/nfc"
	"github.com/vmware/govmomi/ovf"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/config"
)

// browser is a client without cookies.
var browser = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}

func (l *lab) request(method, address string, body io.Reader, adjust ...func(*http.Request)) (int, string) {
	l.Helper()
	request := must(http.NewRequestWithContext(l.Context(), method, address, body))(l)
	for _, change := range adjust {
		change(request)
	}
	response, err := browser.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return response.StatusCode, err.Error()
	}
	return response.StatusCode, string(content)
}

// streamed returns the content of a disk of 64 MiB with data, raw and as an upload stream.
func (l *lab) streamed() (raw, stream []byte) {
	l.Helper()
	directory := l.TempDir()
	raw = make([]byte, 64*mib)
	must(rand.Read(raw[mib : mib+300_000]))(l) // random data does not compress, so the stream is large
	if err := os.WriteFile(filepath.Join(directory, "raw"), raw, 0o600); err != nil {
		l.Fatal(err)
	}
	l.run("qemu-img", "convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized", filepath.Join(directory, "raw"), filepath.Join(directory, "vmdk"))
	return raw, must(os.ReadFile(filepath.Join(directory, "vmdk")))(l)
}

func (l *lab) importSpec(name string) *types.VirtualMachineImportSpec {
	return &types.VirtualMachineImportSpec{ConfigSpec: l.spec(name, scsi(), newDisk(64*mib))}
}

// lease starts an import and waits until it is ready.
func (l *lab) lease(name string) (*nfc.Lease, types.HttpNfcLeaseInfo) {
	l.Helper()
	lease := must(l.pool.ImportVApp(l.Context(), l.importSpec(name), l.folder, nil))(l)
	l.eventually("ready", func() bool { return l.leaseState(lease).State != types.HttpNfcLeaseStateInitializing })
	state := l.leaseState(lease)
	if state.State != types.HttpNfcLeaseStateReady {
		l.Fatalf("the lease is %s: %+v", state.State, state.Error)
	}
	return lease, *state.Info
}

func (l *lab) leaseState(lease *nfc.Lease) mo.HttpNfcLease {
	l.Helper()
	var state mo.HttpNfcLease
	if err := property.DefaultCollector(l.client.Client).RetrieveOne(l.Context(), lease.Reference(), nil, &state); err != nil {
		l.Fatal(err)
	}
	return state
}

func TestAnUploadedDiskBelongsToTheVM(t *testing.T) {
	l := newLab(t)
	raw, stream := l.streamed()
	lease, info := l.lease("image")
	if len(info.DeviceUrl) != 1 || info.LeaseTimeout != 30 || info.TotalDiskCapacityInKB != 64*1024 {
		t.Errorf("lease %+v", info)
	}
	if status, text := l.request(http.MethodPost, info.DeviceUrl[0].Url, bytes.NewReader(stream)); status != http.StatusCreated {
		t.Fatalf("%d: %s", status, text)
	}
	if err := lease.Progress(t.Context(), 50); err != nil {
		t.Error(err)
	}
	if err := lease.Complete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if state := l.leaseState(lease).State; state != types.HttpNfcLeaseStateDone {
		t.Errorf("the lease is %s", state)
	}
	if got := must(os.ReadFile(l.path("image/image-flat.vmdk")))(t); !bytes.Equal(got, raw) {
		t.Error("the disk has another content")
	}
	vm := must(l.finder.VirtualMachine(t.Context(), "image"))(t)
	if vm.Reference() != info.Entity || l.disk(vm).CapacityInBytes != 64*mib {
		t.Errorf("machine %v, disk %+v", vm, l.disk(vm))
	}
	isFault[types.InvalidState](l, l.faultOf(lease.Complete(t.Context())))
	if status, _ := l.request(http.MethodPost, info.DeviceUrl[0].Url, bytes.NewReader(stream)); status != http.StatusNotFound {
		t.Errorf("a finished import takes uploads: %d", status)
	}
	l.expectFiles(filesOfVM("image", "image.vmdk", "image-flat.vmdk")...)
}

func TestAnIncompleteUploadEndsTheImport(t *testing.T) {
	l := newLab(t)
	_, stream := l.streamed()
	damaged := bytes.Clone(stream)
	for n := 70_000; n < 70_100; n++ {
		damaged[n] ^= 0xff
	}
	for name, body := range map[string][]byte{"truncated": stream[:len(stream)/2], "damaged": damaged, "no disk": []byte("hello"), "empty": nil} {
		t.Run(name, func(t *testing.T) {
			lease, info := l.lease("image")
			if status, text := l.request(http.MethodPut, info.DeviceUrl[0].Url, bytes.NewReader(body)); status != http.StatusInternalServerError {
				t.Errorf("%d: %s", status, text)
			}
			state := l.leaseState(lease)
			if state.State != types.HttpNfcLeaseStateError || !strings.Contains(fmt.Sprint(state.Error.LocalizedMessage), "stream-optimized") {
				t.Errorf("the lease is %s: %+v", state.State, state.Error)
			}
			l.expectFiles()
		})
	}
}

func TestAFailedImportLeavesNoVM(t *testing.T) {
	_, stream := newLab(t).streamed()
	for name, test := range map[string]struct {
		give func(*lab, *nfc.Lease, types.HttpNfcLeaseInfo)
		want string
	}{
		"aborted": {func(l *lab, lease *nfc.Lease, _ types.HttpNfcLeaseInfo) { must(0, lease.Abort(l.Context(), nil))(l) }, "*types.RequestCanceled"},
		"silent":  {func(*lab, *nfc.Lease, types.HttpNfcLeaseInfo) {}, "*types.Timedout"},
		"no space": {func(l *lab, _ *nfc.Lease, info types.HttpNfcLeaseInfo) {
			must(0, l.server.SetFree("shared0", 100_000))(l)
			l.request(http.MethodPut, info.DeviceUrl[0].Url, bytes.NewReader(stream))
		}, "*types.NoDiskSpace"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, func(c *config.Config) { c.LeaseTimeoutSeconds = 1 })
			lease, info := l.lease("image")
			test.give(l, lease, info)
			l.eventually("over", func() bool { return l.leaseState(lease).State == types.HttpNfcLeaseStateError })
			if fault := l.leaseState(lease).Error.Fault; fmt.Sprintf("%T", fault) != test.want {
				t.Errorf("the lease has the fault %T", fault)
			}
			l.expectFiles()
			if left := l.server.children(l.folder.Reference()); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

func TestProgressKeepsAnImportAlive(t *testing.T) {
	l := newLab(t, func(c *config.Config) { c.LeaseTimeoutSeconds = 1 })
	lease, _ := l.lease("image")
	for range 5 {
		time.Sleep(300 * time.Millisecond)
		if err := lease.Progress(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
	}
	if err := lease.Complete(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAnInterruptedUploadMayBeTriedAgain(t *testing.T) {
	l := newLab(t)
	_, stream := l.streamed()
	lease, info := l.lease("image")
	broken := io.MultiReader(bytes.NewReader(stream[:len(stream)/2]), iotest.ErrReader(io.ErrUnexpectedEOF))
	if status, _ := l.request(http.MethodPut, info.DeviceUrl[0].Url, broken); status != 0 {
		t.Errorf("answered %d", status)
	}
	if status, text := l.request(http.MethodPut, info.DeviceUrl[0].Url, bytes.NewReader(stream)); status != http.StatusCreated {
		t.Fatalf("%d: %s", status, text)
	}
	inside := l.server.leaseOf(lease.Reference())
	l.eventually("the lab has noticed the lost connection", func() bool {
		inside.mu.Lock()
		defer inside.mu.Unlock()
		return len(inside.transfers) == 0
	})
	if err := lease.Complete(t.Context()); err != nil {
		t.Error(err)
	}
	l.expectFiles(filesOfVM("image", "image.vmdk", "image-flat.vmdk")...)
}

func TestAnImportThatCannotStartReportsTheFault(t *testing.T) {
	l := newLab(t)
	l.create(l.spec("image"))
	lease := must(l.pool.ImportVApp(t.Context(), l.importSpec("image"), l.folder, nil))(t)
	l.eventually("failed", func() bool { return l.leaseState(lease).State == types.HttpNfcLeaseStateError })
	isFault[types.DuplicateName](l, l.leaseState(lease).Error.Fault)
	if err := lease.Abort(t.Context(), nil); err != nil {
		t.Errorf("aborting what has failed: %v", err)
	}
	_, info := l.lease("other")
	address := strings.Replace(info.DeviceUrl[0].Url, nfcPrefix, nfcPrefix+"x", 1)
	if status, _ := l.request(http.MethodPut, address, strings.NewReader("x")); status != http.StatusNotFound {
		t.Errorf("without the ticket: %d", status)
	}
}

func TestAbortingALeaseEndsItsUploads(t *testing.T) {
	l := newLab(t)
	_, stream := l.streamed()
	lease, info := l.lease("image")
	reader, writer := io.Pipe()
	ended := make(chan int)
	go func() {
		status, _ := l.request(http.MethodPut, info.DeviceUrl[0].Url, reader)
		ended <- status
	}()
	must(writer.Write(stream[:100_000]))(t) // the client sends no more data
	inside := l.server.leaseOf(lease.Reference())
	l.eventually("uploading", func() bool {
		inside.mu.Lock()
		defer inside.mu.Unlock()
		return len(inside.transfers) > 0
	})
	isFault[types.InvalidState](l, l.faultOf(lease.Complete(t.Context())))
	if err := lease.Abort(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	l.expectFiles()
	must(0, writer.Close())(t)
	if status := <-ended; status == http.StatusCreated {
		t.Error("the upload was taken")
	}
}

// descriptor returns the descriptor of an OVF package, with an ISO if one is named.
func descriptor(controller, iso string) string {
	files, drive := `<File ovf:href="web.vmdk" ovf:id="file1"/>`, ""
	if iso != "" {
		files += fmt.Sprintf(`<File ovf:href=%q ovf:id="file2"/>`, iso)
		drive = `<Item><rasd:ElementName>IDE 1</rasd:ElementName><rasd:InstanceID>5</rasd:InstanceID><rasd:ResourceType>5</rasd:ResourceType></Item>
			<Item><rasd:ElementName>CD</rasd:ElementName><rasd:HostResource>ovf:/file/file2</rasd:HostResource><rasd:InstanceID>6</rasd:InstanceID>
			<rasd:Parent>5</rasd:Parent><rasd:ResourceType>15</rasd:ResourceType></Item>`
	}
	return `<?xml version="1.0"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
	xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
	xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData">
	<References>` + files + `</References>
	<DiskSection><Info/><Disk ovf:capacity="64" ovf:capacityAllocationUnits="byte * 2^20" ovf:diskId="disk1" ovf:fileRef="file1"/></DiskSection>
	<NetworkSection><Info/><Network ovf:name="VM Network"/></NetworkSection>
	<VirtualSystem ovf:id="web"><Info/><Name>web</Name><OperatingSystemSection ovf:id="36"><Info/></OperatingSystemSection>
	<VirtualHardwareSection><Info/><System><vssd:ElementName>x</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID><vssd:VirtualSystemType>vmx-21</vssd:VirtualSystemType></System>
	<Item><rasd:ElementName>CPU</rasd:ElementName><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>2</rasd:VirtualQuantity></Item>
	<Item><rasd:ElementName>memory</rasd:ElementName><rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>256</rasd:VirtualQuantity></Item>
	<Item><rasd:ElementName>SCSI</rasd:ElementName><rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceSubType>` + controller + `</rasd:ResourceSubType><rasd:ResourceType>6</rasd:ResourceType></Item>
	<Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:ElementName>disk</rasd:ElementName><rasd:HostResource>ovf:/disk/disk1</rasd:HostResource>
	<rasd:InstanceID>4</rasd:InstanceID><rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>` + drive + `
	</VirtualHardwareSection></VirtualSystem></Envelope>`
}

func (l *lab) specFromOVF(text string) *types.OvfCreateImportSpecResult {
	l.Helper()
	return must(ovf.NewManager(l.client.Client).CreateImportSpec(l.Context(), text, l.pool, l.store,
		&types.OvfCreateImportSpecParams{EntityName: "web"}))(l)
}

func TestAnOVFIsImported(t *testing.T) {
	for _, controller := range []string{"VirtualSCSI", "lsilogic"} {
		t.Run(controller, func(t *testing.T) {
			l := newLab(t)
			raw, stream := l.streamed()
			result := l.specFromOVF(descriptor(controller, ""))
			if len(result.Error) != 0 || len(result.FileItem) != 1 {
				t.Fatalf("the descriptor became %+v", result)
			}
			lease := must(l.pool.ImportVApp(t.Context(), result.ImportSpec, l.folder, nil))(t)
			info := must(lease.Wait(t.Context(), result.FileItem))(t)
			if len(info.Items) != 1 || info.Items[0].Path != "web.vmdk" {
				t.Fatalf("to be uploaded: %+v", info.Items)
			}
			if status, text := l.request(http.MethodPost, info.Items[0].URL.String(), bytes.NewReader(stream)); status != http.StatusCreated {
				t.Fatalf("%d: %s", status, text)
			}
			if err := lease.Complete(t.Context()); err != nil {
				t.Fatal(err)
			}
			content := must(os.ReadFile(l.path("web", "disk-0-flat.vmdk")))(t)
			if !bytes.Equal(content, raw) {
				t.Error("the disk has not got what was uploaded")
			}
		})
	}
}

func TestAnOVFThatTheLabCannotImportIsRefused(t *testing.T) {
	l := newLab(t)
	result := l.specFromOVF(descriptor("VirtualSCSI", "config.iso"))
	if len(result.Error) != 1 || !strings.Contains(result.Error[0].LocalizedMessage, "cannot import the file config.iso") {
		t.Errorf("a package with an ISO became %+v", result)
	}
	spec := l.specFromOVF(descriptor("VirtualSCSI", "")).ImportSpec.(*types.VirtualMachineImportSpec)
	spec.ConfigSpec.VAppConfig = &types.VAppConfigSpec{VmConfigSpec: types.VmConfigSpec{Property: []types.VAppPropertySpec{
		{Info: &types.VAppPropertyInfo{Id: "password"}}}}}
	lease := must(l.pool.ImportVApp(t.Context(), spec, l.folder, nil))(t)
	if _, err := lease.Wait(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "vAppConfig") {
		t.Errorf("properties are answered with %v", err)
	}
}
