// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package resolver answers DNS for one container: the names of other containers from a table that is replaced while it runs, and
// everything else from the name servers of the network.
//
// It uses golang.org/x/net/dns/dnsmessage, which the Go project keeps and its own resolver is built on: 20 KiB of init. A server of
// github.com/miekg/dns would be 3 MiB, in a machine that may have 96 MiB of memory.
package resolver

import (
	"net/netip"
	"sync/atomic"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	// ttl is short, since addresses change when containers are replaced.
	ttl = 5
	// udpBytes is what a client accepts by UDP unless it says more.
	udpBytes = 512
	// maxUDPBytes is what is sent by UDP at most: more would be fragmented on some networks, and loopback does not need it.
	maxUDPBytes = 4096
)

// query is what the resolver understands of a request.
type query struct {
	header   dnsmessage.Header
	question dnsmessage.Question
	// limit is the size of the longest answer by UDP.
	limit int
}

// parseQuery returns the only question of a request. It returns false for anything else, which a resolver of a container does not
// get from its library.
func parseQuery(request []byte) (query, bool) {
	var parser dnsmessage.Parser
	header, err := parser.Start(request)
	if err != nil || header.Response || header.OpCode != 0 {
		return query{}, false
	}
	question, err := parser.Question()
	if err != nil {
		return query{}, false
	}
	if _, err := parser.Question(); err != dnsmessage.ErrSectionDone {
		return query{}, false
	}
	return query{header: header, question: question, limit: udpLimit(&parser)}, true
}

// udpLimit returns the size that the client accepts by UDP, from its EDNS(0) record.
func udpLimit(parser *dnsmessage.Parser) int {
	if parser.SkipAllAnswers() != nil || parser.SkipAllAuthorities() != nil {
		return udpBytes
	}
	for {
		header, err := parser.AdditionalHeader()
		if err != nil {
			return udpBytes
		}
		if header.Type == dnsmessage.TypeOPT {
			return min(max(int(header.Class), udpBytes), maxUDPBytes)
		}
		if parser.SkipAdditional() != nil {
			return udpBytes
		}
	}
}

// rotation counts the answers, so that each begins with another address of a name that has several.
type rotation struct{ count atomic.Uint32 }

// turn returns the addresses of the question's family, in turn.
func (r *rotation) turn(addresses []netip.Addr, kind dnsmessage.Type) []netip.Addr {
	var found []netip.Addr
	for _, address := range addresses {
		if address.Is4() == (kind == dnsmessage.TypeA) {
			found = append(found, address)
		}
	}
	if len(found) < 2 {
		return found
	}
	first := int(r.count.Add(1)-1) % len(found)
	return append(append([]netip.Addr{}, found[first:]...), found[:first]...)
}

// answer returns the response for a name of the table. A name without an address of the asked family exists: it has no such record.
func (r *rotation) answer(asked query, addresses []netip.Addr) ([]byte, error) {
	kind := asked.question.Type
	if kind != dnsmessage.TypeA && kind != dnsmessage.TypeAAAA {
		return respond(asked, dnsmessage.RCodeSuccess, nil)
	}
	var records []dnsmessage.ResourceBody
	for _, address := range r.turn(addresses, kind) {
		if address.Is4() {
			records = append(records, &dnsmessage.AResource{A: address.As4()})
		} else {
			records = append(records, &dnsmessage.AAAAResource{AAAA: address.As16()})
		}
	}
	return respond(asked, dnsmessage.RCodeSuccess, records)
}

// answerReverse returns the response for an address of the table.
func answerReverse(asked query, names []string) ([]byte, error) {
	if asked.question.Type != dnsmessage.TypePTR {
		return respond(asked, dnsmessage.RCodeSuccess, nil)
	}
	var records []dnsmessage.ResourceBody
	for _, text := range names {
		name, err := dnsmessage.NewName(text + ".")
		if err != nil {
			return nil, err
		}
		records = append(records, &dnsmessage.PTRResource{PTR: name})
	}
	return respond(asked, dnsmessage.RCodeSuccess, records)
}

// respond builds a response with records of the name that was asked for.
func respond(asked query, code dnsmessage.RCode, records []dnsmessage.ResourceBody) ([]byte, error) {
	message := dnsmessage.Message{
		Header: dnsmessage.Header{
			ID: asked.header.ID, Response: true, RecursionDesired: asked.header.RecursionDesired, RecursionAvailable: true, RCode: code,
		},
		Questions: []dnsmessage.Question{asked.question},
	}
	header := dnsmessage.ResourceHeader{Name: asked.question.Name, Class: dnsmessage.ClassINET, TTL: ttl}
	for _, record := range records {
		message.Answers = append(message.Answers, dnsmessage.Resource{Header: header, Body: record})
	}
	return message.Pack()
}

// shorten returns a response that fits: without its records, and marked as truncated, so that the client asks again by TCP.
func shorten(asked query, response []byte) ([]byte, error) {
	if len(response) <= asked.limit {
		return response, nil
	}
	var parser dnsmessage.Parser
	header, err := parser.Start(response)
	if err != nil {
		return nil, err
	}
	header.Truncated = true
	builder := dnsmessage.NewBuilder(nil, header)
	if err := builder.StartQuestions(); err != nil {
		return nil, err
	}
	if err := builder.Question(asked.question); err != nil {
		return nil, err
	}
	return builder.Finish()
}
