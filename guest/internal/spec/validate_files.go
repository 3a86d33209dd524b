// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package spec

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// validateFiles checks the announced files, and that they can be delivered and kept.
func (s *Spec) validateFiles() error {
	if s.Files == nil {
		return nil
	}
	switch {
	case len(s.Files.SHA256) != 64 || !consistsOf(s.Files.SHA256, hexDigits):
		return fmt.Errorf("files.sha256 %q is not 64 hexadecimal digits", s.Files.SHA256)
	case len(s.Files.Entries) == 0:
		return errors.New("files.entries is empty")
	case s.GuestOperations == nil:
		return errors.New("files require guest_operations, by which they are delivered")
	case s.Root.Scratch == nil:
		return errors.New("files require root.scratch, on which they are kept")
	}
	for _, text := range s.Files.Signals {
		if _, err := ParseSignal(text); err != nil {
			return fmt.Errorf("files.signals: %w", err)
		}
	}
	seen := map[string]bool{}
	for i, file := range s.Files.Entries {
		if err := file.validate(); err != nil {
			return fmt.Errorf("files.entries[%d]: %w", i, err)
		}
		if seen[file.Target] {
			return fmt.Errorf("files.entries has the target %q twice", file.Target)
		}
		seen[file.Target] = true
	}
	return nil
}

func (f File) validate() error {
	if !path.IsAbs(f.Target) || path.Clean(f.Target) != f.Target || f.Target == "/" || strings.ContainsRune(f.Target, 0) {
		return fmt.Errorf("target %q is not an absolute path of a file", f.Target)
	}
	if f.Mode == "" || len(f.Mode) > 4 || !consistsOf(f.Mode, "01234567") {
		return fmt.Errorf("mode %q is not an octal mode", f.Mode)
	}
	return nil
}
