// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package spec

import "reflect"

// IsFollowedBy returns whether a document is a later revision of this one that a running container takes: it differs from this one
// only in the restart policy.
func (s *Spec) IsFollowedBy(later *Spec) bool {
	if later.Revision <= s.Revision {
		return false
	}
	other := *later
	other.Revision, other.Restart = s.Revision, s.Restart
	return reflect.DeepEqual(s, &other)
}
