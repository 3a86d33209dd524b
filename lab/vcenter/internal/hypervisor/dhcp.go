// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The DHCP servers of the lab's bridges: a dnsmasq inside the namespace for each.

package hypervisor

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// dhcpCommand returns the command of a dnsmasq that serves a bridge and nothing else. It runs in the foreground as root, which
// owns the namespace.
func dhcpCommand(b bridge, directory string) *exec.Cmd {
	return exec.Command("dnsmasq",
		"--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--group=root", "--pid-file=",
		"--port=0", // no DNS: a name that resolves only in the lab would hide configuration errors
		"--no-ping", "--dhcp-authoritative", "--dhcp-lease-max=65536",
		"--dhcp-leasefile="+filepath.Join(directory, "dhcp-"+b.name+".leases"),
		"--log-facility="+filepath.Join(directory, "logs", "dhcp-"+b.name+".log"), "--except-interface=lo",
		"--bind-dynamic", // so that each server receives the requests of its own bridge only
		"--interface="+b.name, fmt.Sprintf("--dhcp-range=%s,%s,%s,1h", b.first, b.last, b.netmask()))
}
