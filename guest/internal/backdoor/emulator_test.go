// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// An emulation of VMware's backdoor for one process: port I/O raises a signal without the permission of the kernel, and a tracer
// catches it, does what the hypervisor does, and steps over the instruction. It follows the registers that open-vm-tools
// describes (message.c, backdoor_def.h). Like Linux, it gives the permission to single threads and to those that they start.

package backdoor

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"
)

const (
	magic       = 0x564d5868
	port        = 0x5658
	fastPort    = 0x5659 // for whole payloads
	cookieHigh  = 0x11112222
	cookieLow   = 0x33334444
	getVersion  = 10
	messageCall = 0x1e
)

// pipe is an open channel of the emulated VMX.
type pipe struct {
	protocol uint32
	expected int    // bytes of the payload that follows
	incoming []byte // what has come of it by words
	outgoing int    // bytes of the reply that have been given by words
	reply    []byte // for the guest to receive
}

// emulator is the hypervisor of the traced process.
type emulator struct {
	answer   func(request string) string // of the guest, with its reply
	requests []string                    // of the host, which are sent one after the other
	answers  []string                    // the replies to them
	byWords  bool                        // payloads cannot be transferred as a whole
	breakOff uint16                      // a subcommand: the second word of a payload is refused once, as by a move
	checkAt  int                         // after this number of requests of the guest, all channels are closed once, as by a move
	handled  int

	memory    *os.File // of the traced process
	breaks    map[uint64]byte
	permitted map[int]bool // threads that may do port I/O
	inSyscall map[int]bool
	iopl      map[int]bool // threads in the system call iopl
	pipes     map[uint16]*pipe
	last      uint16
}

// run starts the command, and returns how it ended. The thread of the caller must be locked.
func (e *emulator) run(command *exec.Cmd) (unix.WaitStatus, error) {
	e.breaks, e.pipes = map[uint64]byte{}, map[uint16]*pipe{}
	e.permitted, e.inSyscall, e.iopl = map[int]bool{}, map[int]bool{}, map[int]bool{}
	command.SysProcAttr = &unix.SysProcAttr{Ptrace: true}
	if err := command.Start(); err != nil {
		return 0, err
	}
	pid := command.Process.Pid
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, 0, nil); err != nil {
		return status, err
	}
	var err error
	if e.memory, err = os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDWR, 0); err != nil {
		return status, err
	}
	defer e.memory.Close()
	if err := e.breakAtCPUID(command.Path); err != nil {
		return status, err
	}
	const exitKill = 0x100000
	if err := unix.PtraceSetOptions(pid, unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_TRACESYSGOOD|exitKill); err != nil {
		return status, err
	}
	if err := unix.PtraceSyscall(pid, 0); err != nil {
		return status, err
	}
	return e.loop(pid)
}

func (e *emulator) loop(pid int) (unix.WaitStatus, error) {
	for {
		var status unix.WaitStatus
		thread, err := unix.Wait4(-1, &status, unix.WALL, nil)
		if err != nil {
			return status, err
		}
		if status.Exited() || status.Signaled() {
			if thread == pid {
				return status, nil
			}
			continue
		}
		signal, err := e.stopped(thread, status)
		if err == nil {
			err = unix.PtraceSyscall(thread, signal)
		}
		// A thread may have ended meanwhile with its process, whose end is still reported.
		if err != nil && !errors.Is(err, unix.ESRCH) {
			return status, err
		}
	}
}

// stopped handles a stop of a thread, and returns the signal that it continues with.
func (e *emulator) stopped(thread int, status unix.WaitStatus) (signal int, err error) {
	const syscallStop = unix.SIGTRAP | 0x80
	switch stop := status.StopSignal(); {
	case stop == syscallStop:
		return 0, e.systemCall(thread)
	case status.TrapCause() == unix.PTRACE_EVENT_CLONE:
		child, err := unix.PtraceGetEventMsg(thread)
		e.permitted[int(child)] = e.permitted[thread]
		return 0, err
	case stop == unix.SIGTRAP:
		return 0, e.cpuid(thread)
	case stop == unix.SIGSTOP: // a new thread
		return 0, nil
	case stop == unix.SIGSEGV && e.permitted[thread]:
		done, err := e.portIO(thread)
		if done || err != nil {
			return 0, err
		}
	}
	return int(status.StopSignal()), nil
}

