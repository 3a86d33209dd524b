// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Tests of booting with QEMU: the firmware boots a connected ISO, or the disk that it tries before.

package hypervisor

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// bootableISO creates an ISO whose boot image enters the protected mode, copies the responsive guest behind it to the address where
// a guest expects to be, and starts it.
func bootableISO(t *testing.T) string {
	t.Helper()
	const guestAt, size = 0x60, 4096
	boot := []byte{
		0xfa,       //        cli
		0xfc,       //        cld
		0x31, 0xc0, //        xor  ax, ax
		0x8e, 0xd8, //        mov  ds, ax
		0x0f, 0x01, 0x16, 0x54, 0x7c, //        lgdt [0x7c00 + table]
		0x0f, 0x20, 0xc0, //        mov  eax, cr0
		0x0c, 0x01, //        or   al, 1
		0x0f, 0x22, 0xc0, //        mov  cr0, eax
		0xea, 0x18, 0x7c, 0x08, 0x00, //        ljmp 8, 0x7c00 + pm
		0x66, 0xb8, 0x10, 0x00, // pm:    mov  ax, 0x10
		0x8e, 0xd8, //        mov  ds, ax
		0x8e, 0xc0, //        mov  es, ax
		0x8e, 0xd0, //        mov  ss, ax
		0xbe, 0x60, 0x7c, 0x00, 0x00, //        mov  esi, 0x7c60
		0xbf, 0x00, 0x00, 0x10, 0x00, //        mov  edi, 0x100000
		0xb9, 0x00, 0x04, 0x00, 0x00, //        mov  ecx, 0x400
		0xf3, 0xa5, //        rep movsd
		0xb8, 0x20, 0x00, 0x10, 0x00, //        mov  eax, 0x100020
		0xff, 0xe0, //        jmp  eax
		0x66, 0x90, //        .balign 4
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // gdt:   .quad 0
		0xff, 0xff, 0x00, 0x00, 0x00, 0x9a, 0xcf, 0x00, //        .quad 0x00cf9a000000ffff
		0xff, 0xff, 0x00, 0x00, 0x00, 0x92, 0xcf, 0x00, //        .quad 0x00cf92000000ffff
		0x17, 0x00, // table: .word 23
		0x3c, 0x7c, 0x00, 0x00, //        .long 0x7c00 + gdt
	}
	code, text := responsiveCode(t)
	image := make([]byte, guestAt, size)
	copy(image, boot)
	image = append(image, guestImage(t, code, text)...)
	if len(boot) > guestAt || len(image) > size {
		t.Fatalf("the boot image has %d bytes, %d before its guest", len(image), len(boot))
	}
	source := t.TempDir()
	if err := os.WriteFile(filepath.Join(source, "boot.bin"), image, 0o600); err != nil {
		t.Fatal(err)
	}
	iso := filepath.Join(t.TempDir(), "boot.iso")
	made := exec.Command("xorriso", "-as", "mkisofs", "-quiet", "-b", "boot.bin", "-no-emul-boot", "-boot-load-size", strconv.Itoa(size/512), "-o", iso, source)
	if output, err := made.CombinedOutput(); err != nil {
		t.Fatalf("xorriso: %v: %s", err, output)
	}
	return iso
}

// bootDisk creates a disk whose first sector begins with code and has BIOS's boot signature, unless code is nil.
func bootDisk(t *testing.T, code []byte) machine.Disk {
	t.Helper()
	content := make([]byte, 1<<20)
	if copy(content, code) > 0 {
		content[510], content[511] = 0x55, 0xaa
	}
	path := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return machine.Disk{Path: path, Format: "raw", UUID: filepath.Base(t.TempDir())}
}

// A disk that the firmware tries first is booted if it can be; otherwise the ISO is.
func TestOnlyAConnectedISOBoots(t *testing.T) {
	h, events := startLab(t, nil)
	withISO, without, withDisk := testMachine("vm-1"), testMachine("vm-2"), testMachine("vm-3")
	withISO.ISO, withISO.DiskFirst, withISO.Disks = bootableISO(t), true, []machine.Disk{bootDisk(t, nil)}
	withDisk.ISO, withDisk.DiskFirst = withISO.ISO, true
	withDisk.Disks = []machine.Disk{bootDisk(t, []byte{0xf4, 0xeb, 0xfd})} // hlt, and again
	without.NICs, withDisk.NICs = nil, nil
	// No containers: they would hold their slots until they report that they have booted, which they never do.
	without.GuestInfo, withDisk.GuestInfo = nil, nil
	for _, spec := range []machine.Spec{without, withDisk, withISO} {
		if err := h.Start(spec); err != nil {
			t.Fatal(err)
		}
	}
	events.expectStart(t)
	// It has had twice the time in which the other VM has booted.
	select {
	case event := <-events.events:
		t.Errorf("without an ISO, or with a bootable disk before it: %q", event)
	case <-time.After(5 * time.Second):
	}
	if _, on := h.Info("vm-2"); !on {
		t.Error("without an ISO the VM is off")
	}
	booted, fromDisk, fromNothing := transferred(t, h, "vm-1"), transferred(t, h, "vm-3"), transferred(t, h, "vm-2")
	if booted.ReadBytes < 2048 || fromDisk.ReadBytes < 512 || fromNothing.ReadBytes != 0 {
		t.Errorf("read: %d bytes with an ISO, %d with a disk, %d without both", booted.ReadBytes, fromDisk.ReadBytes, fromNothing.ReadBytes)
	}
	if err := h.Kill("vm-2"); err != nil {
		t.Fatal(err)
	}
	events.expect(t, "off vm-2 "+machine.OffKilled)
}

func transferred(t *testing.T, h *Hypervisor, id string) machine.Traffic {
	t.Helper()
	traffic, on := h.Traffic(id)
	if !on {
		t.Errorf("VM %s has no counters", id)
	}
	return traffic
}
