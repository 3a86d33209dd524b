// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package cgroup

import (
	"testing"

	"golang.org/x/sys/unix"
)

// request holds the arguments of the program.
type request struct{ kind, access, major, minor uint32 }

// run interprets the instructions that compile uses, as the kernel does.
func run(t *testing.T, program []instruction, asked request) int {
	t.Helper()
	argument := map[int16]uint32{0: asked.access<<16 | asked.kind, 4: asked.major, 8: asked.minor}
	var registers [11]uint32
	for at := 0; at < len(program); at++ {
		step := program[at]
		target, source := step.registers&0xf, step.registers>>4
		switch step.code {
		case load:
			registers[target] = argument[step.offset]
		case move:
			registers[target] = uint32(step.value)
		case moveSource:
			registers[target] = registers[source]
		case and:
			registers[target] &= uint32(step.value)
		case shiftRight:
			registers[target] >>= step.value
		case jumpUnequal:
			if registers[target] != uint32(step.value) {
				at += int(step.offset)
			}
		case exit:
			return int(registers[result])
		default:
			t.Fatalf("instruction %d has the unknown code %#x", at, step.code)
		}
	}
	t.Fatal("the program has no end")
	return 0
}

func TestDevicePolicyIsDockers(t *testing.T) {
	const (
		block, char = unix.BPF_DEVCG_DEV_BLOCK, unix.BPF_DEVCG_DEV_CHAR
		mknod       = unix.BPF_DEVCG_ACC_MKNOD
		read        = unix.BPF_DEVCG_ACC_READ
		write       = unix.BPF_DEVCG_ACC_WRITE
	)
	for name, test := range map[string]struct {
		asked request
		want  int
	}{
		"null":                  {request{char, read | write, 1, 3}, 1},
		"zero":                  {request{char, read, 1, 5}, 1},
		"full":                  {request{char, write, 1, 7}, 1},
		"random":                {request{char, read, 1, 8}, 1},
		"urandom":               {request{char, read | write | mknod, 1, 9}, 1},
		"tty":                   {request{char, read | write, 5, 0}, 1},
		"console":               {request{char, write, 5, 1}, 1},
		"ptmx":                  {request{char, read | write, 5, 2}, 1},
		"first pseudo terminal": {request{char, read | write, 136, 0}, 1},
		"another one":           {request{char, read | write, 136, 1 << 19}, 1},
		"make a block device":   {request{block, mknod, 8, 0}, 1},
		"make a char device":    {request{char, mknod, 10, 200}, 1},
		"read a disk":           {request{block, read, 8, 0}, 0},
		"write a disk":          {request{block, write, 8, 16}, 0},
		"make and read a disk":  {request{block, mknod | read, 8, 0}, 0},
		"mem":                   {request{char, read, 1, 1}, 0},
		"kmsg":                  {request{char, write, 1, 11}, 0},
		"serial port":           {request{char, write, 4, 65}, 0},
		"SCSI generic":          {request{char, read | write, 21, 0}, 0},
		"tun":                   {request{char, read | write, 10, 200}, 0},
		"block 1:3":             {request{block, read, 1, 3}, 0},
		"block 136:0":           {request{block, read, 136, 0}, 0},
		"pts of another major":  {request{char, read, 137, 0}, 0},
	} {
		if got := run(t, compile(allowed), test.asked); got != test.want {
			t.Errorf("%s: got %d, want %d", name, got, test.want)
		}
	}
}

func TestNothingIsAllowedWithoutARule(t *testing.T) {
	if got := run(t, compile(nil), request{unix.BPF_DEVCG_DEV_CHAR, unix.BPF_DEVCG_ACC_READ, 1, 3}); got != 0 {
		t.Errorf("got %d", got)
	}
}
