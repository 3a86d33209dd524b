// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package authz

import (
	"slices"
	"strings"
	"testing"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// testFacts has the inventory of access_test.go. web is a VM with a disk, a CD drive and an adapter; image is a template.
type testFacts struct {
	testTree
	on bool
}

var (
	image   = vim.Ref{Type: "VirtualMachine", Value: "image"}
	other   = vim.Ref{Type: "Datastore", Value: "other"}
	network = vim.Ref{Type: "Network", Value: "network"}
	backend = vim.Ref{Type: "Network", Value: "backend"}
	running = vim.Ref{Type: "Task", Value: "running"}
	foreign = vim.Ref{Type: "Task", Value: "foreign"}
)

func (testFacts) User() string { return ann }

func (testFacts) Requester(task vim.Ref) string {
	if task == running {
		return `VSPHERE.LOCAL\ANN`
	}
	return admin
}

func (testFacts) Parent(entity vim.Ref) *vim.Ref {
	parent, known := map[vim.Ref]vim.Ref{dc: root, vms: dc, tenant: vms, cluster: dc, pools: cluster, gold: pools, web: tenant,
		image: tenant, store: dc}[entity]
	if !known {
		return nil
	}
	return &parent
}

func (f testFacts) VM(vm vim.Ref) *VM {
	known := &VM{Template: vm == image, IsOn: f.on, Datastores: []vim.Ref{store}, HomePath: "[store] web/web.vmx",
		Devices: []types.BaseVirtualDevice{disk(), cd("a.iso", true), adapter(network)}}
	if !known.Template {
		known.Pool = &gold
	}
	return known
}

func (testFacts) PoolMembers(pool vim.Ref) (pools, vms []vim.Ref) {
	switch pool.Value {
	case "pools":
		return []vim.Ref{gold}, nil
	case "gold":
		return nil, []vim.Ref{web}
	}
	return nil, nil
}

func (testFacts) Datastore(path string) *vim.Ref {
	switch {
	case strings.HasPrefix(path, "[store]"):
		return &store
	case strings.HasPrefix(path, "[other]"):
		return &other
	}
	return nil
}

func (testFacts) Network(backing types.BaseVirtualDeviceBackingInfo) *vim.Ref {
	if named, ok := backing.(*types.VirtualEthernetCardNetworkBackingInfo); ok {
		return named.Network
	}
	return nil
}

func (testFacts) PrivilegesOf(role int32) []string {
	return map[int32][]string{ReadOnly: {SystemRead}, 7: {powerOn}}[role]
}

func (testFacts) Permissions(vim.Ref) []types.Permission {
	return []types.Permission{{Principal: ann, RoleId: 7}}
}

func disk() *types.VirtualDisk {
	return &types.VirtualDisk{CapacityInKB: 1024, VirtualDevice: types.VirtualDevice{Key: 2000,
		Backing: &types.VirtualDiskFlatVer2BackingInfo{VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: "[other] a.vmdk"}}}}
}

func cd(file string, connected bool) *types.VirtualCdrom {
	return &types.VirtualCdrom{VirtualDevice: types.VirtualDevice{Key: 3000,
		Backing:     &types.VirtualCdromIsoBackingInfo{VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: file}},
		Connectable: &types.VirtualDeviceConnectInfo{Connected: connected, StartConnected: true}}}
}

func adapter(on vim.Ref) *types.VirtualVmxnet3 {
	card := &types.VirtualVmxnet3{}
	card.Key, card.Backing = 4000, &types.VirtualEthernetCardNetworkBackingInfo{Network: &on}
	return card
}

func change(operation types.VirtualDeviceConfigSpecOperation, device types.BaseVirtualDevice) *types.VirtualDeviceConfigSpec {
	return &types.VirtualDeviceConfigSpec{Operation: operation, Device: device}
}

const (
	add    = types.VirtualDeviceConfigSpecOperationAdd
	edit   = types.VirtualDeviceConfigSpecOperationEdit
	remove = types.VirtualDeviceConfigSpecOperationRemove
)

func created(device types.BaseVirtualDevice) *types.VirtualDeviceConfigSpec {
	spec := change(add, device)
	spec.FileOperation = types.VirtualDeviceConfigSpecFileOperationCreate
	return spec
}

