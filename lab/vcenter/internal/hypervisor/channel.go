// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The guest's channel (docs/developers/contracts.md, section 6): JSON lines on the second serial port.

package hypervisor

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// longestLine limits the memory that a guest can occupy. It is many times the size of a log of 16 KiB in base64.
const longestLine = 256 << 10

// guestMessage is one line from the guest. Exactly one of the fields is set.
type guestMessage struct {
	Set   map[string]string `json:"set"`
	Guest *guestNetwork     `json:"guest"`
}

type guestNetwork struct {
	Hostname string     `json:"hostname"`
	NICs     []guestNIC `json:"nics"`
}

type guestNIC struct {
	MAC       string   `json:"mac"`
	Addresses []string `json:"addresses"`
}

func (n guestNetwork) info() machine.GuestInfo {
	info := machine.GuestInfo{Hostname: n.Hostname}
	for _, nic := range n.NICs {
		info.NICs = append(info.NICs, machine.GuestNIC{MAC: nic.MAC, Addresses: nic.Addresses})
	}
	return info
}

// shutdownRequest corresponds to the halt request of VMware's guest tools protocol.
const shutdownRequest = `{"request":"shutdown"}` + "\n"

var errForeignKey = errors.New("a guest may only set guestinfo.* keys")

// parseGuestLine parses a message. UEFI firmware writes its console output to every serial port without a final newline, so
// the first message of the guest may be preceded by firmware output.
func parseGuestLine(line []byte) (guestMessage, error) {
	line = line[max(0, bytes.IndexByte(line, '{')):]
	var message guestMessage
	if err := json.Unmarshal(line, &message); err != nil {
		return guestMessage{}, err
	}
	if (message.Set == nil) == (message.Guest == nil) {
		return guestMessage{}, errors.New(`the message must have exactly one of "set" and "guest"`)
	}
	for key := range message.Set {
		if !strings.HasPrefix(key, "guestinfo.") {
			return guestMessage{}, fmt.Errorf("key %q: %w", key, errForeignKey)
		}
	}
	return message, nil
}

// readGuest calls handle with each message of the guest until the stream ends. It reports an invalid line and continues with
// the next one.
func readGuest(stream io.Reader, handle func(guestMessage), garbled func(error)) error {
	reader := bufio.NewReaderSize(stream, longestLine)
	for {
		line, err := reader.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			garbled(fmt.Errorf("a line longer than %d bytes", longestLine))
			if err := skipLine(reader); err != nil {
				return endOfStream(err)
			}
			continue
		case err != nil:
			return endOfStream(err)
		}
		if message, err := parseGuestLine(line); err != nil {
			garbled(err)
		} else {
			handle(message)
		}
	}
}

func skipLine(reader *bufio.Reader) error {
	for {
		_, err := reader.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

func endOfStream(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
