// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package guestops

import "time"

// ReplaceSleep lets tests observe how long refusals are delayed.
func (a *Access) ReplaceSleep(sleep func(time.Duration)) { a.sleep = sleep }

// Used returns the memory that results occupy.
func (s *Server) Used() int {
	s.programs.mu.Lock()
	defer s.programs.mu.Unlock()
	return s.programs.used
}

// Age lets all programs have ended so much earlier.
func (s *Server) Age(by time.Duration) {
	s.programs.mu.Lock()
	defer s.programs.mu.Unlock()
	for _, entry := range s.programs.entries {
		if !entry.ended.IsZero() {
			entry.ended = entry.ended.Add(-by)
		}
	}
}

// The limits that tests reach.
const (
	MostRunning      = mostRunning
	LongestArguments = longestArguments
	ShownFor         = shownFor
)
