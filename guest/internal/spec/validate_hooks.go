// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package spec

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// mostHooks limits the hooks of one kind.
const mostHooks = 16

func (h *Hooks) validate() error {
	for _, kind := range []struct {
		name  string
		hooks []Hook
	}{{"post_start", h.PostStart}, {"pre_stop", h.PreStop}} {
		if len(kind.hooks) > mostHooks {
			return fmt.Errorf("hooks.%s has %d hooks, which are more than %d", kind.name, len(kind.hooks), mostHooks)
		}
		for i, hook := range kind.hooks {
			if err := hook.validate(); err != nil {
				return fmt.Errorf("hooks.%s[%d]: %w", kind.name, i, err)
			}
		}
	}
	return nil
}

func (h Hook) validate() error {
	if len(h.Args) == 0 || h.Args[0] == "" {
		return errors.New("args names no program")
	}
	for _, text := range slices.Concat(h.Args, h.Env, []string{h.User, h.Cwd}) {
		if strings.ContainsRune(text, 0) {
			return fmt.Errorf("%q holds a NUL character", text)
		}
	}
	for _, variable := range h.Env {
		if strings.IndexByte(variable, '=') < 1 {
			return fmt.Errorf("env item %q is not NAME=value", variable)
		}
	}
	if h.Cwd != "" && !path.IsAbs(h.Cwd) {
		return fmt.Errorf("cwd %q is not an absolute path", h.Cwd)
	}
	return nil
}
