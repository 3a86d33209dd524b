// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package hypervisor

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestConfigurationIsCheckedWhenItIsRead(t *testing.T) {
	for want, raw := range map[string]string{
		`unknown field "acclerator"`:        `{"state_dir":"/s","namespace":"lab","acclerator":"kvm"}`,
		`accelerator is "xen"`:              `{"state_dir":"/s","namespace":"lab","accelerator":"xen"}`,
		"not an absolute path":              `{"state_dir":"s","namespace":"lab"}`,
		`namespace "../lab"`:                `{"state_dir":"/s","namespace":"../lab"}`,
		"start_slots -1":                    `{"state_dir":"/s","namespace":"lab","start_slots":-1}`,
		"needs both kernel and initrd":      `{"state_dir":"/s","namespace":"lab","direct_kernel":{"kernel":"/k"}}`,
		"network_pool 10.0.0.0/16 overlaps": `{"state_dir":"/s","namespace":"lab","network_pool":"10.0.0.0/16","networks":[{"name":"a","subnet":"10.0.1.0/24"}]}`,
		"prefix length":                     `{"state_dir":"/s","namespace":"lab","networks":[{"name":"a","subnet":"10.0.0.0/8"}]}`,
	} {
		if _, err := decodeConfig(json.RawMessage(raw)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", raw, err, want)
		}
	}
	config, err := decodeConfig(json.RawMessage(`{"state_dir":"/s","namespace":"lab"}`))
	if err != nil || config.Accelerator != acceleratorAuto {
		t.Errorf("a minimal configuration: %+v, %v", config, err)
	}
}
