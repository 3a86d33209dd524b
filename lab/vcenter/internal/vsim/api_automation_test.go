// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The Automation API with govmomi's REST client, with the documents that the Python SDK sends, and by plain HTTP.

package vsim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/vmware/govmomi/vapi/rest"
	"github.com/vmware/govmomi/vapi/tags"
	"github.com/vmware/govmomi/vim25/mo"

	"gantry.invalid/lab/vcenter/internal/authz"
)

// tags returns a client of tags that is logged in.
func (l *lab) tags(user, password string) *tags.Manager {
	l.Helper()
	client := rest.NewClient(l.client.Client)
	if err := client.Login(l.Context(), url.UserPassword(user, password)); err != nil {
		l.Fatal(err)
	}
	return tags.NewManager(client)
}

func (l *lab) fails(err error, with string) {
	l.Helper()
	if err == nil || !strings.Contains(err.Error(), with) {
		l.Errorf("the error is %v, not %s", err, with)
	}
}

func TestTagsAreAttachedToWhatTheirCategoryAllows(t *testing.T) {
	l := newLab(t)
	manager := l.tags(testUser, testPass)
	web, db := l.create(l.spec("web")), l.create(l.spec("db"))
	tier := must(manager.CreateCategory(t.Context(), &tags.Category{Name: "tier", Cardinality: "SINGLE", AssociableTypes: []string{"VirtualMachine"}}))(t)
	front := must(manager.CreateTag(t.Context(), &tags.Tag{Name: "front", CategoryID: tier, Description: "x"}))(t)
	back := must(manager.CreateTag(t.Context(), &tags.Tag{Name: "back", CategoryID: tier}))(t)
	for range 2 { // the second time has no effect
		if err := manager.AttachTag(t.Context(), front, web.Reference()); err != nil {
			t.Fatal(err)
		}
	}
	l.fails(manager.AttachTag(t.Context(), back, web.Reference()), "invalid_argument")
	l.fails(manager.AttachTag(t.Context(), back, l.folder.Reference()), "not for objects of type Folder")
	if err := manager.AttachTagToMultipleObjects(t.Context(), back, []mo.Reference{db}); err != nil {
		t.Fatal(err)
	}
	found := must(manager.GetAttachedTagsOnObjects(t.Context(), []mo.Reference{web, db, l.folder}))(t)
	if len(found) != 2 || found[0].Tags[0].Name != "front" || found[1].Tags[0].Name != "back" {
		t.Errorf("attached are %+v", found)
	}
	if objects := must(manager.ListAttachedObjects(t.Context(), front))(t); len(objects) != 1 || objects[0].Reference() != web.Reference() {
		t.Errorf("the objects are %v", objects)
	}
	if on := must(manager.GetAttachedObjectsOnTags(t.Context(), []string{front, back}))(t); len(on) != 2 || on[1].ObjectIDs[0].Reference() != db.Reference() {
		t.Errorf("the objects are %+v", on)
	}
	l.result(web.Destroy(t.Context()))
	if objects := must(manager.ListAttachedObjects(t.Context(), front))(t); len(objects) != 0 {
		t.Errorf("a VM that is gone has the tag: %v", objects)
	}
	l.fails(manager.AttachTag(t.Context(), front, web.Reference()), "There is no object")
	if err := manager.DetachTag(t.Context(), back, db.Reference()); err != nil {
		t.Fatal(err)
	}
	if left := must(manager.ListAttachedTags(t.Context(), db.Reference()))(t); len(left) != 0 {
		t.Errorf("the tag is still attached: %v", left)
	}
}

