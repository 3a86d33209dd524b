// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"github.com/insomniacslk/dhcp/rfc1035label"
)

func ack(t *testing.T, address string, options ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	t.Helper()
	message, err := dhcpv4.New(append([]dhcpv4.Modifier{
		dhcpv4.WithYourIP(net.ParseIP(address)), dhcpv4.WithNetmask(net.CIDRMask(24, 32)),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return message
}

func TestParseLease(t *testing.T) {
	got, err := parseLease(ack(t, "10.0.0.5",
		dhcpv4.WithRouter(net.IPv4(10, 0, 0, 1)), dhcpv4.WithDNS(net.IPv4(10, 0, 0, 2), net.IPv4(10, 0, 0, 3)),
		dhcpv4.WithOption(dhcpv4.OptDomainName("lan"))))
	if err != nil {
		t.Fatal(err)
	}
	if got.prefix.String() != "10.0.0.5/24" || got.gateway.String() != "10.0.0.1" ||
		fmt.Sprint(got.servers) != "[10.0.0.2 10.0.0.3]" || fmt.Sprint(got.search) != "[lan]" {
		t.Errorf("got %+v", got)
	}
}

func TestParseLeasePrefersClasslessRoutesAndTheSearchList(t *testing.T) {
	got, err := parseLease(ack(t, "10.0.0.5",
		dhcpv4.WithRouter(net.IPv4(10, 0, 0, 1)),
		dhcpv4.WithOption(dhcpv4.OptDomainName("lan")),
		dhcpv4.WithOption(dhcpv4.OptDomainSearch(&rfc1035label.Labels{Labels: []string{"a.example", "b.example"}})),
		dhcpv4.WithOption(dhcpv4.OptClasslessStaticRoute(
			&dhcpv4.Route{Dest: &net.IPNet{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)}, Router: net.IPv4(10, 0, 0, 9)},
			&dhcpv4.Route{Dest: &net.IPNet{IP: net.IPv4(10, 9, 0, 0), Mask: net.CIDRMask(16, 32)}, Router: net.IPv4zero}))))
	if err != nil {
		t.Fatal(err)
	}
	if got.gateway.IsValid() {
		t.Errorf("the router option was taken: %v", got.gateway)
	}
	var routes []string
	for _, route := range got.routes {
		routes = append(routes, route.destination.String()+" by "+route.gateway.String())
	}
	if fmt.Sprint(routes) != "[0.0.0.0/0 by 10.0.0.9 10.9.0.0/16 by 0.0.0.0]" || fmt.Sprint(got.search) != "[a.example b.example]" {
		t.Errorf("got %q and %q", routes, got.search)
	}
}

func TestParseLeaseWithoutAnAddress(t *testing.T) {
	message, err := dhcpv4.New()
	if err != nil {
		t.Fatal(err)
	}
	message.YourIPAddr = nil
	if _, err := parseLease(message); err == nil {
		t.Error("no error")
	}
}

// server answers the keeper's requests by a script, and records events with their times.
type server struct {
	t      *testing.T
	began  time.Time
	script []func(held *nclient4.Lease) (*nclient4.Lease, error)
	events []string
}

func (s *server) record(format string, args ...any) {
	s.events = append(s.events, fmt.Sprintf("%v ", time.Since(s.began))+fmt.Sprintf(format, args...))
}

func (s *server) lease(address string, lasts time.Duration) *nclient4.Lease {
	message := ack(s.t, address, dhcpv4.WithOption(dhcpv4.OptIPAddressLeaseTime(lasts)))
	return &nclient4.Lease{Offer: message, ACK: message, CreationTime: time.Now()}
}

func (s *server) give(address string, lasts time.Duration) func(*nclient4.Lease) (*nclient4.Lease, error) {
	return func(*nclient4.Lease) (*nclient4.Lease, error) { return s.lease(address, lasts), nil }
}

func fail(err error) func(*nclient4.Lease) (*nclient4.Lease, error) {
	return func(*nclient4.Lease) (*nclient4.Lease, error) { return nil, err }
}

func (s *server) keeper(end context.CancelFunc) keeper {
	return keeper{
		request: func(_ context.Context, held *nclient4.Lease) (*nclient4.Lease, error) {
			if len(s.script) == 0 {
				end()
				return nil, errors.New("the test is over")
			}
			kind := "renew"
			if held == nil {
				kind = "discover"
			}
			s.record("%s", kind)
			next := s.script[0]
			s.script = s.script[1:]
			return next(held)
		},
		apply:   func(lease *nclient4.Lease) error { s.record("apply %v", lease.ACK.YourIPAddr); return nil },
		drop:    func() error { s.record("drop"); return nil },
		changed: func() { s.record("changed") },
		logf:    func(string, ...any) {},
	}
}

func keepBy(t *testing.T, script func(*server)) []string {
	t.Helper()
	var events []string
	synctest.Test(t, func(t *testing.T) {
		s := &server{t: t, began: time.Now()}
		script(s)
		ctx, cancel := context.WithCancel(context.Background())
		s.keeper(cancel).keep(ctx, s.lease("10.0.0.5", 100*time.Second))
		events = s.events
	})
	return events
}

func assertEvents(t *testing.T, got []string, want ...string) {
	t.Helper()
	if len(got) < len(want) || fmt.Sprint(got[:len(want)]) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestKeepRenewsAtHalfTime(t *testing.T) {
	events := keepBy(t, func(s *server) {
		s.script = append(s.script, s.give("10.0.0.5", 100*time.Second), s.give("10.0.0.5", 100*time.Second))
	})
	assertEvents(t, events, "50s renew", "50s apply 10.0.0.5", "1m40s renew", "1m40s apply 10.0.0.5")
}

func TestKeepReportsAChangedAddress(t *testing.T) {
	events := keepBy(t, func(s *server) { s.script = append(s.script, s.give("10.0.0.6", 100*time.Second)) })
	assertEvents(t, events, "50s renew", "50s apply 10.0.0.6", "50s changed")
}

func TestKeepTriesAgainUntilTheLeaseEnds(t *testing.T) {
	silence := errors.New("no answer")
	events := keepBy(t, func(s *server) {
		s.script = append(s.script, fail(silence), fail(silence), s.give("10.0.0.5", 100*time.Second))
	})
	assertEvents(t, events, "50s renew", "1m15s renew", "1m27.5s renew", "1m27.5s apply 10.0.0.5")
}

func TestKeepRequestsANewLeaseWhenTheRenewalIsRefused(t *testing.T) {
	events := keepBy(t, func(s *server) {
		s.script = append(s.script, fail(&nclient4.ErrNak{}), fail(errors.New("no answer")), s.give("10.0.0.5", 100*time.Second))
	})
	assertEvents(t, events, "50s renew", "50s drop", "50s changed", "50s discover", "55s discover", "55s apply 10.0.0.5",
		"55s changed")
}

func TestKeepRequestsANewLeaseWhenTheLeaseHasExpired(t *testing.T) {
	events := keepBy(t, func(s *server) {
		for range 6 {
			s.script = append(s.script, fail(errors.New("no answer")))
		}
		s.script = append(s.script, s.give("10.0.0.7", 100*time.Second))
	})
	assertEvents(t, events[len(events)-5:], "1m40s drop", "1m40s changed", "1m40s discover", "1m40s apply 10.0.0.7", "1m40s changed")
}

func TestKeepLeavesAnInfiniteLeaseAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{t: t, began: time.Now()}
		message := ack(t, "10.0.0.5", dhcpv4.WithOption(dhcpv4.OptIPAddressLeaseTime(infiniteLease)))
		s.keeper(func() {}).keep(context.Background(), &nclient4.Lease{ACK: message, CreationTime: time.Now()})
		if len(s.events) > 0 {
			t.Errorf("got %q", s.events)
		}
	})
}