// systemCall replaces the system call iopl.
func (e *emulator) systemCall(thread int) error {
	var registers unix.PtraceRegs
	if err := unix.PtraceGetRegs(thread, &registers); err != nil {
		return err
	}
	e.inSyscall[thread] = !e.inSyscall[thread]
	switch {
	case e.inSyscall[thread] && registers.Orig_rax == unix.SYS_IOPL:
		e.iopl[thread] = true
		registers.Orig_rax = ^uint64(0)
	case !e.inSyscall[thread] && e.iopl[thread]:
		e.iopl[thread], e.permitted[thread] = false, true
		registers.Rax = 0
	default:
		return nil
	}
	return unix.PtraceSetRegs(thread, &registers)
}

// breakAtCPUID sets a breakpoint at each instruction that asks for the processor: it must be one of VMware.
func (e *emulator) breakAtCPUID(path string) error {
	program, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer program.Close()
	// Store and load of the arguments around it are part of the pattern: two bytes may be found anywhere.
	pattern := []byte{0x8b, 0x4c, 0x24, 0x0c, 0x0f, 0xa2, 0x89, 0x44, 0x24}
	text := program.Section(".text")
	code, err := text.Data()
	if err != nil {
		return err
	}
	for start := 0; ; {
		found := bytes.Index(code[start:], pattern)
		if found < 0 {
			break
		}
		address := text.Addr + uint64(start+found+4)
		e.breaks[address] = 0x0f
		if _, err := e.memory.WriteAt([]byte{0xcc}, int64(address)); err != nil {
			return err
		}
		start += found + len(pattern)
	}
	if len(e.breaks) == 0 {
		return errors.New("the program has no CPUID instruction")
	}
	return nil
}

// cpuid executes the instruction at a breakpoint and changes its result.
func (e *emulator) cpuid(thread int) error {
	var registers unix.PtraceRegs
	if err := unix.PtraceGetRegs(thread, &registers); err != nil {
		return err
	}
	registers.Rip--
	if _, known := e.breaks[registers.Rip]; !known {
		return nil
	}
	leaf := uint32(registers.Rax)
	const leafFeatures, leafHypervisor, hypervisorBit = 1, 0x40000000, 1 << 31
	switch leaf {
	case leafHypervisor:
		name := []byte("VMwareVMware")
		registers.Rax, registers.Rbx = leafHypervisor, uint64(binary.LittleEndian.Uint32(name))
		registers.Rcx, registers.Rdx = uint64(binary.LittleEndian.Uint32(name[4:])), uint64(binary.LittleEndian.Uint32(name[8:]))
	default:
		// The runtime, which asks in the same way, makes do with a processor without special features.
		registers.Rax, registers.Rbx, registers.Rcx, registers.Rdx = 0, 0, 0, 0
		if leaf == leafFeatures {
			registers.Rcx = hypervisorBit
		}
	}
	registers.Rip += 2
	return unix.PtraceSetRegs(thread, &registers)
}

// portIO emulates an instruction of port I/O. It returns false for any other one.
func (e *emulator) portIO(thread int) (bool, error) {
	var registers unix.PtraceRegs
	if err := unix.PtraceGetRegs(thread, &registers); err != nil {
		return false, err
	}
	code := make([]byte, 2)
	if _, err := e.memory.ReadAt(code, int64(registers.Rip)); err != nil {
		return false, nil // a jump into nothing
	}
	number := uint16(registers.Rdx)
	switch {
	case code[0] == 0xed && number == port && uint32(registers.Rax) == magic:
		e.call(&registers)
		registers.Rip++
	case bytes.Equal(code, []byte{0xf3, 0x6e}) && number == fastPort: // rep outsb
		if err := e.take(&registers); err != nil {
			return false, err
		}
		registers.Rip += 2
	case bytes.Equal(code, []byte{0xf3, 0x6c}) && number == fastPort: // rep insb
		if err := e.give(&registers); err != nil {
			return false, err
		}
		registers.Rip += 2
	default:
		return false, nil
	}
	return true, unix.PtraceSetRegs(thread, &registers)
}

// call emulates a command. The permission is checked by the caller.
func (e *emulator) call(registers *unix.PtraceRegs) {
	switch uint16(registers.Rcx) {
	case getVersion:
		registers.Rax, registers.Rbx = 6, magic
	case getTimeFull:
		now := time.Now()
		registers.Rbx = uint64(now.Nanosecond() / 1000)
		registers.Rsi, registers.Rdx = uint64(now.Unix())>>32, uint64(uint32(now.Unix()))
	case messageCall:
		status := e.message(registers, uint16(registers.Rcx>>16))
		registers.Rcx = uint64(status)<<16 | registers.Rcx&0xffff
	default:
		registers.Rax = 0xffffffff
	}
}

