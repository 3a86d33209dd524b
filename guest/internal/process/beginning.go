// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package process

import "sync"

// Beginning keeps the first bytes, at most so many as Limit, of what is written to it. Several streams may write to it.
type Beginning struct {
	Limit int

	mu   sync.Mutex
	kept []byte
}

func (b *Beginning) Write(piece []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = append(b.kept, piece[:min(len(piece), b.Limit-len(b.kept))]...)
	return len(piece), nil
}

// Text returns what was kept.
func (b *Beginning) Text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.kept)
}
