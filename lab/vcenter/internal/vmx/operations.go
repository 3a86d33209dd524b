// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Guest operations, whose commands the VMX relays to the tools.

package vmx

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"time"

	"gantry.invalid/guest/guestops"
	"gantry.invalid/guest/relay"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// longestCommand is the most that the VMX relays (open-vm-tools, vixCommands.h: VIX_COMMAND_MAX_REQUEST_SIZE).
const longestCommand = 64 << 10

// askTime is how long the tools may take to say what they offer.
const askTime = 30 * time.Second

// Relay sends a command to the tools, and returns their answer.
func (v *VMX) Relay(ctx context.Context, command []byte) ([]byte, error) {
	if len(command) > longestCommand {
		return nil, fmt.Errorf("a command of %d bytes; the limit is %d", len(command), longestCommand)
	}
	if !v.CanShutDown() {
		return nil, machine.ErrNoTools
	}
	answer, err := v.Request(ctx, guestops.RelayedCommand+" "+string(command))
	if err != nil {
		return nil, err
	}
	reply, accepted := bytes.CutPrefix([]byte(answer), []byte("OK "))
	if !accepted {
		return nil, fmt.Errorf("the guest tools answer %q", answer)
	}
	return reply, nil
}

// askOperations asks the tools whether they offer guest operations. When a VMX asks is not documented; here it is whenever a
// guest that serves files reports something about itself. There is one question at a time.
func (v *VMX) askOperations() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.stateChange || !v.servesFiles {
		return
	}
	v.questions++
	if v.questions == 1 {
		go v.askUntilAnswered()
	}
}

// askUntilAnswered asks again if the guest has reported something since it was asked.
func (v *VMX) askUntilAnswered() {
	for asked := 0; ; {
		v.mu.Lock()
		if v.questions == asked {
			v.questions = 0
			v.mu.Unlock()
			return
		}
		asked = v.questions
		v.mu.Unlock()
		v.updateOperations()
	}
}

func (v *VMX) updateOperations() {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	offers, err := relay.Guest{Send: v.Relay}.Offers(ctx)
	if err != nil {
		slog.Warn("the guest tools do not say what they offer", "error", err)
		return
	}
	v.mu.Lock()
	changed := v.info.Operations != offers
	v.mu.Unlock()
	if changed {
		v.report(func(info *machine.GuestInfo) { info.Operations = offers })
	}
}
