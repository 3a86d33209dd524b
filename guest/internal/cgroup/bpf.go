// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package cgroup

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// instruction is the kernel's struct bpf_insn.
type instruction struct {
	code      uint8
	registers uint8 // destination in the low half, source in the high one
	offset    int16
	value     int32
}

// program is a BPF program that is attached to a cgroup.
type program struct {
	// kind is unix.BPF_PROG_TYPE_*.
	kind uint32
	// attachType is where the kernel runs the program: one of unix.BPF_CGROUP_* or BPF_LSM_CGROUP.
	attachType uint32
	// function is the identifier of the kernel's function in its type information, for BPF_LSM_CGROUP.
	function     uint32
	instructions []instruction
}

// loadAttributes has the first fields of the kernel's union bpf_attr for BPF_PROG_LOAD.
type loadAttributes struct {
	programType, instructionCount uint32
	instructions, license         uint64
	_                             [44]byte // log, version, flags, name and interface
	attachType                    uint32
	_                             [36]byte // the type information of the program
	function                      uint32
}

// attach loads the program and attaches it to a cgroup.
func attach(directory string, program program) error {
	loaded, err := program.load()
	if err != nil {
		return err
	}
	group, err := unix.Open(directory, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return errors.Join(err, unix.Close(loaded))
	}
	err = attachLoaded(group, loaded, program.attachType)
	// The cgroup keeps a reference to the program.
	return errors.Join(err, unix.Close(group), unix.Close(loaded))
}

// load is BPF_PROG_LOAD. It returns a file descriptor.
func (p program) load() (int, error) {
	license := []byte("GPL\x00")
	var pinned runtime.Pinner
	defer pinned.Unpin()
	pinned.Pin(&p.instructions[0])
	pinned.Pin(&license[0])
	attributes := loadAttributes{
		programType:      p.kind,
		instructionCount: uint32(len(p.instructions)),
		instructions:     uint64(uintptr(unsafe.Pointer(&p.instructions[0]))),
		license:          uint64(uintptr(unsafe.Pointer(&license[0]))),
		attachType:       p.attachType,
		function:         p.function,
	}
	descriptor, err := bpf(unix.BPF_PROG_LOAD, unsafe.Pointer(&attributes), unsafe.Sizeof(attributes))
	if err != nil {
		return 0, fmt.Errorf("load the program: %w", err)
	}
	return descriptor, nil
}

// attachLoaded is BPF_PROG_ATTACH. Programs that the container attaches to its own cgroups are run too, and can only deny
// access.
func attachLoaded(group, program int, attachType uint32) error {
	attributes := struct{ target, program, attachType, flags uint32 }{
		uint32(group), uint32(program), attachType, unix.BPF_F_ALLOW_MULTI,
	}
	if _, err := bpf(unix.BPF_PROG_ATTACH, unsafe.Pointer(&attributes), unsafe.Sizeof(attributes)); err != nil {
		return fmt.Errorf("attach the program: %w", err)
	}
	return nil
}

func bpf(command uintptr, attributes unsafe.Pointer, size uintptr) (int, error) {
	value, _, errno := unix.Syscall(unix.SYS_BPF, command, uintptr(attributes), size)
	if errno != 0 {
		return 0, os.NewSyscallError("bpf", errno)
	}
	return int(value), nil
}
