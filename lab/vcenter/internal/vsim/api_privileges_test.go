// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/view"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/authz"
)

const (
	annUser = "ann@vsphere.local"
	annPass = "ann's"
)

// ann adds a user, gives her a role on objects, and logs in.
func (l *lab) ann(role int32, on ...ref) *govmomi.Client {
	l.Helper()
	if err := l.server.AddUser(authz.User{Name: annUser, Password: annPass}); err != nil {
		l.Fatal(err)
	}
	l.give(role, on...)
	return l.login(annUser, annPass)
}

func (l *lab) login(user, password string) *govmomi.Client {
	l.Helper()
	address := *l.url
	address.User = url.UserPassword(user, password)
	return must(govmomi.NewClient(l.Context(), &address, true))(l)
}

func (l *lab) give(role int32, on ...ref) {
	l.Helper()
	manager := object.NewAuthorizationManager(l.client.Client)
	for _, entity := range on {
		err := manager.SetEntityPermissions(l.Context(), entity, []types.Permission{{Principal: annUser, RoleId: role, Propagate: true}})
		if err != nil {
			l.Fatal(err)
		}
	}
}

func (l *lab) role(name string, privileges ...string) int32 {
	l.Helper()
	return must(object.NewAuthorizationManager(l.client.Client).AddRole(l.Context(), name, privileges))(l)
}

func TestAReadOnlyUserReadsAndChangesNothing(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web"))
	client := l.ann(authz.ReadOnly, l.client.ServiceContent.RootFolder)
	seen := object.NewVirtualMachine(client.Client, vm.Reference())
	var read mo.VirtualMachine
	if err := seen.Properties(t.Context(), vm.Reference(), []string{"name", "config", "effectiveRole"}, &read); err != nil {
		t.Fatal(err)
	}
	if read.Name != "web" || read.Config == nil || !slices.Equal(read.EffectiveRole, []int32{authz.ReadOnly}) {
		t.Errorf("%+v", read)
	}
	_, err := seen.PowerOn(t.Context())
	fault := isFault[types.NoPermission](l, l.faultOf(err))
	expected := types.NoPermission{Object: refTo(vm), PrivilegeId: "VirtualMachine.Interact.PowerOn",
		MissingPrivileges: []types.NoPermissionEntityPrivileges{{Entity: vm.Reference(), PrivilegeIds: []string{"VirtualMachine.Interact.PowerOn"}}}}
	if !reflect.DeepEqual(*fault, expected) {
		t.Errorf("%+v", fault)
	}
	if text := soap.ToSoapFault(err).String; text != "Permission to perform this operation was denied." {
		t.Error(text)
	}
}

func refTo(object mo.Reference) *ref {
	reference := object.Reference()
	return &reference
}

// TestACallNamesAllThatIsMissing is for a call that requires privileges on several objects.
func TestACallNamesAllThatIsMissing(t *testing.T) {
	l := newLab(t)
	client := l.ann(authz.ReadOnly, l.client.ServiceContent.RootFolder)
	folder := object.NewFolder(client.Client, l.folder.Reference())
	_, err := folder.CreateVM(t.Context(), l.spec("web", scsi(), newDisk(gib)), l.pool, nil)
	fault := isFault[types.NoPermission](l, l.faultOf(err))
	expected := []types.NoPermissionEntityPrivileges{
		{Entity: l.folder.Reference(), PrivilegeIds: []string{"VirtualMachine.Inventory.Create", "VirtualMachine.Config.AddNewDisk"}},
		{Entity: l.pool.Reference(), PrivilegeIds: []string{"Resource.AssignVMToPool"}},
		{Entity: l.store.Reference(), PrivilegeIds: []string{"Datastore.AllocateSpace"}}}
	if !reflect.DeepEqual(fault.MissingPrivileges, expected) {
		t.Errorf("%+v", fault.MissingPrivileges)
	}
}

func TestAUserWithoutPermissionsCannotLogIn(t *testing.T) {
	l := newLab(t)
	if err := l.server.AddUser(authz.User{Name: annUser, Password: annPass}); err != nil {
		t.Fatal(err)
	}
	address := *l.url
	address.User = url.UserPassword(annUser, annPass)
	_, err := govmomi.NewClient(t.Context(), &address, true)
	isFault[types.NoPermission](l, l.faultOf(err))
	address.User = url.UserPassword(annUser, "guess")
	_, err = govmomi.NewClient(t.Context(), &address, true)
	isFault[types.InvalidLogin](l, l.faultOf(err))
}

