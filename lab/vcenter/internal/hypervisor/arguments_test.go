// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package hypervisor

import (
	"slices"
	"strings"
	"testing"

	"gantry.invalid/lab/vcenter/internal/machine"
)

func testLaunch() launch {
	return launch{
		spec: machine.Spec{ID: "vm-7", UUID: "42190000-0000-4000-8000-000000000007", Name: "web, the first", CPUs: 2, MemoryMB: 128, Firmware: "bios",
			ISO: "/ds/gantry/boot,strap.iso",
			Disks: []machine.Disk{
				{Path: "/ds/web/image.qcow2", Format: "qcow2", Unit: 0, UUID: "6000c290-1111-4222-8333-444455556666"},
				{Path: "/ds/web/base.raw", Format: "raw", Unit: 8, UUID: "6000c291-1111-4222-8333-444455556666", ReadOnly: true}},
			NICs: []machine.NIC{{MAC: "00:50:56:00:00:01", Network: "VM Network", Connected: true}}},
		accelerator: acceleratorTCG, taps: []string{"tap3"}, consolePath: "/run/a,b/console.log",
		varsPath: "/run/vars.fd", monitorFD: 3, channelFD: 4,
	}
}

// expectOption fails unless the arguments contain the option with exactly this value.
func expectOption(t *testing.T, arguments []string, option, value string) {
	t.Helper()
	for i := range len(arguments) - 1 {
		if arguments[i] == option && arguments[i+1] == value {
			return
		}
	}
	t.Errorf("no %s %s in\n%s", option, value, strings.Join(arguments, "\n"))
}

func TestArgumentsOfABIOSVM(t *testing.T) {
	arguments, err := testLaunch().arguments()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range [][2]string{
		{"-name", "guest=web,, the first"},
		{"-uuid", "42190000-0000-4000-8000-000000000007"},
		{"-accel", "tcg,tb-size=32"},
		{"-cpu", "max"},
		{"-smp", "2"},
		{"-m", "128M"},
		{"-machine", "q35,vmport=off"},
		{"-chardev", "file,id=console,path=/run/a,,b/console.log"},
		{"-chardev", "socket,id=monitor,fd=3"},
		{"-chardev", "socket,id=channel,fd=4"},
		{"-device", `{"driver":"virtio-serial-pci","id":"ports","max_ports":2}`},
		{"-device", `{"bus":"ports.0","chardev":"channel","driver":"virtserialport","name":"gantry.vmx"}`},
		{"-blockdev", `{"driver":"raw","file":{"driver":"file","filename":"/ds/gantry/boot,strap.iso"},"node-name":"cd","read-only":true}`},
		{"-device", `{"bootindex":1,"bus":"ide.1","drive":"cd","driver":"ide-cd"}`},
		{"-device", `{"driver":"pvscsi","id":"scsi0"}`},
		{"-blockdev", `{"cache":{"no-flush":true},"discard":"unmap","driver":"qcow2","file":{"cache":{"no-flush":true},"discard":"unmap","driver":"file","filename":"/ds/web/image.qcow2"},"node-name":"disk0","read-only":false}`},
		{"-device", `{"bus":"scsi0.0","device_id":"6000c290-1111-4222-8333-444455556666","drive":"disk0","driver":"scsi-hd","scsi-id":0,"serial":"6000c290-1111-4222-8333-444455556666"}`},
		{"-blockdev", `{"cache":{"no-flush":true},"discard":"unmap","driver":"raw","file":{"cache":{"no-flush":true},"discard":"unmap","driver":"file","filename":"/ds/web/base.raw"},"node-name":"disk8","read-only":true}`},
		{"-device", `{"bus":"scsi0.0","device_id":"6000c291-1111-4222-8333-444455556666","drive":"disk8","driver":"scsi-hd","scsi-id":8,"serial":"6000c291-1111-4222-8333-444455556666"}`},
		{"-netdev", `{"downscript":"no","id":"net0","ifname":"tap3","script":"no","type":"tap"}`},
		{"-device", `{"driver":"vmxnet3","id":"nic0","mac":"00:50:56:00:00:01","netdev":"net0","romfile":""}`},
	} {
		expectOption(t, arguments, want[0], want[1])
	}
	if !slices.Contains(arguments, "-no-reboot") {
		t.Error("a guest that reboots would not end QEMU")
	}
	if slices.Contains(arguments, "-kernel") {
		t.Error("the ISO is not what is booted")
	}
}

