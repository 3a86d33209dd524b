// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The syslog server that gets the output.

package spec

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
)

// The transports of syslog messages.
const (
	SyslogUDP = "udp"
	SyslogTCP = "tcp"
	SyslogTLS = "tls" // TCP with TLS
)

const (
	lastFacility = 23
	// The limit of the application name in RFC 5424, which consists of printable characters of ASCII.
	longestTag = 48
)

// Syslog is where and how the output is sent.
type Syslog struct {
	Transport string `json:"transport"`
	Address   string `json:"address"` // host:port
	Facility  int    `json:"facility"`
	Tag       string `json:"tag"`
	Micro     bool   `json:"micro"` // the times of messages have microseconds
	// With TLS, either the certificates in PEM that the server's is verified by, or it is not verified.
	CA         string `json:"ca"`
	SkipVerify bool   `json:"skip_verify"`
}

func (s *Syslog) validate() error {
	if s == nil {
		return nil
	}
	if !slices.Contains([]string{SyslogUDP, SyslogTCP, SyslogTLS}, s.Transport) {
		return fmt.Errorf("transport %q is not udp, tcp or tls", s.Transport)
	}
	host, port, err := net.SplitHostPort(s.Address)
	if err != nil || host == "" {
		return fmt.Errorf("address %q is not host:port", s.Address)
	}
	if number, err := strconv.Atoi(port); err != nil || number < 1 || number > lastPort {
		return fmt.Errorf("address %q has no valid port", s.Address)
	}
	if s.Facility < 0 || s.Facility > lastFacility {
		return fmt.Errorf("facility %d is not from 0 to %d", s.Facility, lastFacility)
	}
	if s.Tag == "" || len(s.Tag) > longestTag || slices.ContainsFunc([]byte(s.Tag), func(char byte) bool { return char <= ' ' || char > '~' }) {
		return fmt.Errorf("tag %q is not 1 to %d printable characters without spaces", s.Tag, longestTag)
	}
	return s.validateTLS()
}

func (s *Syslog) validateTLS() error {
	if s.Transport != SyslogTLS {
		if s.CA != "" || s.SkipVerify {
			return fmt.Errorf("ca and skip_verify need the transport tls, which is %s", s.Transport)
		}
		return nil
	}
	// Whether ca has certificates is for the program for TLS to say: init does not have the code.
	if s.SkipVerify == (s.CA != "") {
		return errors.New("the transport tls needs either ca or skip_verify")
	}
	return nil
}
