// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package spec

import (
	"strings"
	"testing"
)

func TestASyslogServerIsOptional(t *testing.T) {
	for _, server := range []*Syslog{
		nil,
		{Transport: "udp", Address: "[2001:db8::1]:514", Facility: 23, Tag: "web/1"},
		{Transport: "tls", Address: "logs:6514", Facility: 3, Tag: "web", SkipVerify: true},
	} {
		if err := server.validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestInvalidSyslogServersAreRefused(t *testing.T) {
	for want, change := range map[string]func(*Syslog){
		"transport \"ssl\"":  func(s *Syslog) { s.Transport = "ssl" },
		"is not host:port":   func(s *Syslog) { s.Address = ":514" },
		"has no valid port":  func(s *Syslog) { s.Address = "logs:70000" },
		"facility 24":        func(s *Syslog) { s.Facility = 24 },
		"tag \"\"":           func(s *Syslog) { s.Tag = "" },
		"tag \"a b\"":        func(s *Syslog) { s.Tag = "a b" },
		"need the transport": func(s *Syslog) { s.CA = "x" },
		"which is tcp":       func(s *Syslog) { s.SkipVerify = true },
		"needs either ca":    func(s *Syslog) { s.Transport = "tls" },
		"or skip_verify":     func(s *Syslog) { s.Transport, s.CA, s.SkipVerify = "tls", "x", true },
		"tag \"x" + longText: func(s *Syslog) { s.Tag = "x" + longText },
	} {
		server := Syslog{Transport: "tcp", Address: "logs:514", Facility: 3, Tag: "web"}
		change(&server)
		if err := server.validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

var longText = strings.Repeat("x", longestTag)