// TestATenantSeesTheFolderAndWhatLeadsToIt has a user with a permission on one folder only.
func TestATenantSeesTheFolderAndWhatLeadsToIt(t *testing.T) {
	l := newLab(t)
	hidden := l.create(l.spec("hidden"))
	folder := must(l.folder.CreateFolder(t.Context(), "tenant"))(t)
	own := l.create(l.spec("own"))
	l.result(folder.MoveInto(t.Context(), []ref{own.Reference()}))
	client := l.ann(authz.ReadOnly, folder.Reference())

	manager := view.NewManager(client.Client)
	all := must(manager.CreateContainerView(t.Context(), client.ServiceContent.RootFolder, nil, true))(t)
	var entities []mo.ManagedEntity
	if err := all.Retrieve(t.Context(), []string{"ManagedEntity"}, []string{"name"}, &entities); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entity := range entities {
		names = append(names, entity.Name)
	}
	slices.Sort(names)
	// The VM's pool gives no access. The root folders are one with their datacenter.
	if expected := []string{"DC0", "datastore", "host", "network", "own", "tenant", "vm"}; !slices.Equal(names, expected) {
		t.Errorf("sees %q", names)
	}
	find := func(path string) *ref {
		return must(methods.FindByInventoryPath(t.Context(), client, &types.FindByInventoryPath{
			This: *client.ServiceContent.SearchIndex, InventoryPath: path}))(t).Returnval
	}
	if find("DC0/vm/hidden") != nil || find("DC0/vm/tenant/own") == nil {
		t.Error("the search finds what is hidden, or does not find the own VM")
	}
	// Named by the client, a hidden object is there, and nothing of it can be read; only the name of what leads to the folder can.
	missing := l.missing(client.Client, hidden.Reference(), "name", "config.name")
	if !reflect.DeepEqual(missing, map[string]string{"name": "System.View", "config.name": "System.Read"}) {
		t.Errorf("of the hidden VM: %v", missing)
	}
	if missing := l.missing(client.Client, l.dc.Reference(), "name", "datastore"); !reflect.DeepEqual(missing, map[string]string{"datastore": "System.Read"}) {
		t.Errorf("of the datacenter: %v", missing)
	}
}

// missing returns the privileges that reading properties of an object lacks.
func (l *lab) missing(client *vim25.Client, object ref, paths ...string) map[string]string {
	l.Helper()
	answer := must(methods.RetrievePropertiesEx(l.Context(), client, &types.RetrievePropertiesEx{
		This: client.ServiceContent.PropertyCollector, SpecSet: []types.PropertyFilterSpec{{
			PropSet:   []types.PropertySpec{{Type: object.Type, PathSet: paths}},
			ObjectSet: []types.ObjectSpec{{Obj: object}}}}}))(l)
	found := map[string]string{}
	for _, property := range answer.Returnval.Objects[0].MissingSet {
		found[property.Path] = property.Fault.Fault.(*types.NoPermission).PrivilegeId
	}
	return found
}

// TestUpdatesHideWhatCannotBeRead has two VMs in one filter, of which the user may read one.
func TestUpdatesHideWhatCannotBeRead(t *testing.T) {
	l := newLab(t)
	hidden, web := l.create(l.spec("hidden")), l.create(l.spec("web"))
	client := l.ann(authz.ReadOnly, web.Reference())
	l.give(authz.NoAccess, hidden.Reference())
	collector := must(property.DefaultCollector(client.Client).Create(t.Context()))(t)
	filter := types.CreateFilter{Spec: types.PropertyFilterSpec{
		PropSet:   []types.PropertySpec{{Type: "VirtualMachine", PathSet: []string{"name", "effectiveRole"}}},
		ObjectSet: []types.ObjectSpec{{Obj: hidden.Reference()}, {Obj: web.Reference()}}}}
	if _, err := collector.CreateFilter(t.Context(), filter); err != nil {
		t.Fatal(err)
	}
	answer := must(methods.WaitForUpdatesEx(t.Context(), client, &types.WaitForUpdatesEx{This: collector.Reference()}))(t)
	updates := answer.Returnval.FilterSet[0].ObjectSet
	if len(updates) != 1 || updates[0].Obj != web.Reference() {
		t.Fatalf("%+v", updates)
	}
	for _, change := range updates[0].ChangeSet {
		if roles, ok := change.Val.(types.ArrayOfInt); change.Name == "effectiveRole" && (!ok || !slices.Equal(roles.Int, []int32{authz.ReadOnly})) {
			t.Errorf("%+v", change)
		}
	}
}

