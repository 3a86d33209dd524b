// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Connections to the server.

package syslog

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"gantry.invalid/guest/internal/spec"
)

// refusalTime is how long a server that asks for a client's certificate has to refuse a client without one.
const refusalTime = time.Second

// dialer returns the function that connects to the server of the spec.
func dialer(wanted spec.Syslog) (func(ctx context.Context) (net.Conn, error), error) {
	if wanted.Transport != spec.SyslogTLS {
		return func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, wanted.Transport, wanted.Address)
		}, nil
	}
	roots, err := wanted.Roots()
	if err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, InsecureSkipVerify: wanted.SkipVerify}
	return func(ctx context.Context) (net.Conn, error) { return dialTLS(ctx, config, wanted.Address) }, nil
}

// dialTLS connects to a server whose certificate is valid for the host of the address, and that accepts a client without one.
func dialTLS(ctx context.Context, config *tls.Config, address string) (net.Conn, error) {
	asked := false
	config = config.Clone()
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		asked = true
		return new(tls.Certificate), nil
	}
	connection, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	if !asked {
		return connection, err
	}
	if err == nil {
		err = awaitRefusal(connection)
	}
	if err != nil {
		if connection != nil {
			// Nothing was sent, so there is nothing to do about another error.
			_ = connection.Close()
		}
		return nil, fmt.Errorf("the server asked for a certificate of the client, which has none: %w", err)
	}
	return connection, nil
}

// awaitRefusal returns the error of a server that refuses the client. With TLS 1.3 it does so after the client's handshake, and what
// was sent until then would be lost.
func awaitRefusal(connection net.Conn) error {
	if err := connection.SetReadDeadline(time.Now().Add(refusalTime)); err != nil {
		return err
	}
	if _, err := connection.Read(make([]byte, 1)); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return connection.SetReadDeadline(time.Time{})
}
