// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// JSON-RPC, the protocol of the Python SDK. A value's type is in the JSON: {"STRUCTURE": {name: fields}}, {"OPTIONAL": value},
// {"SECRET": text}; strings, numbers, booleans and lists are plain. A map is a list of structures named map-entry.

package vapi

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"strings"
)

type rpcRequest struct {
	Version string          `json:"jsonrpc"`
	Method  string          `json:"method"`
	ID      json.RawMessage `json:"id"`
	Params  struct {
		Service   string `json:"serviceId"`
		Operation string `json:"operationId"`
		Input     any    `json:"input"`
		Context   struct {
			Security struct {
				Scheme   string `json:"schemeId"`
				User     string `json:"userName"`
				Password string `json:"password"`
				Session  string `json:"sessionId"`
			} `json:"securityCtx"`
		} `json:"ctx"`
	} `json:"params"`
}

const (
	invalidRequest  = -32600 // of JSON-RPC 2.0
	parseError      = -32700
	schemePassword  = "com.vmware.vapi.std.security.user_pass"
	schemeSession   = "com.vmware.vapi.std.security.session_id"
	largestDocument = 1 << 20
)

// ServeRPC answers a JSON-RPC request.
func (a *API) ServeRPC(w http.ResponseWriter, r *http.Request) {
	var request rpcRequest
	answer := map[string]any{"jsonrpc": "2.0"}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, largestDocument)).Decode(&request); err != nil {
		answer["error"] = map[string]any{"code": parseError, "message": err.Error()}
	} else if answer["id"] = request.ID; request.Version != "2.0" || request.Method != "invoke" {
		answer["error"] = map[string]any{"code": invalidRequest, "message": "The method must be invoke, of JSON-RPC 2.0."}
	} else {
		answer["result"] = a.invoke(&request)
	}
	writeJSON(w, http.StatusOK, answer)
}

func (a *API) invoke(request *rpcRequest) map[string]any {
	security, by := request.Params.Context.Security, caller{}
	switch security.Scheme {
	case schemePassword:
		by.basicUser, by.password = security.User, security.Password
	case schemeSession:
		by.session = security.Session
	}
	input, err := json.Marshal(plain(request.Params.Input))
	if err != nil {
		return map[string]any{"error": typedError(invalidArgument("The input cannot be decoded: %v.", err))}
	}
	output, failure := a.call(by, request.Params.Service, request.Params.Operation, input)
	if failure != nil {
		return map[string]any{"error": typedError(failure)}
	}
	return map[string]any{"output": typed(reflect.ValueOf(output))}
}

// plain removes the types from a value.
func plain(value any) any {
	switch v := value.(type) {
	case []any:
		all := make([]any, 0, len(v))
		for _, one := range v {
			all = append(all, plain(one))
		}
		return all
	case map[string]any:
		if inner, ok := v["OPTIONAL"]; ok {
			return plain(inner)
		}
		if inner, ok := v["SECRET"]; ok {
			return inner
		}
		if inner, ok := v["STRUCTURE"].(map[string]any); ok {
			for _, fields := range inner { // there is one, by its name
				return plainFields(fields)
			}
		}
	}
	return value
}

func plainFields(fields any) any {
	all := map[string]any{}
	named, _ := fields.(map[string]any)
	for name, value := range named {
		all[name] = plain(value)
	}
	return all
}

// structure is a value with the name of its type.
type structure interface{ structure() string }

// typed adds the types to a value.
func typed(value reflect.Value) any {
	switch value.Kind() {
	case reflect.Invalid:
		return nil
	case reflect.Interface:
		return typed(value.Elem())
	case reflect.Pointer:
		if value.IsNil() {
			return map[string]any{"OPTIONAL": nil}
		}
		return map[string]any{"OPTIONAL": typed(value.Elem())}
	case reflect.Map:
		return typedMap(value)
	case reflect.Slice:
		all := make([]any, 0, value.Len())
		for n := range value.Len() {
			all = append(all, typed(value.Index(n)))
		}
		return all
	case reflect.Struct:
		return map[string]any{"STRUCTURE": map[string]any{value.Interface().(structure).structure(): typedFields(value)}}
	}
	if hidden, ok := value.Interface().(secret); ok {
		return map[string]any{"SECRET": hidden}
	}
	return value.Interface()
}

// typedFields returns the fields of a structure, with those of structures that are embedded in it.
func typedFields(value reflect.Value) map[string]any {
	fields := map[string]any{}
	for n := range value.NumField() {
		if value.Type().Field(n).Anonymous {
			maps.Copy(fields, typedFields(value.Field(n)))
			continue
		}
		name, _, _ := strings.Cut(value.Type().Field(n).Tag.Get("json"), ",")
		fields[name] = typed(value.Field(n))
	}
	return fields
}

func typedMap(value reflect.Value) []any {
	entries := []any{}
	for _, key := range value.MapKeys() {
		entry := map[string]any{"key": typed(key), "value": typed(value.MapIndex(key))}
		entries = append(entries, map[string]any{"STRUCTURE": map[string]any{"map-entry": entry}})
	}
	return entries
}

func typedError(e *Error) any {
	return map[string]any{"ERROR": map[string]any{e.name(): map[string]any{
		"messages":   typed(reflect.ValueOf([]message{e.message()})),
		"data":       map[string]any{"OPTIONAL": nil},
		"error_type": map[string]any{"OPTIONAL": e.errorType()},
	}}}
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A client that has gone away is no concern of the server.
	_ = json.NewEncoder(w).Encode(value)
}
