// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package spec

import "reflect"

// IsFollowedBy returns whether a document is a later revision of this one that a running container takes: it differs from this one
// only in the restart policy, and in the contents of files if it has signals for them.
func (s *Spec) IsFollowedBy(later *Spec) bool {
	if later.Revision <= s.Revision {
		return false
	}
	other := *later
	other.Revision, other.Restart = s.Revision, s.Restart
	if s.Files != nil && later.Files != nil && len(later.Files.Signals) > 0 {
		other.Files = &Files{SHA256: s.Files.SHA256, Entries: later.Files.Entries, Signals: s.Files.Signals}
	}
	return reflect.DeepEqual(s, &other)
}
