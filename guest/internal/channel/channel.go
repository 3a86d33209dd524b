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
		// The kernel has device files for ports that do not exist.
		return nil, errors.Join(fmt.Errorf("no serial port %s: %w", Path, err), port.Close())
	}
	makeRaw(settings)
	if err := unix.IoctlSetTermios(int(port.Fd()), unix.TCSETS, settings); err != nil {
		return nil, errors.Join(fmt.Errorf("set up %s: %w", Path, err), port.Close())
	}
	return &Channel{port: port}, nil
}

// makeRaw prevents the line discipline from changing or echoing bytes.
func makeRaw(settings *unix.Termios) {
	settings.Iflag = 0
	settings.Oflag = 0
	settings.Lflag = 0
	settings.Cflag |= unix.CREAD | unix.CLOCAL | unix.CS8
	settings.Cc[unix.VMIN] = 1
	settings.Cc[unix.VTIME] = 0
}

// Set sends a key and its value, as info-set does on VMware.
func (c *Channel) Set(key, value string) error {
	return c.send(map[string]any{"set": map[string]string{key: value}})
}

// Announce sends the guest's name and addresses, as the guest tools do on VMware.
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

// Flush waits until all output has been sent: output in the port's buffer is lost when the VM is powered off.
func (c *Channel) Flush() error {
	const untilSent = 1
	return unix.IoctlSetInt(int(c.port.Fd()), unix.TCSBRK, untilSent)
}

// Listen calls shutdown for each shutdown request of the host, until the port fails.
func (c *Channel) Listen(shutdown func(), logError func(error)) {
	lines := bufio.NewScanner(c.port)
	for lines.Scan() {
		var message struct {
			Request string `json:"request"`
		}
		switch err := json.Unmarshal(lines.Bytes(), &message); {
		case err != nil:
			logError(fmt.Errorf("request from the host: %w", err))
		case message.Request == "shutdown":
			shutdown()
		default:
			logError(fmt.Errorf("request from the host: %q is not known", message.Request))
		}
	}
	if err := lines.Err(); err != nil {
		logError(fmt.Errorf("read %s: %w", Path, err))
	}
}