// find returns the channel of a call, whose cookie must be right.
func (e *emulator) find(registers *unix.PtraceRegs, high, low uint64) *pipe {
	if uint32(high) != cookieHigh || uint32(low) != cookieLow {
		return nil
	}
	return e.pipes[uint16(registers.Rdx>>16)]
}

// message emulates a subcommand of the message protocol and returns its status.
func (e *emulator) message(registers *unix.PtraceRegs, subcommand uint16) uint16 {
	if subcommand == messageOpen {
		e.last++
		e.pipes[e.last] = &pipe{protocol: uint32(registers.Rbx) &^ 0x80000000}
		registers.Rdx = uint64(e.last)<<16 | registers.Rdx&0xffff
		registers.Rsi, registers.Rdi = cookieHigh, cookieLow
		return statusSuccess
	}
	p := e.find(registers, registers.Rsi, registers.Rdi)
	if p == nil {
		return 0
	}
	switch subcommand {
	case messageSendSize:
		p.expected, p.incoming = int(uint32(registers.Rbx)), nil
		if p.expected == 0 {
			e.poll(p)
		}
		return statusSuccess | e.offer()
	case messageReceiveSize:
		if p.reply == nil {
			return statusSuccess
		}
		registers.Rbx = uint64(len(p.reply))
		registers.Rdx = messageSendSize<<16 | registers.Rdx&0xffff
		p.outgoing = 0
		return statusSuccess | statusReceive | e.offer()
	case messageSendPayload, messageReceivePayload:
		return e.word(p, registers, subcommand)
	case messageReceiveStatus:
		p.reply = nil
		return statusSuccess
	case messageClose:
		delete(e.pipes, uint16(registers.Rdx>>16))
		return statusSuccess
	default:
		return 0
	}
}

// offer returns the bit of a status that says whether payloads can be transferred as a whole.
func (e *emulator) offer() uint16 {
	if e.byWords {
		return 0
	}
	return statusWhole
}

// word emulates the transfer of a word of a payload.
func (e *emulator) word(p *pipe, registers *unix.PtraceRegs, subcommand uint16) uint16 {
	if subcommand == e.breakOff && len(p.incoming)+p.outgoing > 0 {
		e.breakOff = 0
		return statusCheckpoint
	}
	if subcommand == messageSendPayload {
		p.incoming = binary.LittleEndian.AppendUint32(p.incoming, uint32(registers.Rbx))
		if len(p.incoming) >= p.expected {
			e.receive(p, p.incoming[:p.expected])
			p.incoming = nil
		}
		return statusSuccess
	}
	if uint16(registers.Rbx) != statusSuccess || p.outgoing >= len(p.reply) {
		return 0
	}
	word := []byte{0xee, 0xee, 0xee, 0xee} // what is behind the end is not zero
	p.outgoing += copy(word, p.reply[p.outgoing:])
	registers.Rbx = uint64(binary.LittleEndian.Uint32(word))
	registers.Rdx = messageSendPayload<<16 | registers.Rdx&0xffff
	return statusSuccess
}

// receive handles a payload of the guest.
func (e *emulator) receive(p *pipe, payload []byte) {
	if p.protocol == tcloProtocol {
		e.answers = append(e.answers, string(payload))
		e.poll(p)
		return
	}
	p.reply = []byte(e.answer(string(payload)))
	if e.handled++; e.handled == e.checkAt {
		e.pipes = map[uint16]*pipe{}
	}
}

// take emulates the output of a whole payload.
func (e *emulator) take(registers *unix.PtraceRegs) error {
	p := e.find(registers, registers.Rbp, registers.Rdi)
	if p == nil || int(registers.Rcx) != p.expected {
		registers.Rbx = 0
		return nil
	}
	payload := make([]byte, p.expected)
	if _, err := e.memory.ReadAt(payload, int64(registers.Rsi)); err != nil {
		return err
	}
	registers.Rbx, registers.Rcx = statusSuccess<<16, 0
	e.receive(p, payload)
	return nil
}

// give emulates the input of a whole payload.
func (e *emulator) give(registers *unix.PtraceRegs) error {
	p := e.find(registers, registers.Rsi, registers.Rbp)
	if p == nil || int(registers.Rcx) != len(p.reply) {
		registers.Rbx = 0
		return nil
	}
	if _, err := e.memory.WriteAt(p.reply, int64(registers.Rdi)); err != nil {
		return err
	}
	registers.Rbx, registers.Rcx = statusSuccess<<16, 0
	return nil
}

// poll puts the next request of the host into a TCLO channel.
func (e *emulator) poll(p *pipe) {
	if p.protocol == tcloProtocol && p.reply == nil && len(e.requests) > 0 {
		p.reply = []byte(e.requests[0])
		e.requests = e.requests[1:]
	}
}