func TestCategoriesAndTagsAreCheckedWhenTheyChange(t *testing.T) {
	l := newLab(t)
	manager := l.tags(testUser, testPass)
	category := tags.Category{Name: "owner", Cardinality: "MULTIPLE", AssociableTypes: []string{"VirtualMachine", "Folder"}}
	category.ID = must(manager.CreateCategory(t.Context(), &category))(t)
	create := func(name, cardinality string) error {
		_, err := manager.CreateCategory(t.Context(), &tags.Category{Name: name, Cardinality: cardinality, AssociableTypes: []string{}})
		return err
	}
	l.fails(create("owner", "SINGLE"), "already_exists")
	l.fails(create(" ", "SINGLE"), "must not be empty")
	l.fails(create("other", "MANY"), "neither SINGLE nor MULTIPLE")
	update := func(change func(*tags.Category)) error {
		changed := category
		change(&changed)
		return manager.UpdateCategory(t.Context(), &changed)
	}
	l.fails(update(func(c *tags.Category) { c.AssociableTypes = []string{"Folder"} }), "can be extended only")
	l.fails(update(func(c *tags.Category) { c.Cardinality = "SINGLE" }), "cannot be changed to SINGLE")
	if err := update(func(c *tags.Category) { c.Name, c.AssociableTypes = "team", append(c.AssociableTypes, "Datastore") }); err != nil {
		t.Fatal(err)
	}
	ann := tags.Tag{Name: "ann", CategoryID: category.ID}
	ann.ID = must(manager.CreateTag(t.Context(), &ann))(t)
	_, err := manager.CreateTag(t.Context(), &ann)
	l.fails(err, "already_exists")
	if err := manager.UpdateTag(t.Context(), &tags.Tag{ID: ann.ID, Name: "anna"}); err != nil {
		t.Fatal(err)
	}
	if read := must(manager.GetTagForCategory(t.Context(), "anna", "team"))(t); read.ID != ann.ID || read.CategoryID != category.ID {
		t.Errorf("the tag is %+v", read)
	}
	if err := manager.DeleteCategory(t.Context(), &category); err != nil {
		t.Fatal(err)
	}
	if left := must(manager.ListTags(t.Context()))(t); len(left) != 0 {
		t.Errorf("tags of a category that is gone remain: %v", left)
	}
	_, err = manager.GetTag(t.Context(), ann.ID)
	l.fails(err, "404")
}

func TestTagsRequirePrivileges(t *testing.T) {
	l := newLab(t)
	administrator := l.tags(testUser, testPass)
	vm := l.create(l.spec("web"))
	category := must(administrator.CreateCategory(t.Context(), &tags.Category{Name: "tier", Cardinality: "SINGLE", AssociableTypes: []string{}}))(t)
	front := must(administrator.CreateTag(t.Context(), &tags.Tag{Name: "front", CategoryID: category}))(t)
	if err := l.server.AddUser(authz.User{Name: annUser, Password: "hers"}); err != nil {
		t.Fatal(err)
	}
	root := l.client.ServiceContent.RootFolder
	login := func(user, password string) error {
		return rest.NewClient(l.client.Client).Login(t.Context(), url.UserPassword(user, password))
	}
	l.fails(login(testUser, "guessed"), "401")
	l.fails(login(annUser, "hers"), "401") // no permission applies to her
	l.give(authz.ReadOnly, root)
	ann := l.tags(annUser, "hers")
	if read := must(ann.GetTag(t.Context(), front))(t); read.Name != "front" {
		t.Errorf("the tag is %+v", read)
	}
	l.fails(ann.AttachTag(t.Context(), front, vm.Reference()), "403")
	_, err := ann.CreateTag(t.Context(), &tags.Tag{Name: "back", CategoryID: category})
	l.fails(err, "403")
	l.give(l.role("tagger", "InventoryService.Tagging.AttachTag"), root)
	if err := ann.AttachTag(t.Context(), front, vm.Reference()); err != nil {
		t.Fatal(err)
	}
	if err := l.server.RemoveUser(annUser); err != nil {
		t.Fatal(err)
	}
	l.fails(ann.DetachTag(t.Context(), front, vm.Reference()), "403")
}

// The documents are those of the Python SDK 9.1, without their line breaks.
const (
	rpcLogin = `{"jsonrpc":"2.0","method":"invoke","params":{"serviceId":"com.vmware.cis.session","operationId":"create",
		"input":{"STRUCTURE":{"operation-input":{}}},"ctx":{"appCtx":{"opId":"1"},
		"securityCtx":{"schemeId":"com.vmware.vapi.std.security.user_pass","userName":"USER","password":"PASSWORD"}}},"id":"0"}`
	rpcCall = `{"jsonrpc":"2.0","method":"invoke","params":{"serviceId":"SERVICE","operationId":"OPERATION",
		"input":{"STRUCTURE":{"operation-input":INPUT}},"ctx":{"appCtx":{"opId":"2"},
		"securityCtx":{"schemeId":"com.vmware.vapi.std.security.session_id","sessionId":"SESSION"}}},"id":"1"}`
)

