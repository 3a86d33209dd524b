// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/session"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

func TestOnlyThePasswordLogsIn(t *testing.T) {
	l := newLab(t)
	for name, user := range map[string]*url.Userinfo{
		"wrong password": url.UserPassword(testUser, "guess"), "unknown user": url.UserPassword("x", testPass),
		"empty": url.UserPassword(testUser, ""),
	} {
		address := *l.url
		address.User = user
		_, err := govmomi.NewClient(t.Context(), &address, true)
		if err == nil || !soap.IsSoapFault(err) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		isFault[types.InvalidLogin](l, l.faultOf(err))
	}
	address := *l.url
	address.User = url.UserPassword(strings.ToUpper(testUser), testPass)
	if _, err := govmomi.NewClient(t.Context(), &address, true); err != nil {
		t.Errorf("another case of the user's name: %v", err)
	}
	address.User = url.UserPassword(`VSPHERE.LOCAL\Administrator`, testPass)
	if _, err := govmomi.NewClient(t.Context(), &address, true); err != nil {
		t.Errorf("the name with its domain: %v", err)
	}
}

func TestIdleSessionsEnd(t *testing.T) {
	l := newLab(t)
	settings := object.NewOptionManager(l.client.Client, *l.client.ServiceContent.Setting)
	known := must(settings.Query(t.Context(), sessionTimeoutKey))(t)
	if len(known) != 1 || known[0].GetOptionValue().Value != "30m0s" {
		t.Errorf("the setting: %+v", known)
	}
	err := settings.Update(t.Context(), []types.BaseOptionValue{&types.OptionValue{Key: sessionTimeoutKey, Value: "200ms"}})
	if err != nil {
		t.Fatal(err)
	}
	idle := l.connect()
	l.eventually("the idle session ends", func() bool { return l.server.userOfSession(sessionCookie(idle)) == "" })
	_, err = methods.GetCurrentTime(t.Context(), idle.Client)
	isFault[types.NotAuthenticated](l, l.faultOf(err))
	// A session keeps the timeout of its login.
	if _, err := methods.GetCurrentTime(t.Context(), l.client.Client); err != nil {
		t.Error(err)
	}
}

func TestIdleSessionsOfTheAutomationAPIEnd(t *testing.T) {
	l := newLab(t)
	lasting := l.sdk(testUser, testPass)
	settings := object.NewOptionManager(l.client.Client, *l.client.ServiceContent.Setting)
	err := settings.Update(t.Context(), []types.BaseOptionValue{&types.OptionValue{Key: sessionTimeoutKey, Value: "1ms"}})
	if err != nil {
		t.Fatal(err)
	}
	idle := l.sdk(testUser, testPass)
	time.Sleep(5 * time.Millisecond)
	if answer := idle("com.vmware.cis.session", "get", "{}"); !strings.Contains(answer, "errors.unauthenticated") {
		t.Errorf("the idle session is answered with %s", answer)
	}
	if answer := lasting("com.vmware.cis.session", "get", "{}"); !strings.Contains(answer, "com.vmware.cis.session.info") {
		t.Errorf("a session has not the timeout of its login: %s", answer)
	}
}

func TestTheCookieOfASessionIsQuoted(t *testing.T) {
	l := newLab(t)
	body := `<?xml version="1.0"?><Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><Login xmlns="urn:vim25">` +
		`<_this type="SessionManager">` + l.client.ServiceContent.SessionManager.Value + `</_this><userName>` + testUser +
		`</userName><password>` + testPass + `</password></Login></Body></Envelope>`
	response := must(l.http.Client().Post(l.http.URL+"/sdk", "text/xml", strings.NewReader(body)))(t)
	defer response.Body.Close()
	if cookie := response.Header.Get("Set-Cookie"); !regexp.MustCompile(`^vmware_soap_session="[^"]+"; Path=/; HttpOnly; Secure$`).MatchString(cookie) {
		t.Errorf("%s: the cookie is %s", response.Status, cookie)
	}
}

