// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The inventory in the Automation API, with the documents of the Python SDK.

package vsim

import (
	"slices"
	"strings"
	"testing"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/authz"
)

// listed returns the values of a field of the structures in an answer.
func listed(answer, field string) []string {
	found := []string{}
	for _, part := range strings.Split(answer, `"`+field+`":"`)[1:] {
		value, _, _ := strings.Cut(part, `"`)
		found = append(found, value)
	}
	return found
}

func filter(service, fields string) string {
	return `{"filter":{"OPTIONAL":{"STRUCTURE":{"com.vmware.vcenter.` + service + `.filter_spec":{` + fields + `}}}}}`
}

func TestTheInventoryIsListedAsFiltersSay(t *testing.T) {
	l := newLab(t)
	web, _ := l.create(l.spec("web")), l.create(l.spec("db"))
	l.result(web.PowerOn(t.Context()))
	call := l.sdk(testUser, testPass)
	host := must(web.HostSystem(t.Context()))(t).Reference().Value
	folder := l.folder.Reference().Value
	const all = `"names":{"OPTIONAL":null}`
	cases := []struct {
		service, fields, field string
		want                   []string
	}{
		{"VM", all, "name", []string{"web", "db"}},
		{"VM", `"unknown":{"OPTIONAL":null}`, "name", []string{"web", "db"}},
		{"VM", `"names":{"OPTIONAL":[]}`, "name", []string{"web", "db"}},
		{"VM", `"names":{"OPTIONAL":["db","gone"]}`, "name", []string{"db"}},
		{"VM", `"power_states":{"OPTIONAL":["POWERED_ON"]}`, "name", []string{"web"}},
		{"VM", `"hosts":{"OPTIONAL":["` + host + `"]},"names":{"OPTIONAL":["web"]}`, "vm", []string{web.Reference().Value}},
		{"VM", `"folders":{"OPTIONAL":["` + folder + `"]}`, "power_state", []string{"POWERED_ON", "POWERED_OFF"}},
		{"VM", `"clusters":{"OPTIONAL":["gone"]}`, "name", []string{}},
		{"VM", `"resource_pools":{"OPTIONAL":["` + l.pool.Reference().Value + `"]}`, "name", []string{"web", "db"}},
		{"host", `"connection_states":{"OPTIONAL":["DISCONNECTED"]}`, "name", []string{}},
		{"host", `"hosts":{"OPTIONAL":["` + host + `"]},"standalone":{"OPTIONAL":false}`, "host", []string{host}},
		{"folder", `"type":{"OPTIONAL":"VIRTUAL_MACHINE"}`, "name", []string{"vm"}},
		{"folder", `"folders":{"OPTIONAL":["` + folder + `"]}`, "type", []string{"VIRTUAL_MACHINE"}},
		{"network", `"types":{"OPTIONAL":["DISTRIBUTED_PORTGROUP","OPAQUE_NETWORK"]},"names":{"OPTIONAL":["VM Network"]}`, "name", []string{}},
		{"network", `"names":{"OPTIONAL":["VM Network"]}`, "type", []string{"STANDARD_PORTGROUP"}},
		{"resource_pool", `"resource_pools":{"OPTIONAL":["` + l.pool.Reference().Value + `"]}`, "name", []string{"Resources"}},
		{"datacenter", all, "name", []string{"DC0"}},
		{"datastore", all, "type", []string{"NFS"}},
		{"cluster", all, "name", []string{"C0"}},
	}
	for _, one := range cases {
		answer := call("com.vmware.vcenter."+one.service, "list", filter(one.service, one.fields))
		found := listed(answer, one.field)
		slices.Sort(found)
		slices.Sort(one.want)
		if !slices.Equal(found, one.want) {
			t.Errorf("%s with %s has %s %q, not %q: %s", one.service, one.fields, one.field, found, one.want, answer)
		}
	}
	if answer := call("com.vmware.vcenter.VM", "list", filter("VM", `"sizes":{"OPTIONAL":["1"]}`)); !strings.Contains(answer, "invalid_argument") {
		t.Errorf("an unknown field is answered with %s", answer)
	}
}

