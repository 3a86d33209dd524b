// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package cgroup

import "golang.org/x/sys/unix"

// wildcard matches every value.
const wildcard = -1

// rule allows access to devices. Access that no rule allows is denied with EPERM.
type rule struct {
	// kind is unix.BPF_DEVCG_DEV_BLOCK or _CHAR, or wildcard for both.
	kind int32
	// access is a set of unix.BPF_DEVCG_ACC_*.
	access       int32
	major, minor int32
}

const readWriteMknod = unix.BPF_DEVCG_ACC_READ | unix.BPF_DEVCG_ACC_WRITE | unix.BPF_DEVCG_ACC_MKNOD

// allowed has the devices that Docker allows every container. A container may create a node of any device, but open only
// these.
var allowed = []rule{
	{wildcard, unix.BPF_DEVCG_ACC_MKNOD, wildcard, wildcard},
	{unix.BPF_DEVCG_DEV_CHAR, readWriteMknod, 1, 3},          // null
	{unix.BPF_DEVCG_DEV_CHAR, readWriteMknod, 1, 5},          // zero
	{unix.BPF_DEVCG_DEV_CHAR, readWriteMknod, 1, 7},          // full
	{unix.BPF_DEVCG_DEV_CHAR, readWriteMknod, 1, 8},          // random
	{unix.BPF_DEVCG_DEV_CHAR, readWriteMknod, 1, 9},          // urandom
	{unix.BPF_DEVCG_DEV_CHAR, readWriteMknod, 5, 0},          // tty
	{unix.BPF_DEVCG_DEV_CHAR, readWriteMknod, 5, 1},          // console
	{unix.BPF_DEVCG_DEV_CHAR, readWriteMknod, 5, 2},          // ptmx
	{unix.BPF_DEVCG_DEV_CHAR, readWriteMknod, 136, wildcard}, // pts/*
}

// The registers of the program: the result, the argument and the compared values.
const (
	result = iota
	context
	kind
	access
	major
	minor
	work
)

// The opcodes of the program.
const (
	load        = unix.BPF_LDX | unix.BPF_W | unix.BPF_MEM
	move        = unix.BPF_ALU | unix.BPF_MOV | unix.BPF_K
	moveSource  = unix.BPF_ALU | unix.BPF_MOV | unix.BPF_X
	and         = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
	shiftRight  = unix.BPF_ALU | unix.BPF_RSH | unix.BPF_K
	jumpUnequal = unix.BPF_JMP | unix.BPF_JNE | unix.BPF_K
	exit        = unix.BPF_JMP | unix.BPF_EXIT
)

// compile translates rules into a program for BPF_PROG_TYPE_CGROUP_DEVICE. Its argument is struct bpf_cgroup_dev_ctx: access
// << 16 | kind, major, minor, 32 bits each. It returns 1 if a rule allows the access, else 0.
func compile(rules []rule) []instruction {
	program := []instruction{
		{load, kind | context<<4, 0, 0},
		{moveSource, access | kind<<4, 0, 0},
		{and, kind, 0, 0xffff},
		{shiftRight, access, 0, 16},
		{load, major | context<<4, 4, 0},
		{load, minor | context<<4, 8, 0},
	}
	for _, rule := range rules {
		program = append(program, rule.compile()...)
	}
	return append(program, instruction{move, result, 0, 0}, instruction{exit, 0, 0, 0})
}

// compile returns instructions that return 1 if the rule allows the access, and otherwise continue after the last of them.
func (r rule) compile() []instruction {
	// The requested access must not include any bit that the rule does not have.
	block := []instruction{{moveSource, work | access<<4, 0, 0}, {and, work, 0, ^r.access}, {jumpUnequal, work, 0, 0}}
	for _, comparison := range []struct {
		register uint8
		wanted   int32
	}{{kind, r.kind}, {major, r.major}, {minor, r.minor}} {
		if comparison.wanted != wildcard {
			block = append(block, instruction{jumpUnequal, comparison.register, 0, comparison.wanted})
		}
	}
	block = append(block, instruction{move, result, 0, 1}, instruction{exit, 0, 0, 0})
	for i := range block {
		if block[i].code == jumpUnequal {
			block[i].offset = int16(len(block) - i - 1)
		}
	}
	return block
}

// restrictDevices attaches the policy to a cgroup. It applies to every process in the cgroup and its children, independently
// of capabilities.
func restrictDevices(directory string) error {
	return attach(directory, program{
		kind: unix.BPF_PROG_TYPE_CGROUP_DEVICE, attachType: unix.BPF_CGROUP_DEVICE, instructions: compile(allowed),
	})
}
