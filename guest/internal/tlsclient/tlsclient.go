// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package tlsclient encrypts what init sends to a server, in a process of its own (package tlsproto).
package tlsclient

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"time"

	"gantry.invalid/guest/internal/tlsproto"
)

// refusalTime is how long a server that asks for a client's certificate has to refuse a client without one.
const refusalTime = time.Second

// garbagePercent lets the heap become 1 MiB before it is collected, instead of 4: little is allocated after the handshake.
const garbagePercent = 25

// Run serves the descriptors of the process, and ends it.
func Run() {
	debug.SetGCPercent(garbagePercent)
	messages := os.NewFile(tlsproto.MessagesFD, "messages")
	server, err := net.FileConn(os.NewFile(tlsproto.ServerFD, "server"))
	if err == nil {
		err = serve(messages, server)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "syslogtls:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serve does the handshake that init requests, and sends what init writes until either side closes the connection. A server that is
// refused is init's to report: it is in the answer.
func serve(messages io.ReadWriter, server net.Conn) error {
	reader := bufio.NewReader(messages)
	line, err := reader.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	var request tlsproto.Request
	if err := json.Unmarshal(line, &request); err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	connection, refused := connect(server, request)
	answer := tlsproto.Answer{}
	if refused != nil {
		answer.Error = refused.Error()
	}
	if err := json.NewEncoder(messages).Encode(answer); err != nil || refused != nil {
		return err
	}
	relay(connection, reader)
	return nil
}

// connect does the handshake with a server whose certificate is valid for the host, and that accepts a client without one.
func connect(server net.Conn, request tlsproto.Request) (*tls.Conn, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: request.Host, InsecureSkipVerify: request.SkipVerify}
	if !request.SkipVerify {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(request.CA)) {
			return nil, errors.New("ca has no valid certificate in PEM")
		}
	}
	asked := false
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		asked = true
		return new(tls.Certificate), nil
	}
	connection := tls.Client(server, config)
	err := connection.Handshake()
	if !asked {
		return connection, err
	}
	if err == nil {
		err = awaitRefusal(connection)
	}
	if err != nil {
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

// relay sends messages until init or the server closes its side, or the connection breaks. Init only needs to know that it ended.
func relay(connection *tls.Conn, messages io.Reader) {
	ended := make(chan struct{}, 2)
	go func() {
		// Servers send nothing but what TLS itself needs.
		_, _ = io.Copy(io.Discard, connection)
		ended <- struct{}{}
	}()
	go func() {
		_, _ = io.Copy(connection, messages)
		// It marks the end of what was sent. What was written before is with the kernel.
		_ = connection.Close()
		ended <- struct{}{}
	}()
	<-ended
}
