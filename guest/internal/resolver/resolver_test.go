// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package resolver

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const table = `{"version": 1, "serial": 7, "names": {
	"db": ["10.0.0.5"], "Web": ["10.0.0.6", "10.0.0.7", "fd00::7"], "legacy": ["fd00::8"]}}`

func parse(t *testing.T, document string) *Table {
	t.Helper()
	parsed, err := ParseTable([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// start returns a server with the table of the tests, at a free port.
func start(t *testing.T) *Server {
	t.Helper()
	server, err := Listen("127.0.0.1:0", t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	server.SetTable(parse(t, table))
	return server
}

func (s *Server) address() string { return s.packets.LocalAddr().String() }

func request(t testing.TB, name string, kind dnsmessage.Type) []byte {
	t.Helper()
	message := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 4711, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}},
	}
	packed, err := message.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

// ask sends a request as a client does, and returns the response.
func ask(t *testing.T, network, address string, sent []byte) dnsmessage.Message {
	t.Helper()
	connection, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var received []byte
	if network == "tcp" {
		if err := writeFramed(connection, sent); err != nil {
			t.Fatal(err)
		}
		received, err = readFramed(connection)
	} else {
		if _, err := connection.Write(sent); err != nil {
			t.Fatal(err)
		}
		received = make([]byte, 65535)
		var length int
		length, err = connection.Read(received)
		received = received[:length]
	}
	if err != nil {
		t.Fatal(err)
	}
	var message dnsmessage.Message
	if err := message.Unpack(received); err != nil {
		t.Fatal(err)
	}
	if message.ID != 4711 || !message.Response {
		t.Fatalf("not the response to the request: %v", message.Header)
	}
	return message
}

func addressesOf(message dnsmessage.Message) []string {
	var found []string
	for _, answer := range message.Answers {
		switch body := answer.Body.(type) {
		case *dnsmessage.AResource:
			found = append(found, netip.AddrFrom4(body.A).String())
		case *dnsmessage.AAAAResource:
			found = append(found, netip.AddrFrom16(body.AAAA).String())
		}
	}
	return found
}

func TestNamesOfTheTableAreAnswered(t *testing.T) {
	server := start(t)
	for _, test := range []struct {
		name string
		kind dnsmessage.Type
		want []string
	}{
		{"db.", dnsmessage.TypeA, []string{"10.0.0.5"}},
		{"DB.", dnsmessage.TypeA, []string{"10.0.0.5"}},
		{"web.", dnsmessage.TypeAAAA, []string{"fd00::7"}},
		// The name exists, and has no such record: a client must not take it for unknown.
		{"db.", dnsmessage.TypeAAAA, nil},
		{"legacy.", dnsmessage.TypeA, nil},
		{"db.", dnsmessage.TypeMX, nil},
	} {
		for _, network := range []string{"udp", "tcp"} {
			message := ask(t, network, server.address(), request(t, test.name, test.kind))
			if got := addressesOf(message); !slices.Equal(got, test.want) || message.RCode != dnsmessage.RCodeSuccess {
				t.Errorf("%s %v by %s: %v %v, want %v", test.name, test.kind, network, message.RCode, got, test.want)
			}
		}
	}
}

func TestAddressesOfTheTableHaveNames(t *testing.T) {
	server := start(t)
	// A program takes the first name: that of one container is before that of several.
	server.SetTable(parse(t, `{"version": 1, "serial": 8, "names": {
		"app": ["10.0.0.6", "10.0.0.7", "fd00::7"], "web-1": ["10.0.0.6"], "Web-2": ["10.0.0.7", "fd00::7"]}}`))
	const seven = "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.D.F.ip6.arpa."
	for _, test := range []struct {
		name string
		kind dnsmessage.Type
		code dnsmessage.RCode
		want []string
	}{
		{"6.0.0.10.in-addr.arpa.", dnsmessage.TypePTR, dnsmessage.RCodeSuccess, []string{"web-1.", "app."}},
		{"7.0.0.10.IN-ADDR.ARPA.", dnsmessage.TypePTR, dnsmessage.RCodeSuccess, []string{"web-2.", "app."}},
		{seven, dnsmessage.TypePTR, dnsmessage.RCodeSuccess, []string{"web-2.", "app."}},
		{"6.0.0.10.in-addr.arpa.", dnsmessage.TypeA, dnsmessage.RCodeSuccess, nil},
		// Others are forwarded; here there is no name server.
		{"9.0.0.10.in-addr.arpa.", dnsmessage.TypePTR, dnsmessage.RCodeNameError, nil},
		{"0.0.10.in-addr.arpa.", dnsmessage.TypePTR, dnsmessage.RCodeNameError, nil},
		{"7.0.0.ip6.arpa.", dnsmessage.TypePTR, dnsmessage.RCodeNameError, nil},
		{strings.Replace(seven, "7", "x", 1), dnsmessage.TypePTR, dnsmessage.RCodeNameError, nil},
		{strings.Replace(seven, "7.0", "70", 1), dnsmessage.TypePTR, dnsmessage.RCodeNameError, nil},
	} {
		message := ask(t, "udp", server.address(), request(t, test.name, test.kind))
		var got []string
		for _, answer := range message.Answers {
			got = append(got, answer.Body.(*dnsmessage.PTRResource).PTR.String())
		}
		if !slices.Equal(got, test.want) || message.RCode != test.code {
			t.Errorf("%s %v: %v %v, want %v %v", test.name, test.kind, message.RCode, got, test.code, test.want)
		}
	}
}

func TestSeveralAddressesAreAnsweredInTurn(t *testing.T) {
	server := start(t)
	first := map[string]int{}
	for range 4 {
		found := addressesOf(ask(t, "udp", server.address(), request(t, "web.", dnsmessage.TypeA)))
		if len(found) != 2 {
			t.Fatalf("not all addresses: %v", found)
		}
		first[found[0]]++
	}
	if first["10.0.0.6"] != 2 || first["10.0.0.7"] != 2 {
		t.Errorf("not in turn: %v", first)
	}
}

func TestAReplacedTableIsUsedAtOnce(t *testing.T) {
	server := start(t)
	server.SetTable(parse(t, `{"version": 1, "serial": 8, "names": {"db": ["10.0.0.9"]}}`))
	if got := addressesOf(ask(t, "udp", server.address(), request(t, "db.", dnsmessage.TypeA))); !slices.Equal(got, []string{"10.0.0.9"}) {
		t.Errorf("db is at %v", got)
	}
}

func TestAnUnknownNameDoesNotExistWithoutNameServers(t *testing.T) {
	server := start(t)
	if code := ask(t, "udp", server.address(), request(t, "nobody.", dnsmessage.TypeA)).RCode; code != dnsmessage.RCodeNameError {
		t.Errorf("the code is %v", code)
	}
}

func TestManyAddressesAreTruncatedByUDPOnly(t *testing.T) {
	server := start(t)
	var all []string
	for number := range 100 {
		all = append(all, fmt.Sprintf(`"10.0.1.%d"`, number))
	}
	server.SetTable(parse(t, `{"version": 1, "serial": 8, "names": {"many": [`+strings.Join(all, ", ")+`]}}`))
	short := ask(t, "udp", server.address(), request(t, "many.", dnsmessage.TypeA))
	if !short.Truncated || len(short.Answers) != 0 {
		t.Errorf("by UDP: truncated %v, %d answers", short.Truncated, len(short.Answers))
	}
	if whole := ask(t, "tcp", server.address(), request(t, "many.", dnsmessage.TypeA)); whole.Truncated || len(whole.Answers) != 100 {
		t.Errorf("by TCP: truncated %v, %d answers", whole.Truncated, len(whole.Answers))
	}
	large := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 4711},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName("many."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
		Additionals: []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName("."), Type: dnsmessage.TypeOPT, Class: 4096},
			Body:   &dnsmessage.OPTResource{},
		}},
	}
	packed, err := large.Pack()
	if err != nil {
		t.Fatal(err)
	}
	if extended := ask(t, "udp", server.address(), packed); extended.Truncated || len(extended.Answers) != 100 {
		t.Errorf("with EDNS(0): truncated %v, %d answers", extended.Truncated, len(extended.Answers))
	}
}