// sessionCookie returns the key of a client's session.
func sessionCookie(client *govmomi.Client) string {
	for _, cookie := range client.Jar.Cookies(client.URL()) {
		if cookie.Name == soap.SessionCookieName {
			return strings.Trim(cookie.Value, `"`)
		}
	}
	return ""
}

func TestOnlyTheServiceContentIsReadableWithoutASession(t *testing.T) {
	l := newLab(t)
	client := must(vim25.NewClient(t.Context(), soap.NewClient(&url.URL{Scheme: "https", Host: l.url.Host, Path: "/sdk"}, true)))(t)
	if client.ServiceContent.About.ApiVersion != apiVersion {
		t.Errorf("about %+v", client.ServiceContent.About)
	}
	content := client.ServiceContent
	root := content.RootFolder
	query := types.RetrievePropertiesEx{This: content.PropertyCollector, SpecSet: []types.PropertyFilterSpec{{
		PropSet: []types.PropertySpec{{Type: "Folder", PathSet: []string{"name"}}}, ObjectSet: []types.ObjectSpec{{Obj: root}}}}}
	calls := map[string]func() error{
		"read": func() error { _, err := methods.RetrievePropertiesEx(t.Context(), client, &query); return err },
		"view": func() error {
			_, err := methods.CreateContainerView(t.Context(), client, &types.CreateContainerView{This: *content.ViewManager, Container: root})
			return err
		},
		"search": func() error {
			_, err := methods.FindByInventoryPath(t.Context(), client, &types.FindByInventoryPath{This: *content.SearchIndex, InventoryPath: "DC0"})
			return err
		},
		"create": func() error {
			_, err := methods.CreateFolder(t.Context(), client, &types.CreateFolder{This: root, Name: "x"})
			return err
		},
		"time": func() error {
			_, err := methods.CurrentTime(t.Context(), client, &types.CurrentTime{This: vim25.ServiceInstance})
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) { isFault[types.NotAuthenticated](l, l.faultOf(call())) })
	}
	_, err := methods.LoginByToken(t.Context(), client, &types.LoginByToken{This: *content.SessionManager})
	isFault[types.InvalidLogin](l, l.faultOf(err))
	if err := session.NewManager(l.client.Client).Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = l.folder.CreateFolder(t.Context(), "x")
	isFault[types.NotAuthenticated](l, l.faultOf(err))
}

func (l *lab) fileURL(name string) string {
	return fmt.Sprintf("https://%s/folder/%s?dcPath=DC0&dsName=shared0", l.url.Host, name)
}

func withPassword(r *http.Request) { r.SetBasicAuth(testUser, testPass) }

func TestFileAccessRequiresASessionATicketOrThePassword(t *testing.T) {
	l := newLab(t)
	l.upload("boot.iso", "content")
	address := l.fileURL("boot.iso")
	sessionKey := must(session.NewManager(l.client.Client).UserSession(t.Context()))(t).Key
	ticket := func(method, address string) string {
		spec := &types.SessionManagerHttpServiceRequestSpec{Method: method, Url: address}
		answer, err := methods.AcquireGenericServiceTicket(t.Context(), l.client.Client,
			&types.AcquireGenericServiceTicket{This: *l.client.ServiceContent.SessionManager, Spec: spec})
		return must(answer, err)(t).Returnval.Id
	}
	cookie := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: name, Value: value}) }
	}
	read := ticket("httpGet", address)
	for name, test := range map[string]struct {
		method string
		as     func(*http.Request)
		want   int
	}{
		"no credentials":       {http.MethodGet, func(*http.Request) {}, http.StatusUnauthorized},
		"wrong session":        {http.MethodGet, cookie(soap.SessionCookieName, "x"), http.StatusUnauthorized},
		"session":              {http.MethodGet, cookie(soap.SessionCookieName, sessionKey), http.StatusOK},
		"quoted session":       {http.MethodGet, func(r *http.Request) { r.Header.Set("Cookie", soap.SessionCookieName+`="`+sessionKey+`"`) }, http.StatusOK},
		"password":             {http.MethodGet, withPassword, http.StatusOK},
		"wrong password":       {http.MethodGet, func(r *http.Request) { r.SetBasicAuth(testUser, "x") }, http.StatusUnauthorized},
		"ticket":               {http.MethodGet, cookie("vmware_cgi_ticket", read), http.StatusOK},
		"ticket for a reading": {http.MethodPut, cookie("vmware_cgi_ticket", ticket("httpGet", address)), http.StatusUnauthorized},
		"ticket for another":   {http.MethodGet, cookie("vmware_cgi_ticket", ticket("httpGet", l.fileURL("other"))), http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			if status, text := l.request(test.method, address, nil, test.as); status != test.want {
				t.Errorf("%d: %s", status, text)
			}
		})
	}
	if status, _ := l.request(http.MethodGet, address, nil, cookie("vmware_cgi_ticket", read)); status != http.StatusUnauthorized {
		t.Errorf("a used ticket: %d", status)
	}
}