func TestArgumentsOfAVMThatGrows(t *testing.T) {
	l := testLaunch()
	l.spec.MaxCPUs, l.spec.MaxMemoryMB = 16, 2048
	arguments, err := l.arguments()
	if err != nil {
		t.Fatal(err)
	}
	expectOption(t, arguments, "-smp", "cpus=2,sockets=16,cores=1,threads=1,maxcpus=16")
	expectOption(t, arguments, "-accel", "tcg,tb-size=32,thread=single")
	expectOption(t, arguments, "-m", "128M") // too small
	l.spec.MemoryMB = 256
	l.growth = growth{cpus: []map[string]any{{"driver": "max-x86_64-cpu", "id": "cpu2", "socket-id": 2}}, modules: []int64{128}}
	if arguments, err = l.arguments(); err != nil {
		t.Fatal(err)
	}
	expectOption(t, arguments, "-m", "256M,slots=8,maxmem=2048M")
	expectOption(t, arguments, "-device", `{"driver":"max-x86_64-cpu","id":"cpu2","socket-id":2}`)
	expectOption(t, arguments, "-object", `{"id":"memory0","qom-type":"memory-backend-ram","size":134217728}`)
	expectOption(t, arguments, "-device", `{"driver":"pc-dimm","id":"module0","memdev":"memory0"}`)
}

func TestArgumentsOfAnEFIVM(t *testing.T) {
	l := testLaunch()
	l.spec.Firmware = "efi"
	arguments, err := l.arguments()
	if err != nil {
		t.Fatal(err)
	}
	expectOption(t, arguments, "-drive", "if=pflash,format=raw,readonly=on,file="+firmwareCode)
	expectOption(t, arguments, "-drive", "if=pflash,format=raw,file=/run/vars.fd")
}

func TestDirectKernelReplacesTheISO(t *testing.T) {
	l := testLaunch()
	l.spec.ISO = ""
	l.directKernel = &DirectKernel{Kernel: "/k", Initrd: "/i", Append: "console=ttyS0 quiet"}
	l.accelerator = acceleratorKVM
	arguments, err := l.arguments()
	if err != nil {
		t.Fatal(err)
	}
	expectOption(t, arguments, "-kernel", "/k")
	expectOption(t, arguments, "-initrd", "/i")
	expectOption(t, arguments, "-append", "console=ttyS0 quiet")
	expectOption(t, arguments, "-accel", "kvm")
	expectOption(t, arguments, "-cpu", "host")
}

func TestVMWithoutAnISOHasNoCD(t *testing.T) {
	l := testLaunch()
	l.spec.ISO = ""
	arguments, err := l.arguments()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(strings.Join(arguments, " "), "ide-cd") {
		t.Error("there is a CD drive with nothing in it")
	}
}

func TestArgumentsRefuseWhatCannotBoot(t *testing.T) {
	for want, change := range map[string]func(*launch){
		`firmware "uefi"`:    func(l *launch) { l.spec.Firmware = "uefi" },
		`format "vmdk"`:      func(l *launch) { l.spec.Disks = []machine.Disk{{Path: "/d", Format: "vmdk"}} },
		`accelerator "auto"`: func(l *launch) { l.accelerator = acceleratorAuto },
	} {
		l := testLaunch()
		change(&l)
		if _, err := l.arguments(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