// upstream is a name server of the network: a resolver with a table of its own.
func upstream(t *testing.T, document string) netip.AddrPort {
	t.Helper()
	server := start(t)
	server.SetTable(parse(t, document))
	return netip.MustParseAddrPort(server.address())
}

func TestUnknownNamesAreForwarded(t *testing.T) {
	server := start(t)
	closed, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := netip.MustParseAddrPort(closed.LocalAddr().String())
	closed.Close()
	alive := upstream(t, `{"version": 1, "serial": 1, "names": {"example.com": ["192.0.2.1"], "db": ["192.0.2.9"]}}`)
	server.SetServers([]netip.AddrPort{dead, alive})
	for _, network := range []string{"udp", "tcp"} {
		if got := addressesOf(ask(t, network, server.address(), request(t, "example.com.", dnsmessage.TypeA))); !slices.Equal(got, []string{"192.0.2.1"}) {
			t.Errorf("by %s: %v", network, got)
		}
	}
	// A name of the table hides the one of the network.
	if got := addressesOf(ask(t, "udp", server.address(), request(t, "db.", dnsmessage.TypeA))); !slices.Equal(got, []string{"10.0.0.5"}) {
		t.Errorf("db is at %v", got)
	}
	if code := ask(t, "udp", server.address(), request(t, "nobody.", dnsmessage.TypeA)).RCode; code != dnsmessage.RCodeNameError {
		t.Errorf("the code of the name server was lost: %v", code)
	}
	server.SetServers([]netip.AddrPort{dead})
	if code := ask(t, "udp", server.address(), request(t, "example.com.", dnsmessage.TypeA)).RCode; code != dnsmessage.RCodeServerFailure {
		t.Errorf("without an answer the code is %v", code)
	}
}

