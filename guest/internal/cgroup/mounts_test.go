// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package cgroup

import (
	"testing"
	"unsafe"
)

// runOnSuperBlock interprets the instructions of the mount policy, with a superblock whose device pointer is at the offset.
func runOnSuperBlock(t *testing.T, program []instruction, offset int16, device uint64) uint64 {
	t.Helper()
	const argumentsAddress, superBlockAddress = 0x1000, 0x2000
	memory := map[uint64]uint64{argumentsAddress: superBlockAddress, superBlockAddress + uint64(offset): device}
	registers := [11]uint64{context: argumentsAddress}
	for at := 0; at < len(program); at++ {
		step := program[at]
		target, source := step.registers&0xf, step.registers>>4
		switch step.code {
		case loadPointer:
			address := registers[source] + uint64(step.offset)
			value, readable := memory[address]
			if !readable {
				t.Fatalf("instruction %d reads address %#x", at, address)
			}
			registers[target] = value
		case move:
			registers[target] = uint64(step.value)
		case jumpEqual:
			if registers[target] == uint64(step.value) {
				at += int(step.offset)
			}
		case exit:
			return registers[result]
		default:
			t.Fatalf("instruction %d has the unknown code %#x", at, step.code)
		}
	}
	t.Fatal("the program has no end")
	return 0
}

func TestMountPolicyRefusesBlockDevices(t *testing.T) {
	const offset = 208
	for _, test := range []struct{ device, want uint64 }{{0, 1}, {1, 0}, {0xffff888100000000, 0}} {
		if got := runOnSuperBlock(t, mountPolicy(offset), offset, test.device); got != test.want {
			t.Errorf("device %#x: got %d, want %d", test.device, got, test.want)
		}
	}
}

func TestAttributesAreTheKernels(t *testing.T) {
	var attributes loadAttributes
	for name, offsets := range map[string][2]uintptr{
		"prog_type":            {unsafe.Offsetof(attributes.programType), 0},
		"insns":                {unsafe.Offsetof(attributes.instructions), 8},
		"license":              {unsafe.Offsetof(attributes.license), 16},
		"expected_attach_type": {unsafe.Offsetof(attributes.attachType), 68},
		"attach_btf_id":        {unsafe.Offsetof(attributes.function), 108},
		"the end":              {unsafe.Sizeof(attributes), 112},
	} {
		if offsets[0] != offsets[1] {
			t.Errorf("%s is at %d instead of %d", name, offsets[0], offsets[1])
		}
	}
}
