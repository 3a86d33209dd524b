// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The HTTP request of a call. The simulator exposes only one cookie of it, which is used to find the request.

package vsim

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

type requests struct {
	mu     sync.Mutex
	last   int
	byName map[string]*http.Request
	byCall map[*simulator.Context]*http.Request
}

// requestMark separates a session's key from a request's name.
const requestMark = "|"

// named adds a name to the request's session cookie, by which the call finds the request.
func (r *requests) named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		session := ""
		if cookie, err := request.Cookie(soap.SessionCookieName); err == nil {
			session = strings.Trim(cookie.Value, `"`)
		}
		r.mu.Lock()
		r.last++
		name := strconv.Itoa(r.last)
		r.byName[name] = request
		r.mu.Unlock()
		defer func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			delete(r.byName, name)
		}()
		inner := request.Clone(request.Context())
		inner.Header.Set("Cookie", (&http.Cookie{Name: soap.SessionCookieName, Value: session + requestMark + name}).String())
		next.ServeHTTP(quoting{w}, inner)
	})
}

// quoting puts the session's key in quotes in the cookie of a login, as vCenter does: vmware_soap_session="52b1…"; Path=/; HttpOnly;
// Secure;. Clients depend on it: community.vmware splits the cookie at its quotes.
type quoting struct{ http.ResponseWriter }

func (w quoting) WriteHeader(status int) {
	w.quote()
	w.ResponseWriter.WriteHeader(status)
}

func (w quoting) Write(content []byte) (int, error) {
	w.quote()
	return w.ResponseWriter.Write(content)
}

func (w quoting) quote() {
	lines := w.Header()["Set-Cookie"]
	for n, line := range lines {
		if cookie, err := http.ParseSetCookie(line); err == nil && cookie.Name == soap.SessionCookieName {
			cookie.Quoted, cookie.Path, cookie.Secure = true, "/", true
			lines[n] = cookie.String()
		}
	}
}

// session returns the session's key to the simulator, and assigns the request to its call.
func (r *requests) session(ctx *simulator.Context) string {
	session, name, _ := strings.Cut(simulator.HTTPCookie(ctx), requestMark)
	r.mu.Lock()
	defer r.mu.Unlock()
	if request := r.byName[name]; request != nil {
		r.byCall[ctx] = request
	}
	return session
}

// take removes and returns the request of a call, or nil for a call without a request.
func (r *requests) take(ctx *simulator.Context) *http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	request := r.byCall[ctx]
	delete(r.byCall, ctx)
	return request
}

// watch cancels a call that waits for updates when its client disconnects or the lab shuts down. The returned function stops
// watching.
func (s *Server) watch(request *http.Request, call *simulator.Method, target mo.Reference) (stop func()) {
	collector, waits := target.(*PropertyCollector)
	if request == nil || !waits || call.Name != "WaitForUpdatesEx" && call.Name != "WaitForUpdates" {
		return func() {}
	}
	finished := make(chan struct{})
	go func() {
		select {
		case <-finished:
			return
		case <-request.Context().Done():
		case <-s.closing:
		}
		// The wait may not have begun yet, so canceling is repeated. The request also ends with its own wait, and the next
		// wait must not be canceled.
		for {
			select {
			case <-finished:
				return
			case <-time.After(50 * time.Millisecond):
				collector.CancelWaitForUpdates(&types.CancelWaitForUpdates{This: collector.Self})
			}
		}
	}()
	return func() { close(finished) }
}
