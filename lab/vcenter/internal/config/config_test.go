// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package config

import (
	"strings"
	"testing"
)

const good = `{"state_dir": "/s", "listen": "127.0.0.1:0", "control": "127.0.0.1:0", "ready_file": "/s/ready.json",
 "username": "u", "password": "p", "datacenter": "DC0", "cluster": "C0", "hosts": {"names": ["esx1"]},
 "datastores": [{"name": "shared0", "capacity_bytes": 1}], "networks": [{"name": "VM Network", "subnet": "10.0.0.0/24"}],
 "hypervisor": "none", "publish": {"18080": "a:b:80"}}`

func TestDefaults(t *testing.T) {
	c, err := Parse([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if c.LeaseTimeoutSeconds != 300 || c.Hosts.CPUs != 16 || c.Hosts.MemoryMB != 65536 {
		t.Errorf("got %+v", c)
	}
	if machine, port, err := Target(c.Publish["18080"]); machine != "a:b" || port != 80 || err != nil {
		t.Errorf("target %s %d %v", machine, port, err)
	}
}

func TestInvalidConfigurationsAreRefused(t *testing.T) {
	for want, change := range map[string][2]string{
		"unknown field":         {`"username"`, `"user"`},
		"state_dir":             {`"/s",`, `"s",`},
		"loopback":              {`"listen": "127.0.0.1:0"`, `"listen": "0.0.0.0:1"`},
		"password":              {`"password": "p"`, `"password": ""`},
		"hosts.names":           {`["esx1"]`, `[]`},
		"twice":                 {`["esx1"]`, `["esx1", "esx1"]`},
		"not a valid name of":   {`"shared0"`, `"../x"`},
		"capacity of 0":         {`"capacity_bytes": 1`, `"capacity_bytes": 0`},
		"subnet":                {`10.0.0.0/24`, `10.0.0.0`},
		"hypervisor":            {`"none"`, `"xen"`},
		"is not a port":         {`"a:b:80"`, `"a:http"`},
		"of the form VM:port":   {`"a:b:80"`, `"80"`},
		`"x" is not a port`:     {`"18080"`, `"x"`},
		"at least 1":            {`"hypervisor"`, `"lease_timeout_seconds": -1, "hypervisor"`},
		"networks is empty":     {`[{"name": "VM Network", "subnet": "10.0.0.0/24"}]`, `[]`},
		"must be positive":      {`["esx1"]`, `["esx1"], "cpus": -1`},
		"has no hosts":          {`"hypervisor"`, `"clusters": [{"name": "C1", "hosts": []}], "hypervisor"`},
		"clusters has \"C0\"":   {`"hypervisor"`, `"clusters": [{"name": "C0", "hosts": ["esx2"]}], "hypervisor"`},
		"no host \"esx9\"":      {`"capacity_bytes": 1`, `"capacity_bytes": 1, "hosts": ["esx9"]`},
		"networks: VM Netwo":    {`10.0.0.0/24"`, `10.0.0.0/24", "hosts": ["esx9"]`},
		"datastore \"gone\"":    {`"hypervisor"`, `"datastore_cluster": {"name": "POD0", "datastores": ["gone"]}, "hypervisor"`},
		"second: listen":        {`"hypervisor"`, `"second": {"listen": "x"}, "hypervisor"`},
		"networks has \"VM Net": {`"hypervisor"`, `"distributed": [{"switch": "d", "port_groups": ["VM Network"]}], "hypervisor"`},
		"networks has \"Overl":  {`"hypervisor"`, `"opaque_networks": ["Overlay", "Overlay"], "hypervisor"`},
	} {
		text := strings.Replace(good, change[0], change[1], 1)
		if text == good {
			t.Fatalf("%s: nothing was changed", want)
		}
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
