// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The DHCP server of the lab's bridges: one dnsmasq inside the namespace.

package hypervisor

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// dhcpCommand returns the command of a dnsmasq that serves all bridges and nothing else. It runs in the foreground as root,
// because a change of user would clear the parent-death signal that ends it with this process.
func dhcpCommand(bridges []bridge, directory string) *exec.Cmd {
	arguments := []string{
		"--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--group=root", "--pid-file=",
		"--port=0", // no DNS: a name that resolves only in the lab would hide configuration errors
		"--no-ping", "--dhcp-authoritative", "--dhcp-lease-max=65536",
		"--dhcp-leasefile=" + filepath.Join(directory, "dhcp.leases"),
		"--log-facility=" + filepath.Join(directory, "logs", "dhcp.log"), "--except-interface=lo",
	}
	for _, b := range bridges {
		arguments = append(arguments, "--interface="+b.name,
			fmt.Sprintf("--dhcp-range=%s,%s,%s,1h", b.first, b.last, b.netmask()))
	}
	return exec.Command("dnsmasq", arguments...)
}
