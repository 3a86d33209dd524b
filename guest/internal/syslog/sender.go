// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package syslog sends the output of the container to a syslog server.
//
// The sender follows the log as any reader does, so the log is its queue: the container never waits for the server, no memory is
// used for lines that could not be sent yet, and what the log drops before it was sent is counted.
package syslog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/spec"
	"gantry.invalid/guest/logbuf"
)

// pageBytes limits what is read of the log at a time.
const pageBytes = 2 * logbuf.LongestRecord

// Status is what is reported about sending.
type Status struct {
	Dropped uint64  `json:"dropped"` // lines that were not sent
	Error   *string `json:"error"`   // why lines cannot be sent now; nil: they can
}

// Times are how long the sender waits.
type Times struct {
	// Dial and Write limit one attempt to connect, and to send one line.
	Dial, Write time.Duration
	// FirstPause and LastPause are the shortest and the longest time between two attempts to connect.
	FirstPause, LastPause time.Duration
	// Report is the shortest time between two reports of dropped lines.
	Report time.Duration
}

// DefaultTimes are those of a machine.
var DefaultTimes = Times{
	Dial: 10 * time.Second, Write: 10 * time.Second, FirstPause: time.Second, LastPause: time.Minute, Report: 10 * time.Second,
}

// Sender sends the lines of a log that are added after it was created.
type Sender struct {
	// Dial connects to the server.
	Dial func(ctx context.Context) (net.Conn, error)
	// Report is called when the status has changed, and with the number of lines that were dropped since the last report.
	Report func(status Status, dropped uint64)
	Times  Times

	wanted   spec.Syslog
	hostname string
	log      *logbuf.Log

	position   logbuf.Position
	connection net.Conn
	broken     chan struct{} // closed when the server has closed the connection
	pause      time.Duration
	status     Status
	reported   uint64 // the dropped lines that were reported
	reportedAt time.Time

	closing chan struct{}
	ended   chan struct{}
}

// New returns a sender of the lines that are added to the log from now on. By TLS, it starts a program.
func New(wanted spec.Syslog, hostname string, log *logbuf.Log, start StartTLS) (*Sender, error) {
	page, err := log.Read(logbuf.Query{Tail: 0, Limit: logbuf.LongestRecord})
	return &Sender{
		Dial: dialer(wanted, start), Times: DefaultTimes, wanted: wanted, hostname: hostname, log: log, position: page.Next,
		closing: make(chan struct{}), ended: make(chan struct{}),
	}, err
}

// Run sends lines until Close is called.
func (s *Sender) Run() {
	defer close(s.ended)
	for {
		caughtUp, err := s.sendPage()
		if err != nil {
			s.disconnect()
			s.setError(err)
		}
		select {
		case <-s.closing:
			if caughtUp || err != nil {
				s.finish(err)
				return
			}
			continue
		default:
		}
		switch {
		case err != nil:
			s.pause = min(max(2*s.pause, s.Times.FirstPause), s.Times.LastPause)
			s.wait(time.After(s.pause), nil)
		case caughtUp:
			s.wait(nil, s.log.Added)
		}
	}
}

// Close sends what has not been sent yet, unless that takes longer than the time or fails, and ends Run.
func (s *Sender) Close(limit time.Duration) {
	close(s.closing)
	select {
	case <-s.ended:
	case <-time.After(limit):
	}
}

// wait waits for the time, for further lines, for the end of the connection, or for the end of the log.
func (s *Sender) wait(timer <-chan time.Time, added <-chan struct{}) {
	select {
	case <-timer:
	case <-added:
	case <-s.broken:
		s.disconnect()
	case <-s.closing:
	}
}

// sendPage sends the next lines, and returns whether there are no more.
func (s *Sender) sendPage() (caughtUp bool, err error) {
	page, err := s.log.Read(logbuf.Query{From: &s.position, Tail: -1, Limit: pageBytes})
	if err != nil {
		return false, fmt.Errorf("the log cannot be read: %w", err)
	}
	sent := uint64(0)
	first := s.position.Number
	for entry := range page.Entries() {
		if err := s.send(entry); err != nil {
			// What was dropped before this line is counted when it is read again.
			s.drop(s.position.Number - first - sent)
			return false, err
		}
		sent++
		s.position = entry.Next
	}
	s.position = page.Next
	s.drop(s.position.Number - first - sent)
	if s.connection != nil {
		s.setError(nil)
	}
	return s.position == page.End, nil
}

// send sends one line. A datagram that is too long for the network is dropped.
func (s *Sender) send(entry logbuf.Entry) error {
	if err := s.connect(); err != nil {
		return err
	}
	if err := s.connection.SetWriteDeadline(time.Now().Add(s.Times.Write)); err != nil {
		return err
	}
	_, err := s.connection.Write(frame(s.wanted.Transport, message(s.wanted, s.hostname, entry)))
	if errors.Is(err, unix.EMSGSIZE) {
		s.drop(1)
		return nil
	}
	if err == nil {
		s.pause = 0
	}
	return err
}

// connect connects unless there is a connection that the server has not closed.
func (s *Sender) connect() error {
	select {
	case <-s.broken:
		s.disconnect()
	default:
	}
	if s.connection != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.Times.Dial)
	defer cancel()
	connection, err := s.Dial(ctx)
	if err != nil {
		return err
	}
	s.connection, s.broken = connection, nil
	if s.wanted.Transport != spec.SyslogUDP {
		s.broken = make(chan struct{})
		go watch(connection, s.broken)
	}
	return nil
}

// watch closes the channel when the server has closed the connection. Servers send nothing.
func watch(connection net.Conn, broken chan<- struct{}) {
	// Any error is the end of the connection, as its end is.
	_, _ = io.Copy(io.Discard, connection)
	close(broken)
}

func (s *Sender) disconnect() {
	if s.connection == nil {
		return
	}
	// Whatever was written before is with the kernel; there is nothing to do about an error.
	_ = s.connection.Close()
	s.connection, s.broken = nil, nil
}

// drop counts lines that are not sent.
func (s *Sender) drop(count uint64) {
	s.status.Dropped += count
	if s.status.Dropped > s.reported && time.Since(s.reportedAt) >= s.Times.Report {
		s.report()
	}
}

// setError reports why lines cannot be sent, or that they can be sent again.
func (s *Sender) setError(err error) {
	var text *string
	if err != nil {
		text = new(string)
		*text = err.Error()
	}
	if (text == nil) != (s.status.Error == nil) || text != nil && *text != *s.status.Error {
		s.status.Error = text
		s.report()
	}
}

func (s *Sender) report() {
	dropped := s.status.Dropped - s.reported
	s.reported, s.reportedAt = s.status.Dropped, time.Now()
	s.Report(s.status, dropped)
}

// finish counts what was not sent as dropped, reports it, and closes the connection.
func (s *Sender) finish(err error) {
	if err != nil {
		if page, readErr := s.log.Read(logbuf.Query{From: &s.position, Tail: 0, Limit: logbuf.LongestRecord}); readErr == nil {
			s.status.Dropped += page.End.Number - s.position.Number
		}
	}
	if s.status.Dropped > s.reported {
		s.report()
	}
	s.disconnect()
}
