// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The output of the container that is sent to a syslog server.

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"gantry.invalid/guest/internal/report"
	"gantry.invalid/guest/internal/rootfs"
	"gantry.invalid/guest/internal/spec"
	"gantry.invalid/guest/internal/syslog"
	"gantry.invalid/guest/logbuf"
)

// syslogEnd limits how long the end of the container waits until the rest of its output is sent.
const syslogEnd = 3 * time.Second

// sendOutput sends what is added to the log to the syslog server of the spec, if it has one. The function that it returns sends
// the rest.
func (m *machine) sendOutput(wanted *spec.Spec, log *logbuf.Log) (finish func(), err error) {
	target := wanted.Log.Syslog
	if target == nil {
		return func() {}, nil
	}
	if err := shareNames(); err != nil {
		return nil, err
	}
	sender, err := syslog.New(*target, wanted.Hostname, log, m.startTLS)
	if err != nil {
		return nil, err
	}
	notes := log.Writer(logbuf.Stderr)
	sender.Report = func(current syslog.Status, dropped uint64) {
		m.reporter.Update(func(status *report.Status) { status.Syslog = &current })
		if current.Error != nil {
			m.console.logf("The output cannot be sent to the syslog server now: %s", *current.Error)
		}
		if dropped > 0 {
			if _, err := fmt.Fprintf(notes, "gantry: %d lines were not sent to the syslog server.\n", dropped); err != nil {
				m.logError(err)
			}
		}
	}
	go sender.Run()
	return func() { sender.Close(syslogEnd) }, nil
}

// shareNames lets init resolve names as the container does: by the same servers, and by the same file of hosts.
func shareNames() error {
	if err := os.MkdirAll("/etc", 0o755); err != nil {
		return err
	}
	for _, name := range []string{"hosts", "resolv.conf"} {
		err := os.Symlink(filepath.Join(rootfs.EtcDirectory, name), filepath.Join("/etc", name))
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}