func larger() *types.VirtualDisk {
	grown := disk()
	grown.CapacityInKB *= 2
	return grown
}

func reconfigure(devices ...types.BaseVirtualDeviceConfigSpec) any {
	return &types.ReconfigVM_Task{Spec: types.VirtualMachineConfigSpec{DeviceChange: devices}}
}

func relocate(spec types.VirtualMachineRelocateSpec) any { return &types.RelocateVM_Task{Spec: spec} }

func TestWhatCallsRequire(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		this   vim.Ref
		body   any
		needs  string // "privilege object, ..."
		on     bool
	}{
		"power on": {"PowerOnVM_Task", web, &types.PowerOnVM_Task{}, "VirtualMachine.Interact.PowerOn web", false},
		"power on of several": {"PowerOnMultiVM_Task", dc, &types.PowerOnMultiVM_Task{Vm: []vim.Ref{web, image}},
			"System.View dc, VirtualMachine.Interact.PowerOn web, VirtualMachine.Interact.PowerOn image", false},

		"deploy a template": {"CloneVM_Task", image, &types.CloneVM_Task{Folder: tenant, Spec: types.VirtualMachineCloneSpec{
			Location: types.VirtualMachineRelocateSpec{Pool: &pools, Datastore: &other}}},
			"VirtualMachine.Provisioning.DeployTemplate image, VirtualMachine.Inventory.CreateFromExisting tenant, " +
				"VirtualMachine.Config.AddNewDisk tenant, Resource.AssignVMToPool pools, Datastore.AllocateSpace other, Network.Assign network", false},
		"clone a VM, changed": {"CloneVM_Task", web, &types.CloneVM_Task{Folder: tenant, Spec: types.VirtualMachineCloneSpec{
			Customization: &types.CustomizationSpec{}, Config: &types.VirtualMachineConfigSpec{NumCPUs: 2,
				ExtraConfig:  []types.BaseOptionValue{&types.OptionValue{Key: "a"}},
				DeviceChange: []types.BaseVirtualDeviceConfigSpec{change(edit, adapter(backend))}}}},
			"VirtualMachine.Provisioning.Clone web, VirtualMachine.Provisioning.Customize web, " +
				"VirtualMachine.Inventory.CreateFromExisting tenant, VirtualMachine.Config.AddNewDisk tenant, " +
				"Resource.AssignVMToPool gold, Datastore.AllocateSpace store, VirtualMachine.Config.CPUCount tenant, " +
				"VirtualMachine.Config.AdvancedConfig tenant, VirtualMachine.Config.EditDevice tenant, Network.Assign backend", false},
		"clone a VM to a template": {"CloneVM_Task", web, &types.CloneVM_Task{Folder: tenant, Spec: types.VirtualMachineCloneSpec{Template: true}},
			"VirtualMachine.Provisioning.CreateTemplateFromVM web, VirtualMachine.Inventory.CreateFromExisting tenant, " +
				"VirtualMachine.Config.AddNewDisk tenant, Datastore.AllocateSpace store, Network.Assign network", false},
		"clone a template": {"CloneVM_Task", image, &types.CloneVM_Task{Folder: tenant, Spec: types.VirtualMachineCloneSpec{Template: true}},
			"VirtualMachine.Provisioning.CloneTemplate image, VirtualMachine.Inventory.CreateFromExisting tenant, " +
				"VirtualMachine.Config.AddNewDisk tenant, Datastore.AllocateSpace store, Network.Assign network", false},
		"instant clone": {"InstantClone_Task", web, &types.InstantClone_Task{},
			"VirtualMachine.Provisioning.Clone web, VirtualMachine.Inventory.CreateFromExisting tenant, Resource.AssignVMToPool gold, " +
				"Datastore.AllocateSpace store, Network.Assign network", true},
		"create": {"CreateVM_Task", tenant, &types.CreateVM_Task{Pool: gold, Config: types.VirtualMachineConfigSpec{Name: "x", NumCPUs: 1,
			Files: &types.VirtualMachineFileInfo{VmPathName: "[store]"}, ExtraConfig: []types.BaseOptionValue{&types.OptionValue{Key: "a"}},
			DeviceChange: []types.BaseVirtualDeviceConfigSpec{change(add, disk()), created(&types.VirtualDisk{}), change(add, adapter(network))}}},
			"VirtualMachine.Inventory.Create tenant, Resource.AssignVMToPool gold, Datastore.AllocateSpace store, " +
				"VirtualMachine.Config.AdvancedConfig tenant, VirtualMachine.Config.AddExistingDisk tenant, " +
				"VirtualMachine.Config.AddNewDisk tenant, Network.Assign network", false},

		"import": {"ImportVApp", gold, &types.ImportVApp{Folder: &tenant, Spec: &types.VirtualMachineImportSpec{
			ConfigSpec: types.VirtualMachineConfigSpec{Name: "x", Files: &types.VirtualMachineFileInfo{VmPathName: "[store]"},
				ExtraConfig:  []types.BaseOptionValue{&types.OptionValue{Key: "a"}},
				DeviceChange: []types.BaseVirtualDeviceConfigSpec{created(&types.VirtualDisk{})}}}},
			"VApp.Import gold, VApp.Import tenant, Datastore.AllocateSpace store, VirtualMachine.Config.AdvancedConfig tenant, " +
				"VirtualMachine.Config.AddNewDisk tenant", false},

		"change settings": {"ReconfigVM_Task", web, &types.ReconfigVM_Task{Spec: types.VirtualMachineConfigSpec{Name: "x", Annotation: "y",
			MemoryMB: 1, GuestId: "z", CpuAllocation: &types.ResourceAllocationInfo{}}},
			"VirtualMachine.Config.Rename web, VirtualMachine.Config.Annotation web, VirtualMachine.Config.Memory web, " +
				"VirtualMachine.Config.Resource web, VirtualMachine.Config.Settings web", false},
		"add a new disk": {"ReconfigVM_Task", web, reconfigure(created(&types.VirtualDisk{})),
			"VirtualMachine.Config.AddNewDisk web, Datastore.AllocateSpace store", false},
		"remove a disk": {"ReconfigVM_Task", web, reconfigure(change(remove, disk())), "VirtualMachine.Config.RemoveDisk web", false},
		"extend a disk": {"ReconfigVM_Task", web, reconfigure(change(edit, larger())),
			"VirtualMachine.Config.DiskExtend web, Datastore.AllocateSpace other", false},
		"another ISO": {"ReconfigVM_Task", web, reconfigure(change(edit, cd("b.iso", true))), "VirtualMachine.Interact.SetCDMedia web", false},
		"disconnect a CD": {"ReconfigVM_Task", web, reconfigure(change(edit, cd("a.iso", false))),
			"VirtualMachine.Interact.DeviceConnection web", false},
		"add an adapter": {"ReconfigVM_Task", web, reconfigure(change(add, adapter(backend))),
			"VirtualMachine.Config.AddRemoveDevice web, Network.Assign backend", false},
		"remove an adapter":  {"ReconfigVM_Task", web, reconfigure(change(remove, adapter(network))), "VirtualMachine.Config.AddRemoveDevice web", false},
		"another network":    {"ReconfigVM_Task", web, reconfigure(change(edit, adapter(backend))), "VirtualMachine.Config.EditDevice web, Network.Assign backend", false},
		"an unknown device":  {"ReconfigVM_Task", web, reconfigure(change(edit, &types.VirtualCdrom{})), "", false},
		"no device":          {"ReconfigVM_Task", web, reconfigure(change(edit, nil)), "", false},
		"the network it has": {"ReconfigVM_Task", web, reconfigure(change(edit, adapter(network))), "VirtualMachine.Config.EditDevice web", false},

		"relocate": {"RelocateVM_Task", web, relocate(types.VirtualMachineRelocateSpec{Pool: &pools, Datastore: &store,
			Disk: []types.VirtualMachineRelocateSpecDiskLocator{{Datastore: other}}}),
			"Resource.ColdMigrate web, Resource.AssignVMToPool pools, Datastore.AllocateSpace store, Datastore.AllocateSpace other", false},
		"relocate while it is on": {"RelocateVM_Task", web, relocate(types.VirtualMachineRelocateSpec{}),
			"Resource.ColdMigrate web, Resource.HotMigrate web", true},
		"relocate to another folder": {"RelocateVM_Task", web, relocate(types.VirtualMachineRelocateSpec{Folder: &vms}),
			"Resource.ColdMigrate web, VirtualMachine.Inventory.Move web, VirtualMachine.Inventory.Move tenant, VirtualMachine.Inventory.Move vms", false},
		"relocate to another vCenter": {"RelocateVM_Task", web, relocate(types.VirtualMachineRelocateSpec{Pool: &pools, Service: &types.ServiceLocator{}}),
			"Resource.ColdMigrate web", false},
		"migrate":                {"MigrateVM_Task", web, &types.MigrateVM_Task{}, "Resource.ColdMigrate web", false},
		"migrate while it is on": {"MigrateVM_Task", web, &types.MigrateVM_Task{Pool: &gold}, "Resource.AssignVMToPool gold, Resource.HotMigrate web", true},

		"destroy a VM":   {"Destroy_Task", web, &types.Destroy_Task{}, "VirtualMachine.Inventory.Delete web, VirtualMachine.Inventory.Delete tenant", false},
		"destroy a pool": {"Destroy_Task", gold, &types.Destroy_Task{}, "Resource.DeletePool gold, Resource.DeletePool pools, Resource.AssignVMToPool pools, Resource.AssignVMToPool web", false},
		"rename":         {"Rename_Task", tenant, &types.Rename_Task{}, "Folder.Rename tenant", false},
		"move into a folder": {"MoveIntoFolder_Task", vms, &types.MoveIntoFolder_Task{List: []vim.Ref{web}},
			"VirtualMachine.Inventory.Move web, VirtualMachine.Inventory.Move tenant, VirtualMachine.Inventory.Move vms", false},
		"move into a pool": {"MoveIntoResourcePool", pools, &types.MoveIntoResourcePool{List: []vim.Ref{web, gold}},
			"Resource.AssignVMToPool web, Resource.AssignVMToPool pools, Resource.MovePool gold, Resource.MovePool pools", false},
		"change a pool": {"UpdateConfig", gold, &types.UpdateConfig{}, "Resource.EditPool gold, Resource.EditPool pools", false},
		"change what is in a pool": {"UpdateChildResourceConfiguration", pools, &types.UpdateChildResourceConfiguration{
			Spec: []types.ResourceConfigSpec{{Entity: &web}, {Entity: &gold}, {}}},
			"VirtualMachine.Config.Resource web, Resource.EditPool gold, Resource.EditPool pools", false},
		"destroy all pools":               {"DestroyChildren", pools, &types.DestroyChildren{}, "Resource.DeletePool pools, Resource.DeletePool gold, Resource.AssignVMToPool pools, Resource.AssignVMToPool web", false},
		"a recommendation":                {"ApplyRecommendation", cluster, &types.ApplyRecommendation{}, "Resource.ApplyRecommendation cluster", false},
		"cancel the task of another user": {"CancelTask", foreign, &types.CancelTask{}, "Global.CancelTask foreign", false},
		"cancel one's own task":           {"CancelTask", running, &types.CancelTask{}, "", false},

		"move a file": {"MoveDatastoreFile_Task", root, &types.MoveDatastoreFile_Task{SourceName: "[store] a", DestinationName: "[other] a", SourceDatacenter: &dc},
			"System.View dc, Datastore.FileManagement store, Datastore.FileManagement other", false},
		"create a virtual disk": {"CreateVirtualDisk_Task", root, &types.CreateVirtualDisk_Task{Name: "[store] a", Datacenter: &dc},
			"System.View root, System.Read dc, Datastore.FileManagement store", false},
		"search files":           {"SearchDatastore_Task", root, &types.SearchDatastore_Task{DatastorePath: "[store] a"}, "Datastore.Browse store", false},
		"search in no datastore": {"SearchDatastore_Task", root, &types.SearchDatastore_Task{DatastorePath: "[none] a"}, "", false},
		"add a role":             {"AddAuthorizationRole", root, &types.AddAuthorizationRole{PrivIds: []string{powerOn}}, "Authorization.ModifyRoles root, VirtualMachine.Interact.PowerOn root", false},
		"grant a role":           {"SetEntityPermissions", root, &types.SetEntityPermissions{Entity: tenant, Permission: []types.Permission{{RoleId: 7}}}, "Authorization.ModifyPermissions tenant, VirtualMachine.Interact.PowerOn tenant", false},
		"take a role away":       {"RemoveEntityPermission", root, &types.RemoveEntityPermission{Entity: tenant, User: ann}, "Authorization.ModifyPermissions tenant, VirtualMachine.Interact.PowerOn tenant", false},
		"replace a role":         {"MergePermissions", root, &types.MergePermissions{SrcRoleId: 7, DstRoleId: ReadOnly}, "Authorization.ReassignRolePermissions root, VirtualMachine.Interact.PowerOn root, System.Read root", false},
		"only who has logged in": {"HttpNfcLeaseComplete", root, &types.HttpNfcLeaseComplete{}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			var needs []string
			for _, need := range Needs(testFacts{on: c.on}, c.method, c.this, c.body) {
				needs = append(needs, need.Privilege+" "+need.On.Value)
			}
			if found := strings.Join(needs, ", "); found != c.needs {
				t.Errorf("\ngot  %s\nwant %s", found, c.needs)
			}
		})
	}
}

