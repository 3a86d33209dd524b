// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package channel connects to the host where there is no VMware backdoor: JSON lines over the second serial port
// (docs/developers/contracts.md, section 6).
package channel

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Path is the serial port.
const Path = "/dev/ttyS1"

// NIC is a network adapter as the host sees it.
type NIC struct {
	MAC       string   `json:"mac"`
	Addresses []string `json:"addresses"`
}

// Channel is the open serial port.
type Channel struct {
	port *os.File
	mu   sync.Mutex
}

// Open opens the port, and returns an error if there is none.
func Open() (*Channel, error) {
	port, err := os.OpenFile(Path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	settings, err := unix.IoctlGetTermios(int(port.Fd()), unix.TCGETS)
	if err != nil {
		// The kernel has device files for ports that the machine has not.
		return nil, errors.Join(fmt.Errorf("no serial port %s: %w", Path, err), port.Close())
	}
	makeRaw(settings)
	if err := unix.IoctlSetTermios(int(port.Fd()), unix.TCSETS, settings); err != nil {
		return nil, errors.Join(fmt.Errorf("set up %s: %w", Path, err), port.Close())
	}
	return &Channel{port: port}, nil
}

// makeRaw keeps the line discipline from touching the bytes or echoing them.
func makeRaw(settings *unix.Termios) {
	settings.Iflag = 0
	settings.Oflag = 0
	settings.Lflag = 0
	settings.Cflag |= unix.CREAD | unix.CLOCAL | unix.CS8
	settings.Cc[unix.VMIN] = 1
	settings.Cc[unix.VTIME] = 0
}

// Set is what info-set is on VMware.
func (c *Channel) Set(key, value string) error {
	return c.send(map[string]any{"set": map[string]string{key: value}})
}

// Announce is what the tools' network information is on VMware.
func (c *Channel) Announce(hostname string, nics []NIC) error {
	return c.send(map[string]any{"guest": map[string]any{"hostname": hostname, "nics": nics}})
}

func (c *Channel) send(message any) error {
	line, err := json.Marshal(message)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.port.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write to %s: %w", Path, err)
	}
	return nil
}

// Flush waits until everything has left the port: what is in its buffer when the machine goes off is lost.
func (c *Channel) Flush() error {
	const untilSent = 1
	return unix.IoctlSetInt(int(c.port.Fd()), unix.TCSBRK, untilSent)
}

// Listen calls shutdown for each of the host's requests, until the port fails.
func (c *Channel) Listen(shutdown func(), complain func(error)) {
	lines := bufio.NewScanner(c.port)
	for lines.Scan() {
		var message struct {
			Request string `json:"request"`
		}
		switch err := json.Unmarshal(lines.Bytes(), &message); {
		case err != nil:
			complain(fmt.Errorf("request from the host: %w", err))
		case message.Request == "shutdown":
			shutdown()
		default:
			complain(fmt.Errorf("request from the host: %q is not known", message.Request))
		}
	}
	if err := lines.Err(); err != nil {
		complain(fmt.Errorf("read %s: %w", Path, err))
	}
}
