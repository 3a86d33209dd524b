// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package resolver

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	// patience is how long one server may take.
	patience = 3 * time.Second
	// dnsPort is where the name servers of the network answer.
	dnsPort = 53
	idBytes = 2
)

var errNoServer = errors.New("no name server is known")

// forward sends a request to the servers, in order, until one answers, and returns its response. By UDP a response can be
// truncated: the client then asks again by TCP, and so does the resolver.
func forward(ctx context.Context, network string, servers []netip.AddrPort, asked query, request []byte) ([]byte, error) {
	failed := errNoServer
	for _, server := range servers {
		response, err := exchange(ctx, network, server, asked, request)
		if err == nil {
			return response, nil
		}
		failed = fmt.Errorf("name server %v: %w", server, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, failed
}

// exchange asks one server. The request gets another id and port, so that nobody else can guess the response.
func exchange(ctx context.Context, network string, server netip.AddrPort, asked query, request []byte) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	connection, err := (&net.Dialer{}).DialContext(limited, network, server.String())
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	deadline, _ := limited.Deadline()
	if err := connection.SetDeadline(deadline); err != nil {
		return nil, err
	}
	sent := append([]byte{}, request...)
	rand.Read(sent[:idBytes])
	response, err := send(connection, network, asked, sent)
	if err != nil {
		return nil, err
	}
	copy(response[:idBytes], request[:idBytes])
	return response, nil
}

// send sends a request on a connection, and returns the response to it.
func send(connection net.Conn, network string, asked query, request []byte) ([]byte, error) {
	if network == "tcp" {
		if err := writeFramed(connection, request); err != nil {
			return nil, err
		}
		response, err := readFramed(connection)
		if err == nil && !isResponse(asked, request, response) {
			err = errors.New("the response is for another request")
		}
		return response, err
	}
	if _, err := connection.Write(request); err != nil {
		return nil, err
	}
	// A response that fills the buffer was cut off. It is longer than any client accepts, so it is sent as truncated.
	buffer := make([]byte, maxUDPBytes+1)
	for {
		length, err := connection.Read(buffer)
		if err != nil {
			return nil, err
		}
		if isResponse(asked, request, buffer[:length]) {
			return buffer[:length], nil
		}
	}
}

// isResponse returns whether a message responds to the request: it has its id and its question.
func isResponse(asked query, request, message []byte) bool {
	var parser dnsmessage.Parser
	header, err := parser.Start(message)
	if err != nil || !header.Response || header.ID != binary.BigEndian.Uint16(request) {
		return false
	}
	question, err := parser.Question()
	return err == nil && question.Type == asked.question.Type && question.Class == asked.question.Class &&
		strings.EqualFold(question.Name.String(), asked.question.Name.String())
}

// readFramed reads a message of a TCP connection, which begins with its length.
func readFramed(connection io.Reader) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(connection, length[:]); err != nil {
		return nil, err
	}
	message := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(connection, message)
	return message, err
}

func writeFramed(connection io.Writer, message []byte) error {
	_, err := connection.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...))
	return err
}
