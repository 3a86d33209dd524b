// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package platform detects VMware hypervisors, and identifies the VM.
package platform

import (
	"os"
	"strings"

	"github.com/vmware/vmw-guestinfo/vmcheck"
)

const (
	productName = "/sys/class/dmi/id/product_name"
	productUUID = "/sys/class/dmi/id/product_uuid"
)

// UUID returns the firmware's UUID of the VM. A clone of the VM has another one. It is empty if the firmware has none.
func UUID() string {
	text, err := os.ReadFile(productUUID)
	if err != nil {
		return ""
	}
	return strings.ToLower(strings.TrimSpace(string(text)))
}

// IsVMware returns whether the VMware backdoor can be looked for. On other platforms its port I/O would crash init, so both the
// product name of the firmware and the hypervisor leaf of the processor must match.
func IsVMware() bool {
	product, err := os.ReadFile(productName)
	return err == nil && strings.HasPrefix(string(product), "VMware") && vmcheck.IsVirtualCPU()
}
