// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package platform detects VMware hypervisors.
package platform

import (
	"os"
	"strings"

	"github.com/vmware/vmw-guestinfo/vmcheck"
)

const productName = "/sys/class/dmi/id/product_name"

// IsVMware returns whether the VMware backdoor can be looked for. On other platforms its port I/O would crash init, so both the
// product name of the firmware and the hypervisor leaf of the processor must match.
func IsVMware() bool {
	product, err := os.ReadFile(productName)
	return err == nil && strings.HasPrefix(string(product), "VMware") && vmcheck.IsVirtualCPU()
}
