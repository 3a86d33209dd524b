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

// longestLine limits the memory that a guest can occupy: a log of 16 KiB in base64 fits many times.
const longestLine = 256 << 10

// guestMessage is one line from the guest: either of the two is set.
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

// shutdownRequest corresponds to the tools' halt request on VMware.
const shutdownRequest = `{"request":"shutdown"}` + "\n"

var errForeignKey = errors.New("a guest may only set guestinfo.* keys")

// parseGuestLine reads a message. UEFI firmware writes its console to every serial port and ends it without a new
// line, so that the guest's first message may have some of that before it.
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

// readGuest passes each message of the guest on until the stream ends. An invalid line is reported and
// skipped: after an invalid line, the others must not be lost.
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