func TestFilesAreWrittenReadAndRemoved(t *testing.T) {
	l := newLab(t)
	content := strings.Repeat("0123456789", 100_000)
	put := func(name string) (int, string) {
		return l.request(http.MethodPut, l.fileURL(name), strings.NewReader(content), withPassword)
	}
	if status, _ := put("gantry/boot.iso"); status != http.StatusNotFound {
		t.Errorf("into a missing folder: %d", status)
	}
	if status, text := put("boot.iso"); status != http.StatusCreated {
		t.Fatalf("%d: %s", status, text)
	}
	if status, _ := put("boot.iso"); status != http.StatusOK {
		t.Errorf("replacing: %d", status)
	}
	if status, got := l.request(http.MethodGet, l.fileURL("boot.iso"), nil, withPassword); status != http.StatusOK || got != content {
		t.Errorf("%d, %d bytes", status, len(got))
	}
	part := func(r *http.Request) { withPassword(r); r.Header.Set("Range", "bytes=10-19") }
	if status, got := l.request(http.MethodGet, l.fileURL("boot.iso"), nil, part); status != http.StatusPartialContent || got != "0123456789" {
		t.Errorf("%d %q", status, got)
	}
	if status, got := l.request(http.MethodHead, l.fileURL("boot.iso"), nil, withPassword); status != http.StatusOK || got != "" {
		t.Errorf("%d %q", status, got)
	}
	for name, address := range map[string]string{
		"missing":            l.fileURL("other.iso"),
		"another datastore":  strings.Replace(l.fileURL("boot.iso"), "shared0", "x", 1),
		"another datacenter": strings.Replace(l.fileURL("boot.iso"), "DC0", "x", 1),
		"outside":            l.fileURL("%2e%2e/%2e%2e/ca.pem"),
	} {
		if status, _ := l.request(http.MethodGet, address, nil, withPassword); status != http.StatusNotFound && status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, status)
		}
	}
	if status, _ := l.request(http.MethodDelete, l.fileURL("boot.iso"), nil, withPassword); status != http.StatusNoContent {
		t.Errorf("removing: %d", status)
	}
	l.expectFiles()
}

func TestAFailedUploadKeepsTheOldFile(t *testing.T) {
	l := newLab(t)
	l.upload("boot.iso", "old")
	if err := l.server.SetFree("shared0", 100_000); err != nil {
		t.Fatal(err)
	}
	status, _ := l.request(http.MethodPut, l.fileURL("boot.iso"), bytes.NewReader(make([]byte, 1<<20)), withPassword)
	if status != http.StatusInsufficientStorage {
		t.Errorf("%d", status)
	}
	if _, got := l.request(http.MethodGet, l.fileURL("boot.iso"), nil, withPassword); got != "old" {
		t.Errorf("it is now %q", got)
	}
	l.expectFiles("boot.iso")
	var free int64
	l.server.locked(l.server.site.datastores["shared0"], func(*simulator.Context) { free = l.server.site.datastores["shared0"].Summary.FreeSpace })
	if free != 100_000 {
		t.Errorf("%d bytes are shown free", free)
	}
}
