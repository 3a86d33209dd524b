// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Loopback ports that are forwarded to a port of a VM. The address of the VM is looked up at each connection.

package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"
)

const dialTimeout = 10 * time.Second

type dial func(ctx context.Context, machine string, port int) (net.Conn, error)

type publisher struct {
	dial   dial
	ctx    context.Context
	cancel context.CancelFunc

	mu        sync.Mutex
	listeners []net.Listener
}

func newPublisher(dial dial) *publisher {
	ctx, cancel := context.WithCancel(context.Background())
	return &publisher{dial: dial, ctx: ctx, cancel: cancel}
}

func (p *publisher) publish(machine string, port, hostPort int) (int, error) {
	if machine == "" || port < 1 || port > 65535 || hostPort < 0 || hostPort > 65535 {
		return 0, fmt.Errorf("port %d of VM %q cannot be published at loopback port %d: a VM and valid ports are required", port, machine, hostPort)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(hostPort)))
	if err != nil {
		return 0, err
	}
	p.mu.Lock()
	p.listeners = append(p.listeners, listener)
	p.mu.Unlock()
	go p.accept(listener, machine, port)
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func (p *publisher) accept(listener net.Listener, machine string, port int) {
	for {
		client, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			slog.Error("a published port does not accept connections", "vm", machine, "port", port, "error", err)
			time.Sleep(100 * time.Millisecond) // the most likely reason is too many open files
			continue
		}
		go p.forward(client, machine, port)
	}
}

// forward connects a client with the guest, or closes the client's connection if the guest is not reachable.
func (p *publisher) forward(client net.Conn, machine string, port int) {
	defer client.Close()
	ctx, cancel := context.WithTimeout(p.ctx, dialTimeout)
	defer cancel()
	guest, err := p.dial(ctx, machine, port)
	if err != nil {
		slog.Info("the guest behind a published port cannot be reached", "vm", machine, "port", port, "error", err)
		return
	}
	defer guest.Close()
	ended := context.AfterFunc(p.ctx, func() { client.Close(); guest.Close() })
	defer ended()
	var both sync.WaitGroup
	both.Add(2)
	go func() { defer both.Done(); pump(guest, client) }()
	go func() { defer both.Done(); pump(client, guest) }()
	both.Wait()
}

// pump copies one direction of a connection and closes it at its end. The other direction can continue.
func pump(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok && err == nil {
		err = half.CloseWrite()
	}
	if err != nil {
		// Half-close failed: close the connection, so that the other side does not wait.
		_ = to.Close()
		_ = from.Close()
	}
}

func (p *publisher) close() error {
	p.cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, listener := range p.listeners {
		errs = append(errs, listener.Close())
	}
	return errors.Join(errs...)
}