// rpc posts a document in which the words are replaced, and returns the answer without spaces.
func (l *lab) rpc(document string, words ...string) string {
	l.Helper()
	body := strings.NewReplacer(words...).Replace(document)
	response := must(l.http.Client().Post(l.http.URL+"/api", "application/json", strings.NewReader(body)))(l)
	defer response.Body.Close()
	var compact, read bytes.Buffer
	must(read.ReadFrom(response.Body))(l)
	if err := json.Compact(&compact, read.Bytes()); err != nil || response.StatusCode != http.StatusOK {
		l.Fatalf("%s: %s", response.Status, read.String())
	}
	return compact.String()
}

// sdk logs in as the Python SDK does, and returns a function that calls an operation.
func (l *lab) sdk(user, password string) func(service, operation, input string) string {
	l.Helper()
	answer := l.rpc(rpcLogin, "USER", user, "PASSWORD", password)
	before, after := `{"id":"0","jsonrpc":"2.0","result":{"output":{"SECRET":"`, `"}}}`
	session := strings.TrimSuffix(strings.TrimPrefix(answer, before), after)
	if answer != before+session+after {
		l.Fatalf("a login is answered with %s", answer)
	}
	return func(service, operation, input string) string {
		l.Helper()
		return l.rpc(rpcCall, "SERVICE", service, "OPERATION", operation, "INPUT", input, "SESSION", session)
	}
}

func TestThePythonSDKsDocumentsAreAnswered(t *testing.T) {
	l := newLab(t)
	manager := l.tags(testUser, testPass)
	vm := l.create(l.spec("web"))
	category := must(manager.CreateCategory(t.Context(), &tags.Category{Name: "tier", Cardinality: "MULTIPLE", AssociableTypes: []string{}}))(t)
	if refused := l.rpc(rpcLogin, "USER", testUser, "PASSWORD", "guessed"); !strings.Contains(refused, "com.vmware.vapi.std.errors.unauthenticated") {
		t.Errorf("a guessed password is answered with %s", refused)
	}
	call := l.sdk(testUser, testPass)
	const tag, association = "com.vmware.cis.tagging.tag", "com.vmware.cis.tagging.tag_association"
	id := "urn:vmomi:InventoryServiceTag:0b9f3f3a-7d53-4d1c-9d0c-3a1f7f3f9b11:GLOBAL"
	spec := `{"create_spec":{"STRUCTURE":{"com.vmware.cis.tagging.tag.create_spec":{"name":"front","description":"d",
		"category_id":"` + category + `","tag_id":{"OPTIONAL":"` + id + `"}}}}}`
	object := `{"STRUCTURE":{"com.vmware.vapi.std.dynamic_ID":{"type":"VirtualMachine","id":"` + vm.Reference().Value + `"}}}`
	update := `{"tag_id":"` + id + `","update_spec":{"STRUCTURE":{"com.vmware.cis.tagging.tag.update_spec":
		{"name":{"OPTIONAL":"back"},"description":{"OPTIONAL":null}}}}}`
	wrap := func(result string) string { return `{"id":"1","jsonrpc":"2.0","result":` + result + `}` }
	cases := []struct{ service, operation, input, want string }{
		{tag, "create", spec, wrap(`{"output":"` + id + `"}`)},
		{tag, "update", update, wrap(`{"output":null}`)},
		{tag, "get", `{"tag_id":"` + id + `"}`, wrap(`{"output":{"STRUCTURE":{"com.vmware.cis.tagging.tag_model":{"category_id":"` + category +
			`","description":"d","id":"` + id + `","name":"back","used_by":[]}}}}`)},
		{association, "attach", `{"tag_id":"` + id + `","object_id":` + object + `}`, wrap(`{"output":null}`)},
		{association, "list_attached_tags_on_objects", `{"object_ids":[` + object + `]}`,
			wrap(`{"output":[{"STRUCTURE":{"com.vmware.cis.tagging.tag_association.object_to_tags":{"object_id":` +
				`{"STRUCTURE":{"com.vmware.vapi.std.dynamic_ID":{"id":"` + vm.Reference().Value + `","type":"VirtualMachine"}}},"tag_ids":["` + id + `"]}}}]}`)},
		{association, "detach_multiple_tags_from_object", `{"object_id":` + object + `,"tag_ids":["` + id + `"]}`,
			wrap(`{"output":{"STRUCTURE":{"com.vmware.cis.tagging.tag_association.batch_result":{"error_messages":[],"success":true}}}}`)},
		{tag, "get", `{"tag_id":"gone"}`, wrap(`{"error":{"ERROR":{"com.vmware.vapi.std.errors.not_found":{"data":{"OPTIONAL":null},` +
			`"error_type":{"OPTIONAL":"NOT_FOUND"},"messages":[{"STRUCTURE":{"com.vmware.vapi.std.localizable_message":` +
			`{"args":[],"default_message":"There is no tag with the id gone.","id":"org.gantry.lab.not_found"}}}]}}}}`)},
	}
	for _, one := range cases {
		if got := call(one.service, one.operation, one.input); got != one.want {
			t.Errorf("%s/%s is answered with\n%s, not\n%s", one.service, one.operation, got, one.want)
		}
	}
	if got := call("com.vmware.cis.session", "get", "{}"); !strings.Contains(got, `{"com.vmware.cis.session.info":{"created_time":"20`) {
		t.Errorf("the session is %s", got)
	}
	if got := call("com.vmware.appliance.system.version", "get", "{}"); !strings.Contains(got, "com.vmware.vapi.std.errors.operation_not_found") {
		t.Errorf("an unknown service is answered with %s", got)
	}
	if got := l.rpc(`{"jsonrpc":"1.0"}`); !strings.Contains(got, `"code":-32600`) {
		t.Errorf("another protocol is answered with %s", got)
	}
	call("com.vmware.cis.session", "delete", "{}")
	if got := call(tag, "list", "{}"); !strings.Contains(got, "com.vmware.vapi.std.errors.unauthenticated") {
		t.Errorf("after the logout, the answer is %s", got)
	}
}

