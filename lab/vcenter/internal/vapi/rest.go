// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// REST, in two forms. /rest/com/vmware/cis/tagging/tag/id:<id> has its action in the parameter ~action, names each argument
// in the body, and wraps the answer in "value". /api/cis/tagging/tag/<id> has it in action, takes the specification of create
// and update as the body itself, and does not wrap.

package vapi

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

const (
	olderPrefix = "/rest/com/vmware/cis/"
	newerPrefix = "/api/cis/"
	// newerSession has no cis in its path, unlike all other services.
	newerSession = "/api/session"
)

// Patterns are the paths that ServeHTTP answers.
var Patterns = []string{olderPrefix, newerPrefix, newerSession, "/api"}

// ServeHTTP answers a request of any form.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/api" {
		a.ServeRPC(w, r)
		return
	}
	form := formOf(r.URL.Path)
	target, ok := form.target(r)
	if !ok {
		form.fail(w, &Error{"operation_not_found", http.StatusNotFound, "The lab has no " + r.Method + " " + r.URL.Path + "."})
		return
	}
	input, failure := target.input(form, r)
	if failure != nil {
		form.fail(w, failure)
		return
	}
	by := caller{session: sessionOf(r)}
	by.basicUser, by.password, _ = r.BasicAuth()
	output, failure := a.call(by, target.service, target.operation, input)
	if failure != nil {
		form.fail(w, failure)
		return
	}
	if id, ok := output.(secret); ok {
		http.SetCookie(w, &http.Cookie{Name: SessionHeader, Value: string(id), Path: form.cookiePath, Secure: true, HttpOnly: true})
	}
	form.succeed(w, target.operation, output)
}

// form is the older or the newer form of REST.
type form struct {
	newer      bool
	prefix     string
	action     string
	cookiePath string
}

func formOf(path string) form {
	if strings.HasPrefix(path, "/api/") {
		return form{true, newerPrefix, "action", "/api"}
	}
	return form{false, olderPrefix, "~action", "/rest"}
}

// target is the operation that a request is for.
type target struct {
	service, operation string
	id                 string
}

// idFields are the arguments that are part of the path.
var idFields = map[string]string{categoryService: "category_id", tagService: "tag_id", associationService: "tag_id"}

func (f form) target(r *http.Request) (target, bool) {
	path, ok := strings.CutPrefix(r.URL.Path, f.prefix)
	if r.URL.Path == newerSession {
		path, ok = "session", true
	}
	rest, isTagging := strings.CutPrefix(path, "tagging/")
	name, id, hasID := strings.Cut(rest, "/")
	id = strings.TrimPrefix(id, "id:")
	t := target{service: "com.vmware.cis." + strings.ReplaceAll(name, "-", "_"), id: id}
	if isTagging {
		t.service = "com.vmware.cis.tagging." + strings.ReplaceAll(name, "-", "_")
	}
	action := r.URL.Query().Get(f.action)
	switch {
	case action != "":
		t.operation = strings.ReplaceAll(action, "-", "_")
	case r.Method == http.MethodPost:
		t.operation = "create"
	case r.Method == http.MethodPatch:
		t.operation = "update"
	case r.Method == http.MethodDelete:
		t.operation = "delete"
	case hasID || t.service == sessionService:
		t.operation = "get"
	default:
		t.operation = "list"
	}
	return t, ok
}

// input returns the arguments as one JSON object.
func (t target) input(f form, r *http.Request) ([]byte, *Error) {
	arguments := map[string]json.RawMessage{}
	body, err := io.ReadAll(io.LimitReader(r.Body, largestDocument))
	if err != nil {
		return nil, invalidArgument("The body cannot be read: %v.", err)
	}
	isSpec := f.newer && t.service != sessionService && (t.operation == "create" || t.operation == "update")
	switch {
	case len(body) == 0 || strings.TrimSpace(string(body)) == "null": // govmomi sends null for an action without arguments
	case isSpec:
		arguments[t.operation+"_spec"] = body
	default:
		if err := json.Unmarshal(body, &arguments); err != nil {
			return nil, invalidArgument("The body is not a JSON object: %v.", err)
		}
	}
	if t.id != "" {
		if arguments[idFields[t.service]], err = json.Marshal(t.id); err != nil {
			return nil, invalidArgument("The id cannot be encoded: %v.", err)
		}
	}
	input, err := json.Marshal(arguments)
	if err != nil {
		return nil, invalidArgument("The body is not a JSON object: %v.", err)
	}
	return input, nil
}

func sessionOf(r *http.Request) string {
	if id := r.Header.Get(SessionHeader); id != "" {
		return id
	}
	if cookie, err := r.Cookie(SessionHeader); err == nil {
		return cookie.Value
	}
	return ""
}

func (f form) succeed(w http.ResponseWriter, operation string, output any) {
	switch {
	case output == nil && f.newer:
		w.WriteHeader(http.StatusNoContent)
	case output == nil:
		w.WriteHeader(http.StatusOK)
	case f.newer && operation == "create":
		writeJSON(w, http.StatusCreated, output)
	case f.newer:
		writeJSON(w, http.StatusOK, output)
	default:
		writeJSON(w, http.StatusOK, map[string]any{"value": output})
	}
}

func (f form) fail(w http.ResponseWriter, e *Error) {
	messages := []message{e.message()}
	if f.newer {
		writeJSON(w, e.status, map[string]any{"error_type": e.errorType(), "messages": messages})
		return
	}
	writeJSON(w, e.status, map[string]any{"type": e.name(), "value": map[string]any{"error_type": e.errorType(), "messages": messages}})
}
