// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package source

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/vmware/govmomi/toolbox"
)

const (
	specKey = "guestinfo.gantry.spec"
	// The answer of the VMX for a key that is not set.
	noValue = "No value found"
)

// Guestinfo is VMware's key-value interface between a VM and its host, for reading the spec and publishing the status.
type Guestinfo struct {
	mu      sync.Mutex
	channel toolbox.Channel
}

// NewGuestinfo opens the interface on an RPC channel to the VMX.
func NewGuestinfo(channel toolbox.Channel) (*Guestinfo, error) {
	if err := channel.Start(); err != nil {
		return nil, fmt.Errorf("open the guest info channel: %w", err)
	}
	return &Guestinfo{channel: channel}, nil
}

// Name returns the name of the source for messages.
func (g *Guestinfo) Name() string { return "guestinfo (" + specKey + ")" }

// Read returns the spec.
func (g *Guestinfo) Read(context.Context) ([]byte, error) {
	reply, err := g.request("info-get " + specKey)
	if err != nil {
		if strings.Contains(err.Error(), noValue) {
			return nil, ErrAbsent
		}
		return nil, err
	}
	document := bytes.TrimRight(reply, "\x00")
	if len(document) == 0 {
		return nil, ErrAbsent
	}
	return document, nil
}

// Set publishes a value in the VM's extraConfig.
func (g *Guestinfo) Set(key, value string) error {
	_, err := g.request("info-set " + key + " " + value)
	return err
}

// request sends one command. A migration or a resume closes the channel, so it is opened again once.
func (g *Guestinfo) request(command string) ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	reply, sent, err := g.exchange(command)
	if sent {
		return reply, err
	}
	// The error of closing the old channel is ignored: Start returns an error if a new one cannot be opened.
	_ = g.channel.Stop()
	if err := g.channel.Start(); err != nil {
		return nil, fmt.Errorf("open the guest info channel again: %w", err)
	}
	reply, _, err = g.exchange(command)
	return reply, err
}

// exchange sends a command and returns the reply, and whether the VMX has answered.
func (g *Guestinfo) exchange(command string) (reply []byte, answered bool, err error) {
	if err := g.channel.Send([]byte(command)); err != nil {
		return nil, false, err
	}
	reply, err = g.channel.Receive()
	if err != nil {
		return nil, false, err
	}
	if value, ok := bytes.CutPrefix(reply, []byte("1 ")); ok {
		return value, true, nil
	}
	if bytes.Equal(reply, []byte("1")) {
		return nil, true, nil
	}
	name, _, _ := strings.Cut(command, " ")
	return nil, true, fmt.Errorf("the VMX refused %s: %q", name, reply)
}

// The kind of guest information that is the host name (open-vm-tools: INFO_DNS_NAME).
const hostnameInfo = 1

// Announce reports the guest's name and addresses to the host, as guest tools do.
func (g *Guestinfo) Announce(hostname string) error {
	nics, err := toolbox.GuestInfoNicInfoRequest()
	if err != nil {
		return err
	}
	for _, command := range [][]byte{nics, toolbox.GuestInfoCommand(hostnameInfo, []byte(hostname))} {
		if _, err := g.request(string(command)); err != nil {
			return err
		}
	}
	return nil
}