func TestWhatAnArrivalFromAnotherVCenterRequires(t *testing.T) {
	needs := ArrivalNeeds(testFacts{}, &types.VirtualMachineRelocateSpec{Folder: &tenant, Pool: &gold, Datastore: &store,
		DeviceChange: []types.BaseVirtualDeviceConfigSpec{change(edit, adapter(backend))}})
	expected := []Need{{"VirtualMachine.Inventory.Register", tenant}, {"Resource.AssignVMToPool", gold}, {"Datastore.AllocateSpace", store},
		{"Network.Assign", backend}}
	if !slices.Equal(needs, expected) {
		t.Errorf("%v", needs)
	}
}

// TestTheTableIsWhole asserts that each privilege exists and that each "+" has its function, and the other way round.
func TestTheTableIsWhole(t *testing.T) {
	known := newRoles().known()
	marked := 0
	for name, one := range rules {
		privileges := sortedKeys(one.arguments)
		for n, argument := range privileges {
			privileges[n] = one.arguments[argument]
		}
		if one.receiver != "" {
			privileges = append(privileges, one.receiver)
		}
		for _, privilege := range privileges {
			if !slices.Contains(known, privilege) {
				t.Errorf("%s: there is no privilege %s", name, privilege)
			}
		}
		if one.more {
			marked++
		}
		if _, exists := more[name]; exists != one.more {
			t.Errorf("%s: marked %v, function %v", name, one.more, exists)
		}
	}
	if marked != len(more) {
		t.Errorf("%d methods are marked, %d have functions", marked, len(more))
	}
	for _, table := range []map[string]string{destroyPrivileges, renamePrivileges, movePrivileges} {
		for kind, privilege := range table {
			if !slices.Contains(known, privilege) || !IsEntity(kind) {
				t.Errorf("%s: %s", kind, privilege)
			}
		}
	}
}

func TestLinesThatAreRefused(t *testing.T) {
	for _, text := range []string{"Login", "Login - x", "Login -\nLogin -"} {
		if _, err := parseRules(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func TestPropertyPrivileges(t *testing.T) {
	for property, expected := range map[[2]string]string{
		{"VirtualMachine", "name"}:                    SystemView,
		{"VirtualMachine", "config.hardware.device"}:  SystemRead,
		{"VirtualMachine", `config.extraConfig["a"]`}: SystemRead,
		{"VirtualMachine", "datastore"}:               SystemView,
		{"Folder", "childEntity"}:                     SystemView,
		{"Datastore", "summary"}:                      SystemRead,
		{"ClusterComputeResource", "host"}:            SystemView,
		{"SessionManager", "sessionList"}:             "Sessions.TerminateSession",
		{"SessionManager", "currentSession"}:          "",
		{"Task", "info"}:                              "",
	} {
		if found := PropertyPrivilege(property[0], property[1]); found != expected {
			t.Errorf("%v requires %q", property, found)
		}
	}
}
