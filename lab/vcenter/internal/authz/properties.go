// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The privileges that reading a property requires. Source: the type tables of pyVmomi 9.1, where the properties below have
// System.View. Those of a managed entity that have no privilege there require System.Read: "ReadOnly" is described as "See
// details of objects", "View" as "Visibility access".

package authz

import "strings"

var viewable = map[string]string{
	"ManagedEntity":  "availableField value customValue declaredAlarmState effectiveRole name parent tag triggeredAlarmState",
	"Folder":         "childEntity childType namespace",
	"StoragePod":     "childEntity childType namespace summary",
	"Datacenter":     "configuration datastoreFolder hostFolder networkFolder vmFolder",
	"ResourcePool":   "namespace owner resourcePool vm",
	"VirtualApp":     "namespace owner resourcePool vm",
	"HostSystem":     "datastore datastoreBrowser network",
	"VirtualMachine": "datastore network",
	"Datastore":      "",
	"Network":        "",

	"ClusterComputeResource":         computeResource,
	"ComputeResource":                computeResource,
	"DistributedVirtualPortgroup":    "",
	"DistributedVirtualSwitch":       "",
	"VmwareDistributedVirtualSwitch": "",
	"OpaqueNetwork":                  "",
}

const computeResource = "configManagerEnabled datastore environmentBrowser host lifecycleManaged network networkBootMode resourcePool"

// IsEntity returns whether objects of a type are in the inventory tree, and can have permissions.
func IsEntity(kind string) bool {
	_, is := viewable[kind]
	return is && kind != "ManagedEntity"
}

// PropertyPrivilege returns the privilege that reading a property requires; empty: none.
func PropertyPrivilege(kind, path string) string {
	name, _, _ := strings.Cut(path, ".")
	name, _, _ = strings.Cut(name, "[")
	switch {
	case kind == "SessionManager" && name == "sessionList":
		return "Sessions.TerminateSession"
	case !IsEntity(kind):
		return ""
	case contains(viewable["ManagedEntity"], name) || contains(viewable[kind], name):
		return SystemView
	}
	return SystemRead
}

func contains(list, word string) bool {
	for _, one := range strings.Fields(list) {
		if one == word {
			return true
		}
	}
	return false
}
