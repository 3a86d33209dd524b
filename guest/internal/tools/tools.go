// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package tools implements VMware's guest tools protocol: it reports addresses, and handles shutdown and restart requests of
// the host.
package tools

import (
	"errors"
	"fmt"

	"github.com/vmware/govmomi/toolbox"
	"github.com/vmware/govmomi/toolbox/vix"
)

// errNoGuestOperations is the answer to every guest operation that requires credentials. The library accepts any
// credentials, so a client with access to guest operations could run programs as init without a password.
var errNoGuestOperations = errors.New("this container VM offers no guest operations")

// Start opens the channels and starts handling requests of the host. It calls halt and reboot for the power requests.
func Start(in, out toolbox.Channel, halt, reboot func()) error {
	service := toolbox.NewService(in, out)
	service.Power.Halt.Handler = func() error {
		halt()
		return nil
	}
	service.Power.Reboot.Handler = func() error {
		reboot()
		return nil
	}
	service.Command.Authenticate = func(vix.CommandRequestHeader, []byte) error { return errNoGuestOperations }
	if err := service.Start(); err != nil {
		return fmt.Errorf("start the guest tools: %w", err)
	}
	return nil
}
