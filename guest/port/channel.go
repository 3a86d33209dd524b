// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// A channel of the port, with the methods that govmomi's toolbox expects of a channel of the backdoor.

package port

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

var errClosed = errors.New("the host has closed the channel")

// Channel is a channel to the host. Its methods are called by one goroutine at a time, except for Stop.
type Channel struct {
	port     *Port
	protocol string

	mu      sync.Mutex
	session *session // nil: not open
}

// session is a channel between its opening and its end. The host gives a channel up when the VM is moved or forked.
type session struct {
	number   uint32
	opened   chan struct{} // closed when the host has accepted it
	closed   chan struct{} // closed at its end
	incoming chan []byte
}

func (s *session) open() {
	select {
	case <-s.opened:
	default:
		close(s.opened)
	}
}

// Start opens the channel.
func (c *Channel) Start() error {
	s := c.port.begin()
	if err := c.port.send(Frame{Open, s.number, []byte(c.protocol)}); err != nil {
		c.port.drop(s)
		return err
	}
	select {
	case <-s.opened:
		c.set(s)
		return nil
	case <-s.closed:
		return fmt.Errorf("open the %s channel: %w", c.protocol, errClosed)
	case <-c.port.failed:
	case <-time.After(answerTime):
	}
	c.port.drop(s)
	return fmt.Errorf("open the %s channel: %w", c.protocol, errNoAnswer)
}

// Stop closes the channel. It may be closed already.
func (c *Channel) Stop() error {
	s := c.current()
	if s == nil {
		return nil
	}
	c.set(nil)
	select {
	case <-s.closed:
		return nil
	default:
	}
	c.port.drop(s)
	return c.port.send(Frame{Kind: Closed, Channel: s.number})
}

// Send sends a message. An empty message to the TCLO channel is a poll.
func (c *Channel) Send(message []byte) error {
	s := c.current()
	if s == nil {
		return errClosed
	}
	select {
	case <-s.closed:
		return errClosed
	default:
	}
	kind := Message
	if c.protocol == TCLO && len(message) == 0 {
		kind = Poll
	}
	return c.port.send(Frame{kind, s.number, message})
}

// Receive returns the reply to a request of the guest. Of the TCLO channel, it returns the next request of the host, or nil if
// there is none now.
func (c *Channel) Receive() ([]byte, error) {
	s := c.current()
	if s == nil {
		return nil, errClosed
	}
	patience := answerTime
	if c.protocol == TCLO {
		patience = pollTime
	}
	select {
	case message := <-s.incoming:
		return message, nil
	case <-s.closed:
		return nil, errClosed
	case <-c.port.failed:
		return nil, errNoAnswer
	case <-time.After(patience):
	}
	if c.protocol == TCLO {
		return nil, nil
	}
	c.port.drop(s) // a late reply must not be taken for that of the next request
	return nil, errNoAnswer
}

func (c *Channel) current() *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

func (c *Channel) set(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = s
}
