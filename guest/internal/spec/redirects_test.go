// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package spec

import (
	"strings"
	"testing"
)

func TestRedirectsAreRangesOfPortsOfTCPAndUDP(t *testing.T) {
	redirects := []Redirect{
		{Protocol: "tcp", Port: 8080, To: 80, Count: 1}, {Protocol: "udp", Port: 8080, To: 80, Count: 1},
		{Protocol: "tcp", Port: 65526, To: 1, Count: 10},
	}
	if err := (&Spec{Redirects: redirects}).validateRedirects(); err != nil {
		t.Error(err)
	}
}

func TestInvalidRedirectsAreRefused(t *testing.T) {
	for want, redirects := range map[string][]Redirect{
		"redirects[0]: protocol \"sctp\"":                   {{Protocol: "sctp", Port: 1, To: 2, Count: 1}},
		"redirects[0]: 0 with count 1":                      {{Protocol: "tcp", Port: 0, To: 2, Count: 1}},
		"redirects[0]: 65535 with count 2":                  {{Protocol: "tcp", Port: 1, To: 65535, Count: 2}},
		"is not a range of ports":                           {{Protocol: "tcp", Port: 1, To: 2, Count: 0}},
		"redirects[1]: port 8081/tcp is redirected twice":   {{Protocol: "tcp", Port: 8080, To: 80, Count: 2}, {Protocol: "tcp", Port: 8081, To: 90, Count: 1}},
		"redirects: more than 1024 ports are redirected":    {{Protocol: "tcp", Port: 1000, To: 3000, Count: 1024}, {Protocol: "udp", Port: 1, To: 2, Count: 1}},
		"redirects[0]: 1 with count 9223372036854775807 is": {{Protocol: "tcp", Port: 1, To: 1, Count: 1<<63 - 1}},
	} {
		err := (&Spec{Redirects: redirects}).validateRedirects()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
