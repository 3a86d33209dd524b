// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// A vCenter for tests with an ordinary API client, and a hypervisor whose guests the tests control.

package vsim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/task"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/config"
	"gantry.invalid/lab/vcenter/internal/machine"
)

const (
	gib      = int64(1) << 30
	mib      = int64(1) << 20
	testUser = "administrator@vsphere.local"
	testPass = "a secret"
)

type lab struct {
	*testing.T
	server  *Server
	url     *url.URL
	http    *httptest.Server
	client  *govmomi.Client
	guests  *guests
	finder  *find.Finder
	dc      *object.Datacenter
	folder  *object.Folder
	pool    *object.ResourcePool
	store   *object.Datastore
	network *object.Network
}

func testConfig(t *testing.T) config.Config {
	return config.Config{StateDir: t.TempDir(), Listen: "127.0.0.1:0", Username: testUser, Password: testPass,
		Inventory: config.Inventory{Datacenter: "DC0", Cluster: "C0",
			Hosts:       config.Hosts{Names: []string{"esx1", "esx2", "esx3"}, CPUs: 8, CPUMHz: 2000, MemoryMB: 4096},
			Datastores:  []config.Datastore{{Name: "shared0", CapacityBytes: 64 * gib}},
			Networks:    []config.Network{{Name: "VM Network", Subnet: "10.77.0.0/20"}, {Name: "Backend", Subnet: "10.78.0.0/20"}},
			Distributed: []config.Distributed{{Switch: "DVS0", PortGroups: []string{"DPG0"}}}},
		Hypervisor: config.HypervisorNone, LeaseTimeoutSeconds: 30}
}

func newLab(t *testing.T, adjust ...func(*config.Config)) *lab {
	t.Helper()
	c := testConfig(t)
	for _, change := range adjust {
		change(&c)
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		t.Fatal(err)
	}
	c.Listen = listener.Addr().String()
	server, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{T: t, server: server, guests: &guests{events: server, on: map[string]machine.Spec{}}}
	server.UseHypervisor(l.guests)
	if err := server.ServeHosts(); err != nil {
		t.Fatal(err)
	}
	l.http = &httptest.Server{Listener: listener, Config: &http.Server{Handler: server.Handler()}}
	l.http.StartTLS()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		l.http.CloseClientConnections()
		l.http.Close()
	})
	l.url = &url.URL{Scheme: "https", Host: c.Listen, Path: "/sdk", User: url.UserPassword(testUser, testPass)}
	l.client = l.connect()
	l.finder = find.NewFinder(l.client.Client)
	l.dc = must(l.finder.DefaultDatacenter(t.Context()))(t)
	l.finder.SetDatacenter(l.dc)
	l.folder = must(l.dc.Folders(t.Context()))(t).VmFolder
	l.pool = must(l.finder.ResourcePool(t.Context(), "C0/Resources"))(t)
	l.store = must(l.finder.Datastore(t.Context(), "shared0"))(t)
	network := must(l.finder.Network(t.Context(), "VM Network"))(t)
	l.network = network.(*object.Network)
	return l
}

func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func (l *lab) connect() *govmomi.Client {
	l.Helper()
	return must(govmomi.NewClient(l.Context(), l.url, true))(l)
}

// result waits for a task and returns its result. The test fails if the task fails.
func (l *lab) result(t *object.Task, err error) types.AnyType {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
	info, err := t.WaitForResult(l.Context())
	if err != nil {
		l.Fatalf("%s: %v", t.Reference(), err)
	}
	return info.Result
}

// refusal returns the fault of a task or call, which must fail.
func (l *lab) refusal(t *object.Task, err error) types.BaseMethodFault {
	l.Helper()
	if err == nil {
		_, err = t.WaitForResult(l.Context())
	}
	return l.faultOf(err)
}

func (l *lab) faultOf(err error) types.BaseMethodFault {
	l.Helper()
	var failed task.Error
	switch {
	case err == nil:
		l.Fatal("it succeeded")
	case errors.As(err, &failed):
		return failed.Fault()
	case soap.IsSoapFault(err):
		fault := soap.ToSoapFault(err).VimFault()
		value := reflect.New(reflect.TypeOf(fault))
		value.Elem().Set(reflect.ValueOf(fault))
		return value.Interface().(types.BaseMethodFault)
	}
	l.Fatalf("not a fault: %v", err)
	return nil
}

