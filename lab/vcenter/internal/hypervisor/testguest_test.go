// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Guests of about a hundred bytes for the tests, which boot immediately and write to the channel.

package hypervisor

import (
	"encoding/binary"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vmware/govmomi/toolbox"

	"gantry.invalid/guest/port"
)

// The channels of the guests. They do not wait for the answers of the host.
const rpciChannel, tcloChannel = 1, 2

func frames(list ...port.Frame) string {
	text := ""
	for _, frame := range list {
		text += string(frame.Encode())
	}
	return text
}

func toHost(request string) port.Frame {
	return port.Frame{Kind: port.Message, Channel: rpciChannel, Payload: []byte(request)}
}

// testStarted returns the messages of the guests at their start: their tools register themselves, with the answers to the
// requests of the host that follow at boot or after a move, and report a status, a name and an address.
func testStarted(t *testing.T) string {
	t.Helper()
	nics := toolbox.NewGuestNicInfo()
	nic := toolbox.GuestNicV3{MacAddress: "00:50:56:00:00:01"}
	nic.AddIP(&net.IPNet{IP: net.IPv4(10, 77, 0, 5), Mask: net.CIDRMask(24, 32)})
	nics.V3.Nics = append(nics.V3.Nics, nic)
	encoded, err := toolbox.EncodeXDR(nics)
	if err != nil {
		t.Fatal(err)
	}
	answer := port.Frame{Kind: port.Message, Channel: tcloChannel, Payload: []byte("OK ")}
	return frames(
		port.Frame{Kind: port.Open, Channel: rpciChannel, Payload: []byte(port.RPCI)},
		port.Frame{Kind: port.Open, Channel: tcloChannel, Payload: []byte(port.TCLO)},
		answer, answer, answer, answer,
		toHost("tools.capability.statechange"),
		toHost(`info-set guestinfo.gantry.status {"state":"running"}`),
		toHost("SetGuestInfo  1 web"),
		toHost(string(toolbox.GuestInfoCommand(9, encoded))),
	)
}

// testExited has the messages before their end.
var testExited = frames(toHost(`info-set guestinfo.gantry.status {"state":"exited"}`))

// Where a multiboot kernel is loaded, and where its code begins.
const (
	loadAddress = 0x100000
	entryOffset = 0x20
	textOffset  = 0x200
)

// multibootHeader makes QEMU load a flat file at loadAddress and jump behind the header.
func multibootHeader() []byte {
	const magic, hasAddresses = 0x1BADB002, 0x00010000
	const checksum = 1<<32 - magic - hasAddresses
	header := make([]byte, 0, entryOffset)
	for _, word := range []uint32{magic, hasAddresses, checksum, loadAddress, loadAddress, 0, 0, loadAddress + entryOffset} {
		header = binary.LittleEndian.AppendUint32(header, word)
	}
	return header
}

// responsiveGuest reports that it runs, and again when its channels are closed (X), until it is asked to halt (OS_Halt). Then it
// reports its exit and powers off. No other request of the host has these letters.
func responsiveGuest(t *testing.T) *DirectKernel {
	code, text := responsiveCode(t)
	return writeGuest(t, code, text)
}

func responsiveCode(t *testing.T) (code []byte, text string) {
	t.Helper()
	started := testStarted(t)
	exited := binary.LittleEndian.AppendUint32(nil, loadAddress+textOffset+uint32(len(started))+1)
	code = []byte{
		0xbe, 0x00, 0x02, 0x10, 0x00, // start: mov  esi, started
		0xe8, 0x7f, 0xff, 0xff, 0xff, //        call send
		0xe8, 0xae, 0xff, 0xff, 0xff, // wait:  call receive
		0x74, 0xf9, //        je   wait
		0x3c, 'X', //        cmp  al, 'X'
		0x74, 0xeb, //        je   start
		0x3c, 'H', //        cmp  al, 'H'
		0x75, 0xf1, //        jne  wait
		0xbe, exited[0], exited[1], exited[2], exited[3], //        mov  esi, exited
		0xe8, 0x66, 0xff, 0xff, 0xff, //        call send
		0x66, 0xba, 0x04, 0x06, //        mov  dx, 0x604   ACPI power management
		0x66, 0xb8, 0x00, 0x20, //        mov  ax, 0x2000   soft off
		0x66, 0xef, //        out  dx, ax
		0xf4,       // idle:  hlt
		0xeb, 0xfd, //        jmp  idle
	}
	return code, started + "\x00" + testExited + "\x00"
}

