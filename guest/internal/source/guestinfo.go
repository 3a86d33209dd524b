// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package source

import (
	"bytes"
	"context"
	"strings"

	"github.com/vmware/govmomi/toolbox"
)

const (
	// SpecKey is the key with the document, which clients of vSphere also change while the VM is on.
	SpecKey = "guestinfo.gantry.spec"
	// The answer of the VMX for a key that is not set.
	noValue = "No value found"
)

// VMX answers requests of the guest.
type VMX interface {
	// Request returns the value of the reply. A refusal is an error that contains the reply.
	Request(command []byte) ([]byte, error)
}

// Guestinfo is VMware's key-value interface between a VM and its host, for reading the spec and publishing the status.
type Guestinfo struct {
	VMX VMX
}

// Name returns the name of the source for messages.
func (Guestinfo) Name() string { return "guestinfo (" + SpecKey + ")" }

// Kind returns the value of the status.
func (Guestinfo) Kind() string { return "guestinfo" }

// Read returns the spec.
func (g Guestinfo) Read(context.Context) ([]byte, error) { return g.Get(SpecKey) }

// Get returns the value of a key in the VM's extraConfig, or ErrAbsent.
func (g Guestinfo) Get(key string) ([]byte, error) {
	reply, err := g.VMX.Request([]byte("info-get " + key))
	if err != nil {
		if strings.Contains(err.Error(), noValue) {
			return nil, ErrAbsent
		}
		return nil, err
	}
	value := bytes.TrimRight(reply, "\x00")
	if len(value) == 0 {
		return nil, ErrAbsent
	}
	return value, nil
}

// Set publishes a value in the VM's extraConfig.
func (g Guestinfo) Set(key, value string) error {
	_, err := g.VMX.Request([]byte("info-set " + key + " " + value))
	return err
}

// The kind of guest information that is the host name (open-vm-tools: INFO_DNS_NAME).
const hostnameInfo = 1

// Announce reports the guest's name and addresses to the host, as guest tools do.
func (g Guestinfo) Announce(hostname string) error {
	nics, err := toolbox.GuestInfoNicInfoRequest()
	if err != nil {
		return err
	}
	for _, command := range [][]byte{toolbox.GuestInfoCommand(hostnameInfo, []byte(hostname)), nics} {
		if _, err := g.VMX.Request(command); err != nil {
			return err
		}
	}
	return nil
}