func TestOnlyWhatTheUserMayReadIsListed(t *testing.T) {
	l := newLab(t)
	web, db := l.create(l.spec("web")), l.create(l.spec("db"))
	l.ann(authz.ReadOnly, web.Reference())
	call := l.sdk(annUser, annPass)
	if found := listed(call("com.vmware.vcenter.VM", "list", filter("VM", "")), "name"); !slices.Equal(found, []string{"web"}) {
		t.Errorf("a user who may read one VM sees %q", found)
	}
	if answer := call("com.vmware.vcenter.VM", "get", `{"vm":"`+db.Reference().Value+`"}`); !strings.Contains(answer, "errors.unauthorized") {
		t.Errorf("another VM is answered with %s", answer)
	}
	if answer := call("com.vmware.vcenter.VM", "get", `{"vm":"vm-gone"}`); !strings.Contains(answer, "errors.not_found") {
		t.Errorf("a VM that does not exist is answered with %s", answer)
	}
}

func TestAVMIsReturnedWithItsDevices(t *testing.T) {
	l := newLab(t)
	spec := l.spec("web", scsi(), newDisk(16*mib), card("VM Network", ""))
	spec.GuestId = "debian12_64Guest"
	spec.BootOptions = &types.VirtualMachineBootOptions{BootDelay: 2000,
		BootOrder: []types.BaseVirtualMachineBootOptionsBootableDevice{&types.VirtualMachineBootOptionsBootableDiskDevice{DeviceKey: 2000}}}
	vm := l.create(spec)
	answer := l.sdk(testUser, testPass)("com.vmware.vcenter.VM", "get", `{"vm":"`+vm.Reference().Value+`"}`)
	network := l.read(vm).Network[0].Value
	for _, want := range []string{
		`"guest_OS":"DEBIAN_12_64"`, `"power_state":"POWERED_OFF"`, `"delay":2000`,
		`{"com.vmware.vcenter.vm.hardware.boot.device.entry":{"disks":{"OPTIONAL":["2000"]},"nic":{"OPTIONAL":null},"type":"DISK"}}`,
		`"disks":[{"STRUCTURE":{"map-entry":{"key":"2000","value":{"STRUCTURE":{"com.vmware.vcenter.vm.hardware.disk.info":{` +
			`"backing":{"STRUCTURE":{"com.vmware.vcenter.vm.hardware.disk.backing_info":{"type":"VMDK_FILE",` +
			`"vmdk_file":{"OPTIONAL":"[shared0] web/web.vmdk"}}}},"capacity":{"OPTIONAL":16777216},"ide":{"OPTIONAL":null},` +
			`"label":"Hard disk 1"`,
		`"scsi":{"OPTIONAL":{"STRUCTURE":{"com.vmware.vcenter.vm.hardware.scsi_address_info":{"bus":0,"unit":0}}}}`,
		`"network":{"OPTIONAL":"` + network + `"},"network_name":{"OPTIONAL":"VM Network"}`,
		`"start_connected":true,"state":"NOT_CONNECTED","type":"VMXNET3","upt_compatibility_enabled":{"OPTIONAL":false}`,
		`"nvme_adapters":{"OPTIONAL":[]}`,
	} {
		if !strings.Contains(answer, want) {
			t.Errorf("the VM lacks %s: %s", want, answer)
		}
	}
}

func TestGuestIDsAreConverted(t *testing.T) {
	// The values are those of com.vmware.vcenter.vm.guest_OS in the reference.
	for id, want := range map[string]string{
		"other3xLinux64Guest": "OTHER_3X_LINUX_64", "otherGuest64": "OTHER_64", "otherGuest": "OTHER", "rhel9_64Guest": "RHEL_9_64",
		"windows9Server64Guest": "WINDOWS_9_SERVER_64", "windows2019srv_64Guest": "WINDOWS_SERVER_2019", "darwin12_64Guest": "DARWIN_12_64",
		"winNetEnterprise64Guest": "WIN_NET_ENTERPRISE_64", "vmkernel65Guest": "VMKERNEL_65", "amazonlinux2_64Guest": "AMAZONLINUX2_64",
	} {
		if got := guestOS(id); got != want {
			t.Errorf("%s is %s, not %s", id, got, want)
		}
	}
}