func TestTheNewerFormOfREST(t *testing.T) {
	l := newLab(t)
	client := l.http.Client()
	session := ""
	do := func(method, path, body string, status int) string {
		t.Helper()
		request := must(http.NewRequestWithContext(t.Context(), method, l.http.URL+path, strings.NewReader(body)))(t)
		if session == "" {
			request.SetBasicAuth(testUser, testPass)
		} else {
			request.Header.Set("vmware-api-session-id", session)
		}
		response := must(client.Do(request))(t)
		defer response.Body.Close()
		var read bytes.Buffer
		must(read.ReadFrom(response.Body))(t)
		if response.StatusCode != status {
			t.Fatalf("%s %s: %s, not %d: %s", method, path, response.Status, status, read.String())
		}
		return strings.TrimSpace(read.String())
	}
	do(http.MethodGet, "/api/cis/tagging/category", "", http.StatusUnauthorized)
	session = strings.Trim(do(http.MethodPost, "/api/session", "", http.StatusCreated), `"`)
	category := do(http.MethodPost, "/api/cis/tagging/category", `{"name":"n","description":"","cardinality":"SINGLE","associable_types":[]}`, http.StatusCreated)
	if listed := do(http.MethodGet, "/api/cis/tagging/category", "", http.StatusOK); listed != "["+category+"]" {
		t.Errorf("the categories are %s, not %s", listed, category)
	}
	path := "/api/cis/tagging/category/" + strings.Trim(category, `"`)
	do(http.MethodPatch, path, `{"name":"m"}`, http.StatusNoContent)
	if read := do(http.MethodGet, path, "", http.StatusOK); !strings.Contains(read, `"name":"m"`) {
		t.Errorf("the category is %s", read)
	}
	if tagsOf := do(http.MethodPost, "/api/cis/tagging/tag?action=list-tags-for-category", `{"category_id":`+category+`}`, http.StatusOK); tagsOf != "[]" {
		t.Errorf("the tags are %s", tagsOf)
	}
	if refused := do(http.MethodGet, "/api/cis/tagging/tag/gone", "", http.StatusNotFound); !strings.Contains(refused, `"error_type":"NOT_FOUND"`) {
		t.Errorf("the error is %s", refused)
	}
	if info := do(http.MethodGet, "/api/session", "", http.StatusOK); !strings.Contains(info, testUser) {
		t.Errorf("the session is %s", info)
	}
	do(http.MethodGet, "/api/vcenter/vm", "", http.StatusNotFound)
	do(http.MethodDelete, "/api/session", "", http.StatusNoContent)
	do(http.MethodGet, "/api/session", "", http.StatusUnauthorized)
}
