// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package source

import (
	"context"
	"errors"
	"io/fs"
	"os"
)

const fwcfgPath = "/sys/firmware/qemu_fw_cfg/by_name/opt/org.gantry/spec/raw"

// FwCfg is a file that QEMU passes to the guest as firmware configuration.
type FwCfg struct{}

// Name returns the name of the source for messages.
func (FwCfg) Name() string { return "fw_cfg (opt/org.gantry/spec)" }

// Read returns the spec.
func (FwCfg) Read(context.Context) ([]byte, error) {
	document, err := os.ReadFile(fwcfgPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrAbsent
	}
	return document, err
}
