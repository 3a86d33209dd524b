// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package port

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"
)

// Name is the name of the virtio-serial port.
const Name = "gantry.vmx"

const (
	// answerTime is the time after which the host has lost a request. An emulated machine on a busy host is slow.
	answerTime = 30 * time.Second
	// pollTime is the time between two polls. A request of the host ends the wait.
	pollTime = time.Second
)

var errNoAnswer = errors.New("the host does not answer on the port")

// Port is the guest's end of the port.
type Port struct {
	stream io.ReadWriter
	failed chan struct{} // closed when the port can no longer be read
	times  chan time.Time

	writing sync.Mutex
	clock   sync.Mutex // only one question for the time is open

	mu       sync.Mutex
	last     uint32
	sessions map[uint32]*session
}

// New starts reading the stream. logError is called with invalid lines and when the stream fails.
func New(stream io.ReadWriter, logError func(error)) *Port {
	p := &Port{stream: stream, failed: make(chan struct{}), times: make(chan time.Time, 1), sessions: map[uint32]*session{}}
	go func() {
		defer close(p.failed)
		err := Read(stream, p.handle, func(err error) { logError(fmt.Errorf("the port of the host: %w", err)) })
		if err != nil {
			logError(fmt.Errorf("read the port of the host: %w", err))
		}
	}()
	return p
}

// Channel returns a channel of the protocol. It is open after Start.
func (p *Port) Channel(protocol string) *Channel {
	return &Channel{port: p, protocol: protocol}
}

// HostTime returns the time of the host.
func (p *Port) HostTime() (time.Time, error) {
	p.clock.Lock()
	defer p.clock.Unlock()
	select {
	case <-p.times: // a late answer to an earlier question
	default:
	}
	if err := p.send(Frame{Kind: Time}); err != nil {
		return time.Time{}, err
	}
	select {
	case now := <-p.times:
		return now, nil
	case <-p.failed:
	case <-time.After(answerTime):
	}
	return time.Time{}, errNoAnswer
}

func (p *Port) send(frame Frame) error {
	p.writing.Lock()
	defer p.writing.Unlock()
	if _, err := p.stream.Write(frame.Encode()); err != nil {
		return fmt.Errorf("write to the port of the host: %w", err)
	}
	return nil
}

func (p *Port) handle(frame Frame) {
	if frame.Kind == Time {
		p.setTime(frame.Payload)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if frame.Kind == Closed && frame.Channel == AllChannels {
		for number := range p.sessions {
			p.end(number)
		}
		return
	}
	s, known := p.sessions[frame.Channel]
	if !known {
		return // the guest has closed it
	}
	switch frame.Kind {
	case Open:
		s.open()
	case Message:
		select {
		case s.incoming <- frame.Payload:
		default:
			p.end(frame.Channel) // the host sent a second message before it had an answer
		}
	case Closed:
		p.end(frame.Channel)
	}
}

func (p *Port) setTime(payload []byte) {
	nanoseconds, err := strconv.ParseInt(string(payload), 10, 64)
	if err != nil {
		return // HostTime reports that there is no answer
	}
	select {
	case p.times <- time.Unix(0, nanoseconds):
	default:
	}
}

// begin registers a new session.
func (p *Port) begin() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	s := &session{number: p.last, opened: make(chan struct{}), closed: make(chan struct{}), incoming: make(chan []byte, 1)}
	p.sessions[s.number] = s
	return s
}

// end removes a session and wakes up whoever waits for it. The caller holds the lock.
func (p *Port) end(number uint32) {
	if s, known := p.sessions[number]; known {
		delete(p.sessions, number)
		close(s.closed)
	}
}

func (p *Port) drop(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end(s.number)
}
