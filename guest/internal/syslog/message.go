// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Messages: a line of the output as RFC 5424 has it.

package syslog

import (
	"bytes"
	"fmt"
	"strconv"

	"gantry.invalid/guest/internal/spec"
	"gantry.invalid/guest/logbuf"
)

// The severities of the streams, as in Docker.
const (
	severityError = 3
	severityInfo  = 6
)

const (
	secondsFormat      = "2006-01-02T15:04:05Z07:00"
	microsecondsFormat = "2006-01-02T15:04:05.000000Z07:00"
)

// message returns a line as a message, without its newline: priority, version, time, host, application, and no process, message
// type and structured data.
func message(wanted spec.Syslog, hostname string, entry logbuf.Entry) []byte {
	severity, format := severityInfo, secondsFormat
	if entry.Stream == logbuf.Stderr {
		severity = severityError
	}
	if wanted.Micro {
		format = microsecondsFormat
	}
	head := fmt.Sprintf("<%d>1 %s %s %s - - - ", wanted.Facility*8+severity, entry.Time.UTC().Format(format), hostname, wanted.Tag)
	return append([]byte(head), bytes.TrimRight(entry.Text, "\r\n")...)
}

// frame returns a message as it is sent: a datagram is one message, and a stream has the length before each (octet counting of
// RFC 6587; RFC 5425 with TLS).
func frame(transport string, message []byte) []byte {
	if transport == spec.SyslogUDP {
		return message
	}
	return append([]byte(strconv.Itoa(len(message))+" "), message...)
}
