// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package tools

import (
	"bytes"
	"fmt"
	"strings"
	"sync"

	"github.com/vmware/govmomi/toolbox"
)

// attempts limits how often a request is sent. The host closes its channels at a move and at a resume, so the second attempt
// may meet another one.
const attempts = 3

// RPCI sends requests to the VMX. Its methods may be called from several goroutines.
type RPCI struct {
	mu      sync.Mutex
	channel toolbox.Channel
}

// OpenRPCI opens the channel.
func OpenRPCI(channel toolbox.Channel) (*RPCI, error) {
	if err := channel.Start(); err != nil {
		return nil, fmt.Errorf("open the RPCI channel: %w", err)
	}
	return &RPCI{channel: channel}, nil
}

// Request sends a request and returns the value of the reply. A refusal is an error that contains the reply.
func (r *RPCI) Request(command []byte) ([]byte, error) {
	reply, err := r.exchange(command)
	if err != nil {
		return nil, err
	}
	if value, ok := bytes.CutPrefix(reply, []byte("1 ")); ok {
		return value, nil
	}
	if bytes.Equal(reply, []byte("1")) {
		return nil, nil
	}
	name, _, _ := strings.Cut(string(command), " ")
	return nil, fmt.Errorf("the VMX refused %s: %q", name, reply)
}

// exchange sends a request and returns the whole reply. If the host has closed the channel, the request is sent again on a new
// one: each request may be repeated.
func (r *RPCI) exchange(command []byte) (reply []byte, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for attempt := range attempts {
		if attempt > 0 {
			if err = reopen(r.channel); err != nil {
				continue
			}
		}
		if err = r.channel.Send(command); err != nil {
			continue
		}
		if reply, err = r.channel.Receive(); err == nil {
			return reply, nil
		}
	}
	return nil, err
}

// reopen opens a channel that the host has closed.
func reopen(channel toolbox.Channel) error {
	// The error of closing the old channel is ignored: Start returns an error if a new one cannot be opened.
	_ = channel.Stop()
	if err := channel.Start(); err != nil {
		return fmt.Errorf("open a channel of the VMX again: %w", err)
	}
	return nil
}

// replies gives the library the RPCI channel, of which it expects separate methods for the request and its reply.
type replies struct {
	rpci  *RPCI
	reply []byte
}

func (r *replies) Start() error { return nil }

func (r *replies) Stop() error { return nil }

func (r *replies) Send(command []byte) (err error) {
	r.reply, err = r.rpci.exchange(command)
	return err
}

func (r *replies) Receive() ([]byte, error) { return r.reply, nil }

// reopening is a TCLO channel that is opened again at once when the host has closed it. The library by itself waits for five
// seconds, in which the host would have no tools.
type reopening struct{ toolbox.Channel }

func (r reopening) Send(message []byte) error {
	if r.Channel.Send(message) == nil {
		return nil
	}
	if err := reopen(r.Channel); err != nil {
		return err
	}
	return r.Channel.Send(nil) // a reply belongs to a request on the old channel
}
