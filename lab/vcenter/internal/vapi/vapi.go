// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package vapi is a part of vCenter's Automation API: sessions, categories, tags and their associations, and lists of the inventory. It
// is served as JSON-RPC, which the Python SDK uses, and as REST in its older (/rest) and newer (/api) form.
package vapi

import (
	"encoding/json"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// Inventory is what the API needs to know of the vCenter.
type Inventory interface {
	// Login returns whether a user has this password, and any permission.
	Login(user, password string) bool
	// SessionTimeout is how long a session that begins now may be idle.
	SessionTimeout() time.Duration
	// Has returns whether a user has a privilege on an object.
	Has(user, privilege string, object vim.Ref) bool
	// Exists returns whether an object is a managed entity of the inventory.
	Exists(object vim.Ref) bool
	// Root is the root folder.
	Root() vim.Ref
	// Now is the vCenter's time.
	Now() time.Time
	// Entities returns all entities of a type, such as VirtualMachine.
	Entities(kind string) []Entity
	// VM returns what is known of a VM.
	VM(vm vim.Ref) (VMInfo, bool)
}

// API answers requests. One request is handled at a time.
type API struct {
	mu         sync.Mutex
	inventory  Inventory
	operations map[string]operation
	sessions   map[string]*session
	store      store
}

type session struct {
	user           string
	created, tried time.Time
	timeout        time.Duration
}

// caller is who requests an operation.
type caller struct {
	session string // the id of a session; empty: there is none
	user    string // the session's user, or the user whom basicUser and password authenticate

	basicUser, password string
}

// operation is a method of a service, such as com.vmware.cis.tagging.tag/create.
type operation func(by caller, input []byte) (any, *Error)

// taking converts a function of a specific input to an operation.
func taking[In any](f func(by caller, in In) (any, *Error)) operation {
	return func(by caller, input []byte) (any, *Error) {
		var in In
		if err := json.Unmarshal(input, &in); err != nil {
			return nil, invalidArgument("The input cannot be decoded: %v.", err)
		}
		return f(by, in)
	}
}

type nothing struct{}

// New returns an API without tags.
func New(inventory Inventory) *API {
	a := &API{inventory: inventory, sessions: map[string]*session{}, store: newStore()}
	a.operations = map[string]operation{
		sessionService + "/create": taking(a.createSession),
		sessionService + "/delete": taking(a.deleteSession),
		sessionService + "/get":    taking(a.getSession),
	}
	maps.Copy(a.operations, a.tagOperations())
	maps.Copy(a.operations, a.associationOperations())
	maps.Copy(a.operations, a.inventoryOperations())
	return a
}

const (
	sessionService = "com.vmware.cis.session"
	// SessionHeader is the header, and the cookie, that has the id of a session.
	SessionHeader = "vmware-api-session-id"
)

// call runs an operation for an authenticated caller.
func (a *API) call(by caller, service, name string, input []byte) (any, *Error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	run, known := a.operations[service+"/"+name]
	if !known {
		return nil, &Error{"operation_not_found", http.StatusNotFound, "The lab has no operation " + name + " of " + service + "."}
	}
	if service == sessionService && name == "create" {
		return run(by, input)
	}
	found := a.sessions[by.session]
	if found == nil {
		return nil, unauthenticated()
	}
	now := a.inventory.Now()
	if now.Sub(found.tried) > found.timeout {
		delete(a.sessions, by.session)
		return nil, unauthenticated()
	}
	found.tried = now
	by.user = found.user
	return run(by, input)
}

// secret is a string that JSON-RPC marks as one.
type secret string

func (a *API) createSession(by caller, _ nothing) (any, *Error) {
	if !a.inventory.Login(by.basicUser, by.password) {
		return nil, unauthenticated()
	}
	id, now := uuid.NewString(), a.inventory.Now()
	a.sessions[id] = &session{by.basicUser, now, now, a.inventory.SessionTimeout()}
	return secret(id), nil
}

func (a *API) deleteSession(by caller, _ nothing) (any, *Error) {
	delete(a.sessions, by.session)
	return nil, nil
}

type sessionInfo struct {
	User         string `json:"user"`
	Created      string `json:"created_time"`
	LastAccessed string `json:"last_accessed_time"`
}

func (sessionInfo) structure() string { return "com.vmware.cis.session.info" }

func (a *API) getSession(by caller, _ nothing) (any, *Error) {
	const format = "2006-01-02T15:04:05.000Z"
	found := a.sessions[by.session]
	return sessionInfo{found.user, found.created.UTC().Format(format), found.tried.UTC().Format(format)}, nil
}

// require refuses a user without a privilege on an object.
func (a *API) require(by caller, privilege string, object vim.Ref) *Error {
	if a.inventory.Has(by.user, privilege, object) {
		return nil
	}
	return &Error{"unauthorized", http.StatusForbidden,
		"The user " + by.user + " lacks the privilege " + privilege + " on " + object.String() + "."}
}

// requireGlobally is require for categories and tags. vCenter checks global permissions and those of the category or tag. The
// lab has neither, and checks the permissions of the root folder instead.
func (a *API) requireGlobally(by caller, privilege string) *Error {
	return a.require(by, privilege, a.inventory.Root())
}
