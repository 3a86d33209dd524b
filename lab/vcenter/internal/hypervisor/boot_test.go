// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Tests of booting with QEMU: the firmware boots a connected ISO, or the disk that it tries before.

package hypervisor

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// bootSectorAddress is where the firmware loads the boot image of a CD.
const bootSectorAddress = 0x7c00

// bootableISO creates an ISO whose boot image writes the first messages of the test guests to the channel.
func bootableISO(t *testing.T) string {
	t.Helper()
	const textAt = 0x22
	text := binary.LittleEndian.AppendUint16(nil, bootSectorAddress+textAt)
	code := []byte{
		0xfc,       //              cld
		0x31, 0xc0, //              xor  ax, ax
		0x8e, 0xd8, //              mov  ds, ax
		0xbe, text[0], text[1], //  mov  si, text
		0xac,       //       next:  lodsb
		0x84, 0xc0, //              test al, al
		0x74, 0x12, //              jz   done
		0x88, 0xc4, //              mov  ah, al
		0xba, 0xfd, 0x02, //        mov  dx, 0x2fd      line status of ttyS1
		0xec,       //       wait:  in   al, dx
		0xa8, 0x20, //              test al, 0x20       ready for a byte
		0x74, 0xfb, //              jz   wait
		0x88, 0xe0, //              mov  al, ah
		0xba, 0xf8, 0x02, //        mov  dx, 0x2f8
		0xee,       //              out  dx, al
		0xeb, 0xe9, //              jmp  next
		0xf4,       //       done:  hlt
		0xeb, 0xfd, //              jmp  done
	}
	image := append(append(code, testStarted(t)...), 0)
	source := t.TempDir()
	if err := os.WriteFile(filepath.Join(source, "boot.bin"), image, 0o600); err != nil {
		t.Fatal(err)
	}
	iso := filepath.Join(t.TempDir(), "boot.iso")
	made := exec.Command("xorriso", "-as", "mkisofs", "-quiet", "-b", "boot.bin", "-no-emul-boot", "-boot-load-size", "4", "-o", iso, source)
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
