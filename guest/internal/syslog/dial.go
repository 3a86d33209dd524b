// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Connections to the server.

package syslog

import (
	"context"
	"net"

	"gantry.invalid/guest/internal/spec"
)

// dialer returns the function that connects to the server of the spec.
func dialer(wanted spec.Syslog, start StartTLS) func(ctx context.Context) (net.Conn, error) {
	if wanted.Transport == spec.SyslogTLS {
		return func(ctx context.Context) (net.Conn, error) { return dialTLS(ctx, wanted, start) }
	}
	return func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, wanted.Transport, wanted.Address)
	}
}