func TestFilesOverHTTPRequirePrivilegesOnDatacenterAndDatastore(t *testing.T) {
	l := newLab(t)
	files, browse := l.role("files", authz.FileManagement), l.role("browse", authz.Browse)
	l.ann(files, l.store.Reference())
	put := func() int {
		address := url.URL{Scheme: "https", Host: l.url.Host, Path: "/folder/file", RawQuery: "dsName=shared0&dcPath=DC0"}
		request := must(http.NewRequestWithContext(t.Context(), http.MethodPut, address.String(), strings.NewReader("x")))(t)
		request.SetBasicAuth(annUser, annPass)
		response := must(l.http.Client().Do(request))(t)
		response.Body.Close()
		return response.StatusCode
	}
	if status := put(); status != http.StatusUnauthorized {
		t.Errorf("with the privilege on the datastore only: %d", status)
	}
	l.give(files, l.dc.Reference())
	if status := put(); status != http.StatusUnauthorized {
		t.Errorf("without a look at the datastore: %d", status)
	}
	l.give(browse, l.store.Reference())
	if status := put(); status != http.StatusCreated {
		t.Errorf("with both privileges: %d", status)
	}
}

func TestNobodyGivesMoreThanTheyHave(t *testing.T) {
	l := newLab(t)
	less, more := l.role("less", "VirtualMachine.Interact.PowerOn"), l.role("more", "VirtualMachine.Interact.Reset")
	folder := must(l.folder.CreateFolder(t.Context(), "tenant"))(t).Reference()
	client := l.ann(l.role("delegate", "Authorization.ModifyPermissions", "VirtualMachine.Interact.PowerOn"), folder)
	manager := object.NewAuthorizationManager(client.Client)
	bob := authz.User{Name: "bob@vsphere.local", Password: "bob's"}
	if err := l.server.AddUser(bob); err != nil {
		t.Fatal(err)
	}
	set := func(role int32) error {
		return manager.SetEntityPermissions(t.Context(), folder, []types.Permission{{Principal: bob.Name, RoleId: role, Propagate: true}})
	}
	if err := set(less); err != nil {
		t.Error(err)
	}
	if privilege := isFault[types.NoPermission](l, l.faultOf(set(more))).PrivilegeId; privilege != "VirtualMachine.Interact.Reset" {
		t.Error(privilege)
	}
	_, err := manager.AddRole(t.Context(), "own", nil)
	if privilege := isFault[types.NoPermission](l, l.faultOf(err)).PrivilegeId; privilege != "Authorization.ModifyRoles" {
		t.Error(privilege)
	}
}

func TestAuthorizationManagerShowsRolesAndPermissions(t *testing.T) {
	l := newLab(t)
	folder := must(l.folder.CreateFolder(t.Context(), "tenant"))(t)
	client := l.ann(authz.ReadOnly, folder.Reference())
	manager := object.NewAuthorizationManager(l.client.Client)
	id := l.role("operator", "VirtualMachine.Interact.PowerOn")
	roles := must(manager.RoleList(t.Context()))(t)
	if role := roles.ById(id); role == nil || role.Name != "operator" || role.System {
		t.Errorf("%+v", role)
	}
	var shown mo.Folder
	if err := folder.Properties(t.Context(), folder.Reference(), []string{"permission"}, &shown); err != nil {
		t.Fatal(err)
	}
	expected := []types.Permission{{Entity: refTo(folder), Principal: `VSPHERE.LOCAL\ann`, RoleId: authz.ReadOnly, Propagate: true}}
	if !reflect.DeepEqual(shown.Permission, expected) {
		t.Errorf("%+v", shown.Permission)
	}
	inherited := must(manager.RetrieveEntityPermissions(t.Context(), folder.Reference(), true))(t)
	if len(inherited) != 2 || *inherited[1].Entity != l.client.ServiceContent.RootFolder {
		t.Errorf("%+v", inherited)
	}
	granted := must(methods.HasUserPrivilegeOnEntities(t.Context(), l.client, &types.HasUserPrivilegeOnEntities{This: manager.Reference(),
		Entities: []ref{folder.Reference()}, UserName: annUser, PrivId: []string{"System.Read", "Folder.Create", "No.Such"}}))(t)
	for _, one := range granted.Returnval[0].PrivAvailability {
		if one.IsGranted != (one.PrivId == "System.Read") {
			t.Errorf("%+v", one)
		}
	}
	held := must(methods.FetchUserPrivilegeOnEntities(t.Context(), l.client, &types.FetchUserPrivilegeOnEntities{This: manager.Reference(),
		Entities: []ref{folder.Reference()}, UserName: annUser}))(t)
	if !slices.Equal(held.Returnval[0].Privileges, []string{"System.Anonymous", "System.Read", "System.View"}) {
		t.Error(held.Returnval[0].Privileges)
	}
	l.result(folder.Destroy(t.Context()))
	if err := l.server.RemoveUser(annUser); err != nil {
		t.Fatal(err)
	}
	if all := must(manager.RetrieveAllPermissions(t.Context()))(t); len(all) != 1 {
		t.Errorf("%+v", all)
	}
	_, err := methods.CurrentTime(t.Context(), client, &types.CurrentTime{This: vim25.ServiceInstance})
	isFault[types.NoPermission](l, l.faultOf(err))
}

