// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Authentication: sessions, and tickets for single files.

package vsim

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

func (s *Server) validLogin(request *types.Login) bool {
	return s.validPassword(request.UserName, request.Password)
}

func (s *Server) validPassword(username, password string) bool {
	same := func(a, b string) int {
		x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
		return subtle.ConstantTimeCompare(x[:], y[:])
	}
	return same(strings.ToLower(username), strings.ToLower(s.config.Username))&same(password, s.config.Password) == 1
}

// authorize refuses calls without a session. The service content and the current session may be read without one.
func (s *Server) authorize(ctx *simulator.Context, call *simulator.Method) types.BaseMethodFault {
	switch call.Name {
	case "LoginByToken", "LoginExtensionByCertificate":
		return &types.InvalidLogin{} // the simulator would accept any token or certificate
	case "Login", "CloneSession", "RetrieveServiceContent":
		return nil
	}
	if ctx.Session != nil || isIdentityQuery(call) {
		return nil
	}
	this := call.This // call.This must not change: the call continues with it
	return &types.NotAuthenticated{NoPermission: types.NoPermission{Object: &this, PrivilegeId: "System.View"}}
}

func isIdentityQuery(call *simulator.Method) bool {
	var specs []types.PropertyFilterSpec
	switch body := call.Body.(type) {
	case *types.RetrievePropertiesEx:
		specs = body.SpecSet
	case *types.RetrieveProperties:
		specs = body.SpecSet
	default:
		if call.Name != "Fetch" {
			return false
		}
		return isPublic(bodyThis(call))
	}
	for _, spec := range specs {
		for _, object := range spec.ObjectSet {
			if !isPublic(object.Obj) || len(object.SelectSet) > 0 {
				return false
			}
		}
	}
	return true
}

func isPublic(reference ref) bool {
	return reference.Type == "ServiceInstance" || reference.Type == "SessionManager"
}

// bodyThis returns the object that a call names. For Fetch, another object answers it.
func bodyThis(call *simulator.Method) ref {
	this, _ := reflect.Indirect(reflect.ValueOf(call.Body)).FieldByName("This").Interface().(ref)
	return this
}

// tickets each allow one HTTP request without a session.
type tickets struct {
	mu   sync.Mutex
	byID map[string]ticket
}

type ticket struct {
	method string // empty: GET
	path   string // including the query
	until  time.Time
}

const ticketLifetime = 2 * time.Minute

func (s *Server) acquireTicket(_ *simulator.Context, request *types.AcquireGenericServiceTicket) (soap.HasFault, types.BaseMethodFault) {
	spec, ok := request.Spec.(*types.SessionManagerHttpServiceRequestSpec)
	if !ok {
		return nil, invalidArgument("spec")
	}
	address, err := url.Parse(spec.Url)
	if err != nil {
		return nil, invalidArgument("spec.url")
	}
	method := strings.ToUpper(strings.TrimPrefix(spec.Method, "http"))
	if method == "" {
		method = http.MethodGet
	}
	id := rand.Text()
	s.tickets.add(id, ticket{method, address.RequestURI(), time.Now().Add(ticketLifetime)})
	return &methods.AcquireGenericServiceTicketBody{Res: &types.AcquireGenericServiceTicketResponse{
		Returnval: types.SessionManagerGenericServiceTicket{Id: id, HostName: s.config.Listen, TicketType: "HttpServiceTicket"}}}, nil
}

func (t *tickets) add(id string, added ticket) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID == nil {
		t.byID = map[string]ticket{}
	}
	for other, old := range t.byID {
		if time.Now().After(old.until) {
			delete(t.byID, other)
		}
	}
	t.byID[id] = added
}

func (t *tickets) use(id string, request *http.Request) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	found, ok := t.byID[id]
	if !ok || found.method != request.Method || found.path != request.URL.RequestURI() {
		return false
	}
	delete(t.byID, id)
	return time.Now().Before(found.until)
}

// mayAccessFiles returns true for a request with a session cookie, a ticket for this request, or the password.
func (s *Server) mayAccessFiles(request *http.Request) bool {
	if cookie, err := request.Cookie(soap.SessionCookieName); err == nil && s.sessionExists(strings.Trim(cookie.Value, `"`)) {
		return true
	}
	if cookie, err := request.Cookie("vmware_cgi_ticket"); err == nil && s.tickets.use(strings.Trim(cookie.Value, `"`), request) {
		return true
	}
	username, password, given := request.BasicAuth()
	return given && s.validPassword(username, password)
}

func (s *Server) sessionExists(key string) bool {
	// The simulator lists sessions only for an authenticated context.
	viewer := &simulator.Session{Registry: simulator.NewRegistry(), Map: s.registry}
	manager := viewer.Get(*s.serviceContent().SessionManager).(*simulator.SessionManager)
	for _, session := range manager.SessionList {
		if session.Key == key {
			return true
		}
	}
	return false
}

func (s *Server) serviceContent() types.ServiceContent {
	return s.registry.Get(serviceInstance).(*simulator.ServiceInstance).Content
}

var serviceInstance = ref{Type: "ServiceInstance", Value: "ServiceInstance"}
