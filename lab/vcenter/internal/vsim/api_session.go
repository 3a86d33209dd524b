// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Authentication: sessions, and tickets for single files.

package vsim

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
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
	return s.authz.Accepts(username, password)
}

// sessionTimeoutKey is the setting of how long a session may be idle. Each login takes it as it is then; clients change it with
// OptionManager.UpdateOptions. In a vCenter it is not among the settings until it is changed (unconfirmed).
const (
	sessionTimeoutKey  = "config.vmacore.soap.sessionTimeout"
	idleSessionTimeout = 30 * time.Minute
)

// installSessionTimeout ends idle sessions as vCenter does by default.
func (s *Server) installSessionTimeout() {
	options := s.registry.OptionManager()
	options.Setting = append(slices.Clone(options.Setting),
		&types.OptionValue{Key: sessionTimeoutKey, Value: idleSessionTimeout.String()})
}

// sessionTimeout returns how long a session may be idle.
func (s *Server) sessionTimeout() time.Duration {
	for _, option := range s.registry.OptionManager().Setting {
		if found := option.GetOptionValue(); found.Key == sessionTimeoutKey {
			if timeout, err := time.ParseDuration(fmt.Sprint(found.Value)); err == nil {
				return timeout
			}
		}
	}
	return idleSessionTimeout
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
	user   string
	until  time.Time
}

const ticketLifetime = 2 * time.Minute

func (s *Server) acquireTicket(ctx *simulator.Context, request *types.AcquireGenericServiceTicket) (soap.HasFault, types.BaseMethodFault) {
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
	s.tickets.add(id, ticket{method, address.RequestURI(), ctx.Session.UserName, s.clock.Now().Add(ticketLifetime)}, s.clock.Now())
	return &methods.AcquireGenericServiceTicketBody{Res: &types.AcquireGenericServiceTicketResponse{
		Returnval: types.SessionManagerGenericServiceTicket{Id: id, HostName: s.config.Listen, TicketType: "HttpServiceTicket"}}}, nil
}

func (t *tickets) add(id string, added ticket, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID == nil {
		t.byID = map[string]ticket{}
	}
	for other, old := range t.byID {
		if now.After(old.until) {
			delete(t.byID, other)
		}
	}
	t.byID[id] = added
}

// use returns whose ticket for this request it is; empty: it is none.
func (t *tickets) use(id string, request *http.Request, now time.Time) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	found, ok := t.byID[id]
	if !ok || found.method != request.Method || found.path != request.URL.RequestURI() {
		return ""
	}
	delete(t.byID, id)
	if now.After(found.until) {
		return ""
	}
	return found.user
}

// fileUser returns the user of a request for a file, by the session cookie, a ticket for this request, or the password. It is empty if
// none of them is valid.
func (s *Server) fileUser(request *http.Request) string {
	if cookie, err := request.Cookie(soap.SessionCookieName); err == nil {
		if user := s.userOfSession(strings.Trim(cookie.Value, `"`)); user != "" {
			return user
		}
	}
	if cookie, err := request.Cookie("vmware_cgi_ticket"); err == nil {
		if user := s.tickets.use(strings.Trim(cookie.Value, `"`), request, s.clock.Now()); user != "" {
			return user
		}
	}
	username, password, given := request.BasicAuth()
	if !given || !s.validPassword(username, password) {
		return ""
	}
	return username
}

// userOfSession returns the user of the session with a key. It is empty if there is no such session.
func (s *Server) userOfSession(key string) string {
	for _, session := range s.sessions() {
		if session.Key == key {
			return session.UserName
		}
	}
	return ""
}

// sessions returns all sessions, with times by the machine's clock.
func (s *Server) sessions() []types.UserSession {
	// The simulator lists sessions only for an authenticated context.
	viewer := &simulator.Session{Registry: simulator.NewRegistry(), Map: s.registry}
	return viewer.Get(*s.serviceContent().SessionManager).(*simulator.SessionManager).SessionList
}

func (s *Server) serviceContent() types.ServiceContent {
	return s.registry.Get(serviceInstance).(*simulator.ServiceInstance).Content
}

var serviceInstance = ref{Type: "ServiceInstance", Value: "ServiceInstance"}
