// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package tlsproto is what init and its program for TLS say to each other. The program is one of its own, so that init, which is in
// the memory of every VM, does not have crypto/tls.
//
// Init starts the program for one connection. It writes the request as a line of JSON, reads the answer, which is one too, and then
// writes what the server gets. The program ends when either side has closed the connection.
package tlsproto

// The program's descriptors: its socket to init, and the connection to the server.
const (
	MessagesFD = 0
	ServerFD   = 3
)

// Request says how the server is verified.
type Request struct {
	Host       string `json:"host"` // that the certificate must be valid for
	CA         string `json:"ca"`   // the certificates in PEM that the server's is verified by
	SkipVerify bool   `json:"skip_verify"`
}

// Answer is the result of the handshake.
type Answer struct {
	Error string `json:"error"` // empty: messages can be sent
}
