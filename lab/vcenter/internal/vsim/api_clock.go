// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The vCenter's clock, which tests can move forward: sessions that were idle, tickets, leases and finished tasks end by it.

package vsim

import (
	"math"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// ClockView is the clock as the control API shows it.
type ClockView struct {
	Now             time.Time `json:"now"`
	AdvancedSeconds float64   `json:"advanced_seconds"`
}

// Clock returns the vCenter's time, and how far tests have moved it.
func (s *Server) Clock() ClockView {
	return ClockView{s.clock.Now(), s.clock.Advanced().Seconds()}
}

// Advance moves the vCenter's clock forward.
func (s *Server) Advance(seconds float64) error {
	by := time.Duration(math.Min(seconds*float64(time.Second), float64(longestAdvance)))
	if err := s.clock.Advance(by); err != nil {
		return err
	}
	s.endIdleSessions()
	return nil
}

// longestAdvance is one that no test needs to exceed, and with which times stay valid.
const longestAdvance = 100 * 365 * 24 * time.Hour

// currentTime implements CurrentTime.
func (s *Server) currentTime(*simulator.Context, *types.CurrentTime) (soap.HasFault, types.BaseMethodFault) {
	return &methods.CurrentTimeBody{Res: &types.CurrentTimeResponse{Returnval: s.clock.Now()}}, nil
}

// endIdleSessions ends the sessions that are idle for too long since the clock was moved. The simulator, which knows only the machine's
// clock, ends the others.
func (s *Server) endIdleSessions() {
	timeout := s.sessionTimeout()
	for _, session := range s.sessions() {
		if s.clock.Since(s.clock.At(session.LastActiveTime)) > timeout {
			s.registry.SessionManager().TerminateSession(s.context(), &types.TerminateSession{SessionId: []string{session.Key}})
		}
	}
}
