// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package port carries VMware's guest RPC over a serial port, where a hypervisor has no VMware backdoor
// (docs/developers/contracts.md, section 6). The guest's init uses the port; the lab, which plays the VMX, uses the frames.
package port

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Kind is the kind of a frame.
type Kind byte

// The kinds of frames.
const (
	// Open opens a channel; the payload is its protocol. The host answers with the same channel and no payload.
	Open Kind = 'O'
	// Message is a request or a reply.
	Message Kind = 'M'
	// Poll means that the guest waits for a request. It is the heartbeat.
	Poll Kind = 'P'
	// Closed means that a channel is closed, or all channels if its number is AllChannels.
	Closed Kind = 'X'
	// Time asks for the time of the host. The payload of the answer is the number of nanoseconds since 1970.
	Time Kind = 'T'
)

// AllChannels is the channel of a Closed frame that closes all channels.
const AllChannels = 0

// The protocols of channels, as the backdoor has them.
const (
	RPCI = "RPCI" // requests of the guest
	TCLO = "TCLO" // requests of the host
)

// longestLine limits the memory that the other side can occupy. An escaped value of 1 MiB fits.
const longestLine = 2<<20 + 64

// Frame is one line of the protocol: kind, channel, length of the payload and payload, separated by blanks. Each line begins
// with a newline too, which ends an incomplete line before it, and whatever firmware wrote to the port.
type Frame struct {
	Kind    Kind
	Channel uint32
	Payload []byte
}

var escapes = map[byte]byte{'\\': '\\', '\n': 'n', 0: '0'}

// Encode returns the line.
func (f Frame) Encode() []byte {
	line := fmt.Appendf(nil, "\n%c %d %d ", f.Kind, f.Channel, len(f.Payload))
	for _, char := range f.Payload {
		if letter, special := escapes[char]; special {
			line = append(line, '\\', letter)
		} else {
			line = append(line, char)
		}
	}
	return append(line, '\n')
}

// decode decodes a line without its newlines.
func decode(line []byte) (Frame, error) {
	var kind byte
	var channel uint32
	var length int
	fields := bytes.SplitN(line, []byte{' '}, 4)
	if len(fields) != 4 {
		return Frame{}, errors.New("a line without a header")
	}
	if _, err := fmt.Sscanf(string(bytes.Join(fields[:3], []byte{' '})), "%c %d %d", &kind, &channel, &length); err != nil {
		return Frame{}, fmt.Errorf("the header of a line: %w", err)
	}
	payload, err := unescape(fields[3])
	if err != nil {
		return Frame{}, err
	}
	if len(payload) != length {
		return Frame{}, fmt.Errorf("a payload of %d bytes instead of %d", len(payload), length)
	}
	return Frame{Kind(kind), channel, payload}, nil
}

func unescape(text []byte) ([]byte, error) {
	payload := make([]byte, 0, len(text))
	for index := 0; index < len(text); index++ {
		if text[index] != '\\' {
			payload = append(payload, text[index])
			continue
		}
		index++
		char, err := escaped(text[index:])
		if err != nil {
			return nil, err
		}
		payload = append(payload, char)
	}
	return payload, nil
}

func escaped(rest []byte) (byte, error) {
	for char, letter := range escapes {
		if len(rest) > 0 && rest[0] == letter {
			return char, nil
		}
	}
	return 0, errors.New("a payload with an unknown escape sequence")
}

// Read calls handle with each frame of a stream until the stream ends. It reports an invalid line and continues with the next
// one.
func Read(stream io.Reader, handle func(Frame), garbled func(error)) error {
	lines := bufio.NewReader(stream)
	for {
		line, err := readLine(lines)
		if errors.Is(err, errLongLine) {
			garbled(err)
			continue
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(line) == 0 {
			continue
		}
		frame, err := decode(line)
		if err != nil {
			garbled(err)
			continue
		}
		handle(frame)
	}
}

var errLongLine = fmt.Errorf("a line longer than %d bytes", longestLine)

// readLine returns the next line without its newline. The rest of a line that is too long is skipped.
func readLine(lines *bufio.Reader) ([]byte, error) {
	var line []byte
	long := false
	for {
		part, err := lines.ReadSlice('\n')
		if len(line)+len(part) > longestLine {
			line, long = nil, true
		}
		if !long {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return nil, err
		case long:
			return nil, errLongLine
		}
		return line[:len(line)-1], nil
	}
}