func isFault[F any](l *lab, fault types.BaseMethodFault) *F {
	l.Helper()
	typed, ok := any(fault).(*F)
	if !ok {
		l.Fatalf("got %T %+v", fault, fault)
	}
	return typed
}

// spec returns the spec of a small VM.
func (l *lab) spec(name string, devices ...types.BaseVirtualDeviceConfigSpec) types.VirtualMachineConfigSpec {
	return types.VirtualMachineConfigSpec{Name: name, MemoryMB: 256, NumCPUs: 1, GuestId: "other5xLinux64Guest",
		Files: &types.VirtualMachineFileInfo{VmPathName: "[shared0]"}, DeviceChange: devices}
}

func addition(device types.BaseVirtualDevice) *types.VirtualDeviceConfigSpec {
	spec := &types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationAdd, Device: device}
	if disk, ok := device.(*types.VirtualDisk); ok && disk.CapacityInBytes != 0 {
		spec.FileOperation = types.VirtualDeviceConfigSpecFileOperationCreate
	}
	return spec
}

func scsi() types.BaseVirtualDeviceConfigSpec {
	return addition(&types.ParaVirtualSCSIController{VirtualSCSIController: types.VirtualSCSIController{
		VirtualController: types.VirtualController{VirtualDevice: types.VirtualDevice{Key: -1}}}})
}

func newDisk(capacity int64) types.BaseVirtualDeviceConfigSpec {
	return addition(&types.VirtualDisk{VirtualDevice: types.VirtualDevice{Key: -2, ControllerKey: -1,
		Backing: &types.VirtualDiskFlatVer2BackingInfo{ThinProvisioned: types.NewBool(true)}}, CapacityInBytes: capacity})
}

func existingDisk(file string) types.BaseVirtualDeviceConfigSpec {
	return addition(&types.VirtualDisk{VirtualDevice: types.VirtualDevice{Key: -2, ControllerKey: -1,
		Backing: &types.VirtualDiskFlatVer2BackingInfo{VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: file}}}})
}

func card(network, address string) types.BaseVirtualDeviceConfigSpec {
	device := &types.VirtualVmxnet3{}
	device.Key = -3
	device.Backing = &types.VirtualEthernetCardNetworkBackingInfo{
		VirtualDeviceDeviceBackingInfo: types.VirtualDeviceDeviceBackingInfo{DeviceName: network}}
	device.MacAddress = address
	if address != "" {
		device.AddressType = "manual"
	}
	return addition(device)
}

func cd(file string) types.BaseVirtualDeviceConfigSpec {
	return addition(&types.VirtualCdrom{VirtualDevice: types.VirtualDevice{Key: -4, ControllerKey: 200,
		Backing:     &types.VirtualCdromIsoBackingInfo{VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: file}},
		Connectable: &types.VirtualDeviceConnectInfo{StartConnected: true}}})
}

func (l *lab) create(spec types.VirtualMachineConfigSpec) *object.VirtualMachine {
	l.Helper()
	created := l.result(l.folder.CreateVM(l.Context(), spec, l.pool, nil))
	return object.NewVirtualMachine(l.client.Client, created.(types.ManagedObjectReference))
}

// image creates a VM as a source of clones: with a disk, an adapter and a snapshot.
func (l *lab) image(name string) (*object.VirtualMachine, ref) {
	l.Helper()
	spec := l.spec(name, scsi(), newDisk(64*mib), card("VM Network", ""))
	spec.Annotation, spec.Firmware = "an image", "efi"
	spec.ExtraConfig = []types.BaseOptionValue{&types.OptionValue{Key: "gantry.kind", Value: "image"}}
	vm := l.create(spec)
	snapshot := l.result(vm.CreateSnapshot(l.Context(), "base", "", false, false)).(ref)
	return vm, snapshot
}

func linked(l *lab, snapshot ref) types.VirtualMachineCloneSpec {
	pool := l.pool.Reference()
	return types.VirtualMachineCloneSpec{Snapshot: &snapshot, Location: types.VirtualMachineRelocateSpec{Pool: &pool,
		DiskMoveType: string(types.VirtualMachineRelocateDiskMoveOptionsCreateNewChildDiskBacking)}}
}