func TestAForgedResponseIsIgnored(t *testing.T) {
	forger, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer forger.Close()
	genuine := request(t, "example.com.", dnsmessage.TypeA)
	asked, ok := parseQuery(genuine)
	if !ok {
		t.Fatal("the request is not understood")
	}
	go func() {
		buffer := make([]byte, 512)
		length, client, err := forger.ReadFrom(buffer)
		if err != nil {
			return
		}
		response, _ := respond(asked, dnsmessage.RCodeSuccess, []dnsmessage.ResourceBody{&dnsmessage.AResource{A: [4]byte{192, 0, 2, 66}}})
		// The id of the client's request, which a name server does not get to know.
		forger.WriteTo(response, client)
		copy(response[:idBytes], buffer[:min(length, idBytes)])
		response[len(response)-1] = 1
		forger.WriteTo(response, client)
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	response, err := forward(ctx, "udp", []netip.AddrPort{netip.MustParseAddrPort(forger.LocalAddr().String())}, asked, genuine)
	if err != nil {
		t.Fatal(err)
	}
	var message dnsmessage.Message
	if err := message.Unpack(response); err != nil {
		t.Fatal(err)
	}
	if got := addressesOf(message); !slices.Equal(got, []string{"192.0.2.1"}) {
		t.Errorf("accepted %v", got)
	}
}

func TestInvalidTablesAreRefused(t *testing.T) {
	for _, document := range []string{
		``, `[]`, `{"version": 2, "names": {}}`, `{"version": 1, "names": {"": ["10.0.0.1"]}}`,
		`{"version": 1, "names": {"db": []}}`, `{"version": 1, "names": {"db": ["10.0.0"]}}`, `{"version": 1, "names": {"db": [""]}}`,
		`{"version": 1, "names": {"` + strings.Repeat("a", 254) + `": ["10.0.0.1"]}}`,
	} {
		if _, err := ParseTable([]byte(document)); err == nil {
			t.Errorf("accepted: %.60s", document)
		}
	}
}

func TestNameServersLeaveOutTheResolverItself(t *testing.T) {
	got := NameServers([]string{"10.0.0.1", Host, "nonsense", "fd00::1"})
	want := []netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:53"), netip.MustParseAddrPort("[fd00::1]:53")}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// FuzzHandle sends arbitrary messages: each is answered at most once, with a valid response to it that fits.
func FuzzHandle(f *testing.F) {
	f.Add(request(f, "db.", dnsmessage.TypeA))
	f.Add(request(f, "nobody.", dnsmessage.TypeAAAA))
	f.Add([]byte{})
	f.Add([]byte("\x00\x01\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00\x02db\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01"))
	f.Add([]byte("\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01"))
	known, err := ParseTable([]byte(table))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		server := &Server{logf: t.Logf, forwards: make(chan struct{}, 1)}
		server.SetTable(known)
		responses := make(chan []byte, 2)
		server.handle("udp", message, func(asked query, response []byte) error {
			response, err := shorten(asked, response)
			if err != nil {
				t.Errorf("%v", err)
			}
			responses <- response
			return nil
		})
		asked, ok := parseQuery(message)
		if !ok {
			if len(responses) != 0 {
				t.Error("what is not a request was answered")
			}
			return
		}
		response := <-responses
		if !isResponse(asked, message, response) || len(response) > asked.limit {
			t.Errorf("%d bytes are not the response: %x", len(response), response)
		}
	})
}

func TestATableWithAHigherSerialReplacesAnother(t *testing.T) {
	for later, want := range map[int64]bool{3: false, 2: false, 4: true} {
		if got := (&Table{Serial: 3}).IsFollowedBy(&Table{Serial: later}); got != want {
			t.Errorf("%d: %v", later, got)
		}
	}
}
