// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The QEMU command line of a VM. This file is pure: files and taps must already exist.

package hypervisor

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"gantry.invalid/guest/port"

	"gantry.invalid/lab/vcenter/internal/machine"
)

const (
	qemuBinary = "qemu-system-x86_64"
	// Firmware of 4 MB: Debian 13 and Ubuntu 24.04 do not ship the one of 2 MB any more.
	firmwareCode = "/usr/share/OVMF/OVMF_CODE_4M.fd"
	firmwareVars = "/usr/share/OVMF/OVMF_VARS_4M.fd"
	// How many ports the virtio-serial device has room for: the first one is reserved for a console. Each one costs the guest
	// memory for its queues.
	ports = 2
)

// launch holds the inputs of the command line.
type launch struct {
	spec         machine.Spec
	accelerator  string
	directKernel *DirectKernel
	taps         []string // one for each NIC
	growth       growth
	consolePath  string
	varsPath     string // UEFI variables; used with EFI firmware only
	monitorFD    int    // inherited sockets
	channelFD    int
	incoming     bool // QEMU waits for the state of a VM that is migrated to it
}

func (l launch) arguments() ([]string, error) {
	b := argumentBuilder{}
	b.add("-name", "guest="+escape(l.spec.Name))
	if l.spec.UUID != "" {
		b.add("-uuid", l.spec.UUID)
	}
	b.add("-no-user-config", "-nodefaults", "-display", "none", "-no-reboot")
	b.add("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny")
	// With vmport, the guest would detect a VMware backdoor that does not work like VMware's.
	b.add("-machine", "q35,vmport=off")
	switch l.accelerator {
	case acceleratorKVM:
		b.add("-accel", "kvm", "-cpu", "host")
	case acceleratorTCG:
		b.add("-accel", l.emulation(), "-cpu", "max")
	default:
		return nil, fmt.Errorf("accelerator %q cannot run a VM; it must be kvm or tcg", l.accelerator)
	}
	l.addSize(&b)
	l.addChannels(&b)
	if err := l.addBoot(&b); err != nil {
		return nil, err
	}
	if err := l.addDisks(&b); err != nil {
		return nil, err
	}
	l.addNICs(&b)
	if l.incoming {
		b.add("-incoming", "defer")
	}
	return b.arguments, b.err
}

// emulation returns the settings of TCG. With a thread for each CPU, QEMU aborts if one is added while all regions of its memory
// for translated code are in use (tcg_region_initial_alloc, tcg/region.c), so a VM that can grow has one thread for all CPUs.
func (l launch) emulation() string {
	const settings = "tcg,tb-size=32"
	if l.spec.MaxCPUs > l.spec.CPUs {
		return settings + ",thread=single"
	}
	return settings
}

// addSize adds CPUs and memory: those at power-on, and those that were added since then.
func (l launch) addSize(b *argumentBuilder) {
	cpus, memory := strconv.Itoa(max(l.spec.CPUs, 1)), fmt.Sprintf("%dM", l.spec.MemoryMB)
	if l.spec.MaxCPUs > l.spec.CPUs {
		// Each CPU is a socket: no real processor gets further cores.
		cpus = fmt.Sprintf("cpus=%s,sockets=%d,cores=1,threads=1,maxcpus=%[2]d", cpus, l.spec.MaxCPUs)
	}
	if memoryGrows(l.spec) {
		memory = fmt.Sprintf("%s,slots=%d,maxmem=%dM", memory, memoryModules, l.spec.MaxMemoryMB)
	}
	b.add("-smp", cpus, "-m", memory)
	for _, cpu := range l.growth.cpus {
		b.addJSON("-device", cpu)
	}
	for index := range l.growth.modules {
		memory, device := l.growth.module(index)
		b.addJSON("-object", memory)
		b.addJSON("-device", device)
	}
}

// addChannels adds ttyS0 for the console log, the guest's port, and the QMP monitor.
func (l launch) addChannels(b *argumentBuilder) {
	console := "file,id=console,path=" + escape(l.consolePath)
	if l.incoming {
		console += ",append=on" // keeps the output from before a migration
	}
	b.add("-chardev", console, "-serial", "chardev:console")
	b.add("-chardev", fmt.Sprintf("socket,id=channel,fd=%d", l.channelFD))
	b.addJSON("-device", map[string]any{"driver": "virtio-serial-pci", "id": "ports", "max_ports": ports})
	b.addJSON("-device", map[string]any{"driver": "virtserialport", "bus": "ports.0", "chardev": "channel", "name": port.Name})
	b.add("-chardev", fmt.Sprintf("socket,id=monitor,fd=%d", l.monitorFD), "-mon", "chardev=monitor,mode=control")
}