// TestATaskOutlivesItsEntity has a user who waits for the end of what has removed a VM.
func TestATaskOutlivesItsEntity(t *testing.T) {
	l := newLab(t)
	folder := must(l.folder.CreateFolder(t.Context(), "tenant"))(t)
	vm := l.create(l.spec("web"))
	l.result(folder.MoveInto(t.Context(), []ref{vm.Reference()}))
	client := l.ann(l.role("remover", "VirtualMachine.Inventory.Delete"), folder.Reference())
	task := must(object.NewVirtualMachine(client.Client, vm.Reference()).Destroy(t.Context()))(t)
	l.eventually("the VM is gone", func() bool { return l.server.registry.Get(vm.Reference()) == nil })
	if _, err := view.NewManager(client.Client).CreateListView(t.Context(), []ref{task.Reference()}); err != nil {
		t.Error(err)
	}
	if missing := l.missing(client.Client, task.Reference(), "info"); len(missing) > 0 {
		t.Error(missing)
	}
	l.result(task, nil)
}

// TestAManagerOfAHostHasThePermissionsOfTheHost has one privilege on one of two hosts.
func TestAManagerOfAHostHasThePermissionsOfTheHost(t *testing.T) {
	l := newLab(t)
	hosts := l.server.site.hosts
	client := l.ann(l.role("network", "Host.Config.Network"), hosts[0].Self)
	for n, host := range hosts[:2] {
		err := object.NewHostNetworkSystem(client.Client, *host.ConfigManager.NetworkSystem).AddPortGroup(t.Context(),
			types.HostPortGroupSpec{Name: "more", VswitchName: "vSwitch0"})
		if n == 0 && err != nil {
			t.Error(err)
		}
		if n == 1 {
			if object := isFault[types.NoPermission](l, l.faultOf(err)).Object; *object != *host.ConfigManager.NetworkSystem {
				t.Error(object)
			}
		}
	}
}

func TestNamesOfUsersInLogins(t *testing.T) {
	l := newLab(t)
	l.ann(authz.ReadOnly, l.client.ServiceContent.RootFolder)
	for _, name := range []string{`VSPHERE.LOCAL\ann`, `vsphere.local\Ann`, "ANN@vsphere.local"} {
		client := l.login(name, annPass)
		if missing := l.missing(client.Client, l.dc.Reference(), "name"); len(missing) > 0 {
			t.Errorf("%s: %v", name, missing)
		}
	}
}

func TestEntitiesThatShareThePermissionsOfAnother(t *testing.T) {
	l := newLab(t)
	manager := object.NewAuthorizationManager(l.client.Client)
	for _, entity := range []ref{l.folder.Reference(), l.pool.Reference()} {
		err := manager.SetEntityPermissions(t.Context(), entity, []types.Permission{{Principal: testUser, RoleId: authz.Admin}})
		isFault[types.InvalidArgument](l, l.faultOf(err))
	}
}

// TestEveryMethodHasAnEntry looks at all objects of the lab, and at the types of those that are made later.
func TestEveryMethodHasAnEntry(t *testing.T) {
	l := newLab(t)
	objects := append(l.server.registry.AllReference(""), &simulator.VirtualMachine{}, &simulator.VirtualMachineSnapshot{}, &simulator.Task{},
		&simulator.ContainerView{}, &simulator.ListView{}, &PropertyCollector{}, &simulator.PropertyFilter{},
		&simulator.EventHistoryCollector{}, &simulator.TaskHistoryCollector{}, &Lease{}, &simulator.VirtualApp{})
	answered := map[string]bool{}
	for _, one := range objects {
		if one.Reference() != answererRef {
			for _, name := range callable(reflect.TypeOf(one)) {
				answered[name] = true
			}
		}
	}
	for name := range l.server.methods {
		_, name, _ = strings.Cut(name, ".")
		answered[name] = true
	}
	if len(answered) < 200 {
		t.Errorf("only %d methods were found", len(answered))
	}
	for name := range answered {
		if !authz.Known(name) && name != "Fetch" {
			t.Errorf("%s has no entry in methods.txt", name)
		}
	}
}

// callable returns the methods of the API that a type has, by the types of their requests.
func callable(kind reflect.Type) (names []string) {
	for n := range kind.NumMethod() {
		function := kind.Method(n).Type
		last := function.In(function.NumIn() - 1)
		if function.NumIn() < 2 || function.NumOut() != 1 || function.Out(0) != reflect.TypeFor[soap.HasFault]() || last.Kind() != reflect.Pointer {
			continue
		}
		name := last.Elem().Name()
		if strings.HasSuffix(last.Elem().PkgPath(), "/internal") { // FooTaskRequest
			name = strings.Replace(strings.TrimSuffix(name, "Request"), "Task", "_Task", 1)
		}
		if name == "SetCustomValue" {
			name = "setCustomValue" // as the API spells it
		}
		names = append(names, name)
	}
	return names
}
