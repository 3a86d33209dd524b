// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package port carries VMware's guest RPC over a virtio-serial port, where a hypervisor has no VMware backdoor
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

// letters has the letter behind the backslash for each special character, and 0 for all others.
var letters = [256]byte{'\\': '\\', '\n': 'n', 0: '0'}

// longestHeader is the length of the longest header with its newline.
const longestHeader = len("\nM 4294967295 2097216 ")

// Encode returns the line.
func (f Frame) Encode() []byte {
	// A random payload has one special character in 85.
	line := make([]byte, 0, longestHeader+len(f.Payload)+len(f.Payload)/64+1)
	line = fmt.Appendf(line, "\n%c %d %d ", f.Kind, f.Channel, len(f.Payload))
	plain := 0 // where the characters begin that are copied as they are
	for index, char := range f.Payload {
		if letter := letters[char]; letter != 0 {
			line = append(append(line, f.Payload[plain:index]...), '\\', letter)
			plain = index + 1
		}
	}
	return append(append(line, f.Payload[plain:]...), '\n')
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

// unescape changes the text into the payload, in place.
func unescape(text []byte) ([]byte, error) {
	payload := text[:0]
	for {
		plain := bytes.IndexByte(text, '\\')
		if plain < 0 {
			return append(payload, text...), nil
		}
		payload = append(payload, text[:plain]...)
		text = text[plain+1:]
		if len(text) == 0 {
			return nil, errEscape
		}
		char, err := escaped(text[0])
		if err != nil {
			return nil, err
		}
		payload, text = append(payload, char), text[1:]
	}
}

var errEscape = errors.New("a payload with an unknown escape sequence")

func escaped(letter byte) (byte, error) {
	switch letter {
	case '\\':
		return '\\', nil
	case 'n':
		return '\n', nil
	case '0':
		return 0, nil
	}
	return 0, errEscape
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