func (l launch) addBoot(b *argumentBuilder) error {
	if l.directKernel != nil {
		b.add("-kernel", l.directKernel.Kernel, "-initrd", l.directKernel.Initrd, "-append", l.directKernel.Append)
		return nil
	}
	switch l.spec.Firmware {
	case "bios":
	case "efi":
		b.add("-drive", "if=pflash,format=raw,readonly=on,file="+firmwareCode)
		b.add("-drive", "if=pflash,format=raw,file="+escape(l.varsPath))
	default:
		return fmt.Errorf("VM %s: firmware %q is neither bios nor efi", l.spec.Name, l.spec.Firmware)
	}
	if l.spec.ISO == "" {
		return nil // the firmware reports that there is nothing to boot
	}
	b.addJSON("-blockdev", map[string]any{"node-name": "cd", "driver": "raw", "read-only": true,
		"file": map[string]any{"driver": "file", "filename": l.spec.ISO}})
	b.addJSON("-device", map[string]any{"driver": "ide-cd", "bus": "ide.1", "drive": "cd", "bootindex": 1})
	return nil
}

func (l launch) addDisks(b *argumentBuilder) error {
	b.addJSON("-device", map[string]any{"driver": "pvscsi", "id": "scsi0"})
	first := l.spec.FirstDisk()
	for _, disk := range l.spec.Disks {
		if disk.Format != "raw" && disk.Format != "qcow2" {
			return fmt.Errorf("VM %s: disk %s: format %q is neither raw nor qcow2", l.spec.Name, disk.Path, disk.Format)
		}
		node := fmt.Sprintf("disk%d", disk.Unit)
		// QEMU's image locks stay enabled: any number of VMs may read a base, but a VM does not start on a disk that another
		// one writes. Flushes are dropped: the lab's disks must survive the end of QEMU, but not a crash of the host.
		b.addJSON("-blockdev", map[string]any{"node-name": node, "driver": disk.Format, "read-only": disk.ReadOnly,
			"cache": map[string]any{"no-flush": true}, "discard": "unmap",
			"file": map[string]any{"driver": "file", "filename": disk.Path, "discard": "unmap",
				"cache": map[string]any{"no-flush": true}}})
		// Without a device_id, QEMU takes the serial number as one. QEMU 10 then refuses more than 20 characters, and a UUID
		// has 36; older versions cut it off, so that two disks could have one identity.
		device := map[string]any{"driver": "scsi-hd", "bus": "scsi0.0", "scsi-id": disk.Unit, "drive": node,
			"serial": disk.UUID, "device_id": disk.UUID}
		if first != nil && first.Unit == disk.Unit {
			device["bootindex"] = 0 // before the CD
		}
		b.addJSON("-device", device)
	}
	return nil
}

func (l launch) addNICs(b *argumentBuilder) {
	for i, nic := range l.spec.NICs {
		b.addJSON("-netdev", map[string]any{"type": "tap", "id": fmt.Sprintf("net%d", i), "ifname": l.taps[i],
			"script": "no", "downscript": "no"})
		// No option ROM: network boot would only delay booting from the CD.
		b.addJSON("-device", map[string]any{"driver": "vmxnet3", "id": nicID(i), "netdev": fmt.Sprintf("net%d", i),
			"mac": nic.MAC, "romfile": ""})
	}
}

func nicID(index int) string {
	return fmt.Sprintf("nic%d", index)
}

type argumentBuilder struct {
	arguments []string
	err       error
}

func (b *argumentBuilder) add(arguments ...string) {
	b.arguments = append(b.arguments, arguments...)
}

// addJSON adds an option in QEMU's JSON form, which needs no escaping of paths.
func (b *argumentBuilder) addJSON(option string, value map[string]any) {
	encoded, err := json.Marshal(value)
	if err != nil {
		b.err = err
		return
	}
	b.add(option, string(encoded))
}

// escape doubles commas, as QEMU's key=value form requires.
func escape(value string) string {
	return strings.ReplaceAll(value, ",", ",,")
}
