// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package network

import (
	"context"
	"errors"
	"reflect"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
)

const (
	// shortestRenewal limits the rate of requests to a server that offers very short leases.
	shortestRenewal = 5 * time.Second
	infiniteLease   = 0xffffffff * time.Second
)

// keeper renews one lease.
type keeper struct {
	// request requests the renewal of a lease, or a new lease if held is nil.
	request func(ctx context.Context, held *nclient4.Lease) (*nclient4.Lease, error)
	// apply configures the link by a lease, and drop removes the configuration.
	apply func(*nclient4.Lease) error
	drop  func() error
	// changed is called after a change that the container can see.
	changed func()
	logf    func(format string, args ...any)
}

// keep renews the lease until ctx ends. If a lease expires without renewal, it is dropped, and a new one is requested until
// there is one.
func (k keeper) keep(ctx context.Context, held *nclient4.Lease) {
	for ctx.Err() == nil && leaseTime(held.ACK) < infiniteLease {
		renewed := k.renew(ctx, held)
		lost := renewed == nil
		if lost {
			renewed = k.replace(ctx)
		}
		if renewed == nil {
			return
		}
		if err := k.apply(renewed); err != nil {
			k.logf("%v", err)
		}
		if lost || !sameLease(renewed.ACK, held.ACK) {
			k.changed()
		}
		held = renewed
	}
}

// renew requests the renewal after half of the lease time, and again after half of each remaining time. It returns nil when
// the lease has expired or the server has refused the renewal.
func (k keeper) renew(ctx context.Context, held *nclient4.Lease) *nclient4.Lease {
	end := held.CreationTime.Add(leaseTime(held.ACK))
	wait := renewalTime(held.ACK)
	for sleep(ctx, wait) {
		limited, cancel := context.WithDeadline(ctx, end)
		renewed, err := k.request(limited, held)
		cancel()
		if err == nil {
			return renewed
		}
		var refused *nclient4.ErrNak
		rest := time.Until(end)
		if errors.As(err, &refused) || rest <= 0 {
			k.logf("the lease is lost: %v", err)
			return nil
		}
		k.logf("the lease was not renewed, trying again: %v", err)
		wait = min(max(rest/2, shortestRenewal), rest)
	}
	return nil
}

// replace drops the lease and requests a new one until there is one, or ctx ends.
func (k keeper) replace(ctx context.Context) *nclient4.Lease {
	if ctx.Err() != nil {
		return nil
	}
	if err := k.drop(); err != nil {
		k.logf("%v", err)
	}
	k.changed()
	for ctx.Err() == nil {
		limited, cancel := context.WithTimeout(ctx, dhcpDeadline)
		obtained, err := k.request(limited, nil)
		cancel()
		if err == nil {
			return obtained
		}
		k.logf("no lease, trying again: %v", err)
		sleep(ctx, shortestRenewal)
	}
	return nil
}

// sleep waits, and returns false if ctx ended before.
func sleep(ctx context.Context, duration time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(duration):
		return true
	}
}

func leaseTime(ack *dhcpv4.DHCPv4) time.Duration {
	return max(ack.IPAddressLeaseTime(infiniteLease), 2*shortestRenewal)
}

func renewalTime(ack *dhcpv4.DHCPv4) time.Duration {
	return max(ack.IPAddressRenewalTime(leaseTime(ack)/2), shortestRenewal)
}

// sameLease compares the parts of leases that the container can see.
func sameLease(a, b *dhcpv4.DHCPv4) bool {
	first, firstErr := parseLease(a)
	second, secondErr := parseLease(b)
	return firstErr == nil && secondErr == nil && reflect.DeepEqual(first, second)
}
