// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Redirected ports.

package spec

import "fmt"

// The protocols whose ports can be redirected.
const (
	ProtocolTCP = "tcp"
	ProtocolUDP = "udp"
)

// MaxRedirectedPorts limits the ports that are redirected in all.
const MaxRedirectedPorts = 1024

const lastPort = 65535

// Redirect sends what arrives at ports of the VM's addresses to other ports of the same addresses. Port and To are the first
// of Count consecutive ports.
type Redirect struct {
	Protocol string `json:"protocol"`
	Port     int    `json:"port"`
	To       int    `json:"to"`
	Count    int    `json:"count"`
}

func (r Redirect) validate() error {
	if r.Protocol != ProtocolTCP && r.Protocol != ProtocolUDP {
		return fmt.Errorf("protocol %q is neither tcp nor udp", r.Protocol)
	}
	for _, first := range []int{r.Port, r.To} {
		if first < 1 || r.Count < 1 || r.Count > lastPort || first+r.Count-1 > lastPort {
			return fmt.Errorf("%d with count %d is not a range of ports", first, r.Count)
		}
	}
	return nil
}

// validateRedirects checks that each port is redirected at most once.
func (s *Spec) validateRedirects() error {
	type port struct {
		protocol string
		number   int
	}
	seen := map[port]bool{}
	for i, redirect := range s.Redirects {
		if err := redirect.validate(); err != nil {
			return fmt.Errorf("redirects[%d]: %w", i, err)
		}
		for number := redirect.Port; number < redirect.Port+redirect.Count; number++ {
			one := port{redirect.Protocol, number}
			if seen[one] {
				return fmt.Errorf("redirects[%d]: port %d/%s is redirected twice", i, number, redirect.Protocol)
			}
			if seen[one] = true; len(seen) > MaxRedirectedPorts {
				return fmt.Errorf("redirects: more than %d ports are redirected", MaxRedirectedPorts)
			}
		}
	}
	return nil
}
