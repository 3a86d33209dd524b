// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Connections by TLS: a process of the program for TLS for each.

package syslog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/spec"
	"gantry.invalid/guest/internal/tlsproto"
)

// endTime is how long the program has to send the rest when the connection is closed.
const endTime = 2 * time.Second

// StartTLS starts the program for TLS with its two descriptors (package tlsproto). The channel receives how it ended.
type StartTLS func(messages, server *os.File) (pid int, ended <-chan syscall.WaitStatus, err error)

// encrypted is a connection that a process encrypts: the socket to it. It breaks when the process ends, for whatever reason.
type encrypted struct {
	net.Conn
	pid   int
	ended <-chan syscall.WaitStatus
}

// dialTLS connects to the server, and starts the program with the connection.
func dialTLS(ctx context.Context, wanted spec.Syslog, start StartTLS) (net.Conn, error) {
	host, _, err := net.SplitHostPort(wanted.Address)
	if err != nil {
		return nil, err
	}
	server, err := dialFile(ctx, wanted.Address)
	if err != nil {
		return nil, err
	}
	// The program has a copy.
	defer server.Close()
	connection, err := encrypt(server, start)
	if err != nil {
		return nil, fmt.Errorf("start the program for TLS: %w", err)
	}
	request := tlsproto.Request{Host: host, CA: wanted.CA, SkipVerify: wanted.SkipVerify}
	if err := connection.shakeHands(ctx, request); err != nil {
		// Nothing was sent, so there is nothing to do about another error.
		_ = connection.Close()
		return nil, err
	}
	return connection, nil
}

// dialFile returns a connection by TCP that a program can be given.
func dialFile(ctx context.Context, address string) (*os.File, error) {
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	// It is the file's connection, too.
	defer connection.Close()
	return connection.(*net.TCPConn).File()
}

// encrypt starts the program for a connection.
func encrypt(server *os.File, start StartTLS) (*encrypted, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	own, theirs := os.NewFile(uintptr(pair[0]), "messages"), os.NewFile(uintptr(pair[1]), "messages")
	// Both are copied: one for the program, one for the connection.
	defer own.Close()
	defer theirs.Close()
	messages, err := net.FileConn(own)
	if err != nil {
		return nil, err
	}
	pid, ended, err := start(theirs, server)
	if err != nil {
		return nil, errors.Join(err, messages.Close())
	}
	return &encrypted{Conn: messages, pid: pid, ended: ended}, nil
}

// shakeHands has the program do the handshake.
func (e *encrypted) shakeHands(ctx context.Context, request tlsproto.Request) error {
	deadline, _ := ctx.Deadline()
	if err := e.SetDeadline(deadline); err != nil {
		return err
	}
	if err := json.NewEncoder(e.Conn).Encode(request); err != nil {
		return fmt.Errorf("the program for TLS: %w", err)
	}
	var answer tlsproto.Answer
	err := json.NewDecoder(e.Conn).Decode(&answer)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("the server did not answer the TLS handshake in time")
	case errors.Is(err, io.EOF) || errors.Is(err, unix.ECONNRESET):
		return errors.New("the program for TLS ended during the handshake")
	case err != nil:
		return fmt.Errorf("the program for TLS: %w", err)
	case answer.Error != "":
		return errors.New(answer.Error)
	}
	return e.SetDeadline(time.Time{})
}

// Write gives a message to the program.
func (e *encrypted) Write(message []byte) (int, error) {
	size, err := e.Conn.Write(message)
	if errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) {
		err = errors.New("the connection by TLS has ended")
	}
	return size, err
}

// Close lets the program send the rest and end. One that cannot is killed, so that no process is left.
func (e *encrypted) Close() error {
	err := e.Conn.Close()
	select {
	case <-e.ended:
		return err
	case <-time.After(endTime):
		return errors.Join(err, unix.Kill(e.pid, unix.SIGKILL))
	}
}
