// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package resolver

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// Host is where the resolver answers, as Docker's does: an address of the loopback network that no image uses itself.
const Host = "127.0.0.11"

// Address is the resolver's address with the port of DNS.
const Address = Host + ":53"

const (
	// maxForwards limits the requests that are forwarded at a time, and maxConnections the clients by TCP.
	maxForwards    = 64
	maxConnections = 16
	// idle is how long a client by TCP may be silent.
	idle = 10 * time.Second
)

// Server answers the requests of one container. Its table and its name servers can be replaced at any time.
type Server struct {
	logf      func(format string, args ...any)
	packets   net.PacketConn
	listener  net.Listener
	table     atomic.Pointer[Table]
	upstream  atomic.Pointer[[]netip.AddrPort]
	rotation  rotation
	forwards  chan struct{}
	connected chan struct{}
}

// Listen opens the sockets of a server at an address, and starts to answer there.
func Listen(address string, logf func(format string, args ...any)) (*Server, error) {
	packets, err := net.ListenPacket("udp", address)
	if err != nil {
		return nil, err
	}
	// The same port is used for both, if the address names none.
	listener, err := net.Listen("tcp", packets.LocalAddr().String())
	if err != nil {
		return nil, errors.Join(err, packets.Close())
	}
	server := &Server{
		logf: logf, packets: packets, listener: listener,
		forwards: make(chan struct{}, maxForwards), connected: make(chan struct{}, maxConnections),
	}
	go server.servePackets()
	go server.serveConnections()
	return server, nil
}

// Close ends the server.
func (s *Server) Close() error { return errors.Join(s.packets.Close(), s.listener.Close()) }

// SetTable replaces the table.
func (s *Server) SetTable(table *Table) { s.table.Store(table) }

// SetServers replaces the name servers that everything else is asked for.
func (s *Server) SetServers(servers []netip.AddrPort) { s.upstream.Store(&servers) }

// NameServers returns the servers of a configuration at the port of DNS, without what is not an address or is the resolver itself.
func NameServers(addresses []string) []netip.AddrPort {
	var servers []netip.AddrPort
	for _, text := range addresses {
		if address, err := netip.ParseAddr(text); err == nil && text != Host {
			servers = append(servers, netip.AddrPortFrom(address, dnsPort))
		}
	}
	return servers
}

func (s *Server) servePackets() {
	for {
		buffer := make([]byte, maxUDPBytes)
		length, client, err := s.packets.ReadFrom(buffer)
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				s.logf("resolver: %v", err)
			}
			return
		}
		s.handle("udp", buffer[:length], func(asked query, response []byte) error {
			response, err := shorten(asked, response)
			if err == nil {
				_, err = s.packets.WriteTo(response, client)
			}
			return err
		})
	}
}

func (s *Server) serveConnections() {
	for {
		connection, err := s.listener.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				s.logf("resolver: %v", err)
			}
			return
		}
		select {
		case s.connected <- struct{}{}:
			go func() {
				defer func() { <-s.connected }()
				s.serveConnection(connection)
			}()
		default:
			connection.Close() // there are too many; the client tries again
		}
	}
}

// serveConnection answers the requests of one client, one after the other.
func (s *Server) serveConnection(connection net.Conn) {
	defer connection.Close()
	for {
		if err := connection.SetDeadline(time.Now().Add(idle)); err != nil {
			return
		}
		request, err := readFramed(connection)
		if err != nil {
			return
		}
		answered := make(chan error, 1)
		s.handle("tcp", request, func(_ query, response []byte) error {
			err := writeFramed(connection, response)
			answered <- err
			return err
		})
		select {
		case err := <-answered:
			if err != nil {
				return
			}
		case <-time.After(idle): // nothing is answered to what is not a request
			return
		}
	}
}

// handle answers one request from the table at once, or from the name servers in a goroutine of its own.
func (s *Server) handle(network string, request []byte, send func(query, []byte) error) {
	asked, ok := parseQuery(request)
	if !ok {
		return
	}
	if response, known, err := s.own(asked); known {
		s.reply(asked, response, err, send)
		return
	}
	select {
	case s.forwards <- struct{}{}:
		go func() {
			defer func() { <-s.forwards }()
			response, err := s.ask(network, asked, request)
			s.reply(asked, response, err, send)
		}()
	default:
		response, err := respond(asked, dnsmessage.RCodeServerFailure, nil)
		s.reply(asked, response, err, send)
	}
}

// own returns the response to a request for a name or an address of the table; false if the table has neither.
func (s *Server) own(asked query) (response []byte, known bool, err error) {
	if asked.question.Class != dnsmessage.ClassINET {
		return nil, false, nil
	}
	name, table := asked.question.Name.String(), s.table.Load()
	if addresses, known := table.lookup(name); known {
		response, err := s.rotation.answer(asked, addresses)
		return response, true, err
	}
	names, known := table.lookupAddress(name)
	if known {
		response, err = answerReverse(asked, names)
	}
	return response, known, err
}

func (s *Server) reply(asked query, response []byte, err error, send func(query, []byte) error) {
	if err == nil {
		err = send(asked, response)
	}
	if err != nil && !errors.Is(err, net.ErrClosed) {
		s.logf("resolver: answer a request for %v: %v", asked.question.Name, err)
	}
}

// ask returns the response of a name server. Without any server a name that the table does not have does not exist.
func (s *Server) ask(network string, asked query, request []byte) ([]byte, error) {
	var servers []netip.AddrPort
	if known := s.upstream.Load(); known != nil {
		servers = *known
	}
	response, err := forward(context.Background(), network, servers, asked, request)
	if err == nil {
		return response, nil
	}
	code := dnsmessage.RCodeServerFailure
	if errors.Is(err, errNoServer) {
		code = dnsmessage.RCodeNameError
	}
	return respond(asked, code, nil)
}