func (l *lab) clone(source *object.VirtualMachine, name string, spec types.VirtualMachineCloneSpec) *object.VirtualMachine {
	l.Helper()
	created := l.result(source.Clone(l.Context(), l.folder, name, spec))
	return object.NewVirtualMachine(l.client.Client, created.(types.ManagedObjectReference))
}

func (l *lab) read(vm object.Reference) mo.VirtualMachine {
	l.Helper()
	var read mo.VirtualMachine
	if err := property.DefaultCollector(l.client.Client).RetrieveOne(l.Context(), vm.Reference(), nil, &read); err != nil {
		l.Fatal(err)
	}
	return read
}

func (l *lab) option(vm object.Reference, key string) string {
	l.Helper()
	return optionValue(l.read(vm).Config.ExtraConfig, key)
}

func (l *lab) disk(vm object.Reference) *types.VirtualDisk {
	l.Helper()
	return disksOf(l.read(vm).Config.Hardware.Device)[0]
}

func backing(disk *types.VirtualDisk) *types.VirtualDiskFlatVer2BackingInfo {
	return disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
}

// path returns the absolute path of a file on the datastore.
func (l *lab) path(elements ...string) string {
	return filepath.Join(append([]string{l.server.config.StateDir, "datastores", "shared0"}, elements...)...)
}

// files lists the files on the datastore.
func (l *lab) files() []string {
	l.Helper()
	var files []string
	err := filepath.WalkDir(l.path(), func(file string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, strings.TrimPrefix(file, l.path()+"/"))
		}
		return err
	})
	if err != nil {
		l.Fatal(err)
	}
	slices.Sort(files)
	return files
}

func (l *lab) expectFiles(want ...string) {
	l.Helper()
	slices.Sort(want)
	if got := l.files(); !slices.Equal(got, want) {
		l.Errorf("the datastore has\n %q, want\n %q", got, want)
	}
}

func filesOfVM(name string, disks ...string) []string {
	files := []string{name + ".vmx", name + ".nvram", name + ".vmsd"}
	for n := range files {
		files[n] = name + "/" + files[n]
	}
	for _, disk := range disks {
		files = append(files, name+"/"+disk)
	}
	return files
}

func (l *lab) run(program string, arguments ...string) string {
	l.Helper()
	output, err := exec.Command(program, arguments...).CombinedOutput()
	if err != nil {
		l.Fatalf("%s %v: %v: %s", program, arguments, err, output)
	}
	return string(output)
}

// eventually waits until a condition holds.
func (l *lab) eventually(what string, holds func() bool) {
	l.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			l.Fatalf("not in time: %s", what)
		}
	}
}

// guests is a hypervisor that runs nothing.
type guests struct {
	events  machine.Events
	refuse  error
	started []machine.Spec
	forks   int

	suspended []string // ids

	mu      sync.Mutex
	on      map[string]machine.Spec
	traffic map[string]machine.Traffic
}

func (g *guests) Start(spec machine.Spec) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refuse != nil {
		return g.refuse
	}
	g.on[spec.ID] = spec
	g.started = append(g.started, spec)
	return nil
}

func (g *guests) end(id, reason string) error {
	g.mu.Lock()
	_, on := g.on[id]
	delete(g.on, id)
	g.mu.Unlock()
	if !on {
		return fmt.Errorf("VM %s is not on", id)
	}
	go g.events.Off(id, reason)
	return nil
}

func (g *guests) PowerButton(id string) error { return g.end(id, machine.OffGuest) }
func (g *guests) Kill(id string) error        { return g.end(id, machine.OffKilled) }

// Quiesce fails, as it does with the guests of container VMs.
func (g *guests) Quiesce(id string) error { return fmt.Errorf("the guest of VM %s refuses", id) }

// SetGuestInfo records what a client has set while the VM runs.
func (g *guests) SetGuestInfo(id string, values map[string]string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	spec, on := g.on[id]
	if !on {
		return fmt.Errorf("VM %s is not on", id)
	}
	spec.GuestInfo = maps.Clone(spec.GuestInfo)
	maps.Copy(spec.GuestInfo, values)
	g.on[id] = spec
	return nil
}

