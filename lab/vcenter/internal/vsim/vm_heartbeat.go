// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The heartbeat of the guest tools, which poll for requests of the host.

package vsim

import (
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// The tools poll once a second. vCenter's own limits are not documented.
const (
	heartbeatIntermittent = 15 * time.Second
	heartbeatLost         = 30 * time.Second
)

// heartbeatStatus returns the status of tools that were last heard at a time (API, ManagedEntityStatus): red if they may have
// stopped, yellow if they are heard from time to time.
func heartbeatStatus(last time.Time) types.ManagedEntityStatus {
	switch since := time.Since(last); {
	case since > heartbeatLost:
		return types.ManagedEntityStatusRed
	case since > heartbeatIntermittent:
		return types.ManagedEntityStatusYellow
	}
	return types.ManagedEntityStatusGreen
}

// watchHeartbeat publishes the status of running tools. What they report themselves is published with it.
func (s *Server) watchHeartbeat(vm *simulator.VirtualMachine, last time.Time) {
	if last.IsZero() {
		return
	}
	status := heartbeatStatus(last)
	s.locked(vm, func(ctx *simulator.Context) {
		if vm.Guest.ToolsRunningStatus != string(types.VirtualMachineToolsRunningStatusGuestToolsRunning) || vm.GuestHeartbeatStatus == status {
			return
		}
		vm.GuestHeartbeatStatus, vm.Summary.QuickStats.GuestHeartbeatStatus = status, status
		ctx.Update(vm, []types.PropertyChange{set("guestHeartbeatStatus", status), set("summary.quickStats.guestHeartbeatStatus", status)})
	})
}
