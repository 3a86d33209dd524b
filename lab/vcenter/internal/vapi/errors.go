// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Errors of the API (com.vmware.vapi.std.errors).

package vapi

import (
	"fmt"
	"net/http"
	"strings"
)

// Error is one of the standard errors.
type Error struct {
	kind   string // not_found
	status int    // of HTTP, in REST
	text   string
}

func (e *Error) name() string { return "com.vmware.vapi.std.errors." + e.kind }

// message is a com.vmware.vapi.std.localizable_message.
type message struct {
	ID      string   `json:"id"`
	Default string   `json:"default_message"`
	Args    []string `json:"args"`
}

func (message) structure() string { return "com.vmware.vapi.std.localizable_message" }

func (e *Error) message() message {
	return message{"org.gantry.lab." + e.kind, e.text, []string{}}
}

// errorType is the value of the enumeration com.vmware.vapi.std.errors.error.type.
func (e *Error) errorType() string { return strings.ToUpper(e.kind) }

func unauthenticated() *Error {
	return &Error{"unauthenticated", http.StatusUnauthorized, "The user name, the password or the session is not valid."}
}

func invalidArgument(format string, arguments ...any) *Error {
	return &Error{"invalid_argument", http.StatusBadRequest, fmt.Sprintf(format, arguments...)}
}

func alreadyExists(what, name string) *Error {
	return &Error{"already_exists", http.StatusBadRequest, fmt.Sprintf("There is already a %s named %s.", what, name)}
}

func notFound(what, id string) *Error {
	return &Error{"not_found", http.StatusNotFound, fmt.Sprintf("There is no %s with the id %s.", what, id)}
}