// Restart reports the restart at once.
func (g *guests) Restart(id string) error {
	g.mu.Lock()
	_, on := g.on[id]
	g.mu.Unlock()
	if !on {
		return fmt.Errorf("VM %s is not on", id)
	}
	g.events.Restarted(id)
	return nil
}

func (g *guests) Suspend(id string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refuse != nil {
		return g.refuse
	}
	g.suspended = append(g.suspended, id)
	return nil
}

// Resume reports the guest again, as the VMX has it do.
func (g *guests) Resume(spec machine.Spec) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refuse != nil {
		return g.refuse
	}
	if !slices.Contains(g.suspended, spec.ID) {
		return fmt.Errorf("VM %s is not suspended", spec.ID)
	}
	g.suspended = slices.DeleteFunc(g.suspended, func(id string) bool { return id == spec.ID })
	g.on[spec.ID] = spec
	go g.events.Guest(spec.ID, machine.GuestInfo{Hostname: spec.Name})
	return nil
}

// Relay fails: there are no tools.
func (g *guests) Relay(context.Context, string, []byte) ([]byte, error) {
	return nil, machine.ErrNoTools
}

func (g *guests) Migrate(id string, to machine.Spec, copyFiles func() error) (machine.Move, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, on := g.on[id]; !on {
		return machine.Move{}, fmt.Errorf("VM %s is not on", id)
	}
	if g.refuse != nil {
		return machine.Move{}, g.refuse
	}
	if copyFiles != nil {
		if err := copyFiles(); err != nil {
			return machine.Move{}, err
		}
	}
	g.on[id] = to
	return machine.Move{Mode: machine.MoveStopCopy, Pause: 250 * time.Millisecond}, nil
}

func (g *guests) Fork(id string, continued, clone machine.Spec) (machine.Move, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, on := g.on[id]; !on {
		return machine.Move{}, fmt.Errorf("VM %s is not on", id)
	}
	if g.refuse != nil {
		return machine.Move{}, g.refuse
	}
	g.on[id], g.on[clone.ID] = continued, clone
	g.forks++
	return machine.Move{Mode: machine.MoveStopCopy}, nil
}

func (g *guests) Grow(id string, cpus int, memoryMB int64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	spec, on := g.on[id]
	if !on {
		return fmt.Errorf("VM %s is not on", id)
	}
	if g.refuse != nil {
		return g.refuse
	}
	spec.CPUs, spec.MemoryMB = cpus, memoryMB
	g.on[id] = spec
	return nil
}

func (g *guests) Info(id string) (machine.Info, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, on := g.on[id]
	return machine.Info{PID: 4711, CPUSeconds: 1.5, Console: "/console"}, on
}

// Traffic returns what the test has set.
func (g *guests) Traffic(id string) (machine.Traffic, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	traffic, measured := g.traffic[id]
	return traffic, measured
}

func (g *guests) Dial(ctx context.Context, ip string, port int) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
}

func (g *guests) Close() error { return nil }

// Connect records the networks of the VM's adapters.
func (g *guests) Connect(id string, networks []string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	spec := g.on[id]
	spec.NICs = slices.Clone(spec.NICs)
	for n, network := range networks {
		spec.NICs[n].Network = network
	}
	g.on[id] = spec
	return nil
}

// connected returns the networks of a running VM's adapters.
func (g *guests) connected(id string) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var networks []string
	for _, nic := range g.on[id].NICs {
		networks = append(networks, nic.Network)
	}
	return networks
}

// running returns the specification of a running VM.
func (g *guests) running(id string) machine.Spec {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.on[id]
}

func (g *guests) lastStarted() machine.Spec {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.started[len(g.started)-1]
}

// upload writes a file to the datastore over HTTP.
func (l *lab) upload(name, content string) {
	l.Helper()
	if folder := filepath.Dir(name); folder != "." {
		if err := os.MkdirAll(l.path(folder), 0o700); err != nil {
			l.Fatal(err)
		}
	}
	if err := l.store.Upload(l.Context(), strings.NewReader(content), name, nil); err != nil {
		l.Fatal(err)
	}
}