// restartingGuest reports that it runs, and again when its channels are closed (X), until it is asked for a power operation (OS_…):
// then it resets itself. No other request of the host has an underscore after an S.
func restartingGuest(t *testing.T) *DirectKernel {
	code := []byte{
		0xbe, 0x00, 0x02, 0x10, 0x00, // start: mov  esi, started
		0xe8, 0x7f, 0xff, 0xff, 0xff, //        call send
		0xe8, 0xae, 0xff, 0xff, 0xff, // wait:  call receive
		0x74, 0xf9, //        je   wait
		0x3c, 'X', //        cmp  al, 'X'
		0x74, 0xeb, //        je   start
		0x86, 0xf8, //        xchg al, bh   al: the byte before
		0x3c, 'S', //        cmp  al, 'S'
		0x75, 0xef, //        jne  wait
		0x80, 0xff, '_', //        cmp  bh, '_'
		0x75, 0xea, //        jne  wait
		0xb0, 0xfe, //        mov  al, 0xfe
		0xe6, 0x64, //        out  0x64, al   reset by the keyboard controller
		0xf4,       // idle:  hlt
		0xeb, 0xfd, //        jmp  idle
	}
	return writeGuest(t, code, testStarted(t)+"\x00")
}

// countingGuest reports increasing numbers until it receives an H. Then it reports its exit and powers off. It opens its channel
// before each number, since the host may have closed it. Before the next number it reads all that the host has sent: a guest that
// is slower to read the answers than to cause them would fill the host's socket, and the H would not reach it.
func countingGuest(t *testing.T) *DirectKernel {
	open := port.Frame{Kind: port.Open, Channel: rpciChannel, Payload: []byte(port.RPCI)}
	line := frames(open, toHost("info-set guestinfo.n 00000000"))
	address := func(offset int) []byte {
		return binary.LittleEndian.AppendUint32(nil, loadAddress+textOffset+uint32(offset))
	}
	digit, exited := address(strings.LastIndexByte(line, '0')), address(len(line)+1)
	code := []byte{
		0xbe, 0x00, 0x02, 0x10, 0x00, // count: mov  esi, line
		0xe8, 0x7f, 0xff, 0xff, 0xff, //        call send
		0xbf, digit[0], digit[1], digit[2], digit[3], //        mov  edi, digit
		0xfe, 0x07, // next:  inc  byte [edi]
		0x80, 0x3f, 0x3a, //        cmp  byte [edi], 0x3a
		0x75, 0x06, //        jne  wait
		0xc6, 0x07, 0x30, //        mov  byte [edi], 0x30
		0x4f,       //        dec  edi
		0xeb, 0xf3, //        jmp  next
		0xbe, 0x64, 0x00, 0x00, 0x00, // wait:  mov  esi, 100
		0xb9, 0xd0, 0x07, 0x00, 0x00, // poll:  mov  ecx, 2000   QEMU can deliver a byte meanwhile
		0xe2, 0xfe, // spin:  loop spin
		0xe8, 0x90, 0xff, 0xff, 0xff, //        call receive
		0x75, 0x05, //        jne  read
		0x4e,       //        dec  esi
		0x75, 0xef, //        jne  poll
		0xeb, 0xcc, //        jmp  count
		0x3c, 'H', // read:  cmp  al, 'H'
		0x75, 0xe4, //        jne  wait
		0xbe, exited[0], exited[1], exited[2], exited[3], //        mov  esi, exited
		0xe8, 0x47, 0xff, 0xff, 0xff, //        call send
		0x66, 0xba, 0x04, 0x06, //        mov  dx, 0x604   ACPI power management
		0x66, 0xb8, 0x00, 0x20, //        mov  ax, 0x2000   soft off
		0x66, 0xef, //        out  dx, ax
		0xf4,       // idle:  hlt
		0xeb, 0xfd, //        jmp  idle
	}
	return writeGuest(t, code, line+"\x00"+frames(open)+testExited+"\x00")
}

// silentGuest reports nothing.
func silentGuest(t *testing.T) *DirectKernel {
	return writeGuest(t, []byte{0xfa, 0xf4, 0xeb, 0xfd}, "") // cli; hlt; jmp
}

// panickingGuest resets the VM as a kernel panic does: an exception with no handler is a triple fault.
func panickingGuest(t *testing.T) *DirectKernel {
	return writeGuest(t, []byte{0x0f, 0x0b}, "") // ud2
}

func writeGuest(t *testing.T, code []byte, text string) *DirectKernel {
	t.Helper()
	path := filepath.Join(t.TempDir(), "guest")
	if err := os.WriteFile(path, guestImage(t, code, text), 0o600); err != nil {
		t.Fatal(err)
	}
	return &DirectKernel{Kernel: path, Initrd: path}
}

// guestImage returns the flat file of a guest: header, driver, code and text.
func guestImage(t *testing.T, code []byte, text string) []byte {
	t.Helper()
	image := slices.Concat(multibootHeader(), testDriver(), code)
	if len(image) > textOffset {
		t.Fatalf("the code of a guest ends at %#x, behind its text at %#x", len(image), textOffset)
	}
	return append(append(image, make([]byte, textOffset-len(image))...), text...)
}
