// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package hostport opens the virtio-serial port to the host, where there is no VMware backdoor.
package hostport

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// consoleDevice is the number of virtio consoles, whose ports these are (virtio specification, section 5.3).
const consoleDevice = "0x0003"

const (
	// patience is the time that the driver and the host may take. An emulated machine on a busy host is slow.
	patience = 30 * time.Second
	// connectPoll is the time between two questions whether the host is connected. It usually is at once.
	connectPoll = 5 * time.Millisecond
)

var errNoDevice = errors.New("this machine has no virtio-serial device")

// Finder finds ports by their names.
type Finder struct {
	Sys  string          // /sys
	Dev  string          // /dev
	Wake <-chan struct{} // receives a value when a port may have appeared or got its name
}

// Open opens the port with this name, and returns when the host is connected. It returns an error at once if the machine has no
// device for such ports.
func (f Finder) Open(name string) (*os.File, error) {
	deadline := time.Now().Add(patience)
	device, err := f.await(name, deadline)
	if err != nil {
		return nil, err
	}
	port, err := os.OpenFile(filepath.Join(f.Dev, device), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if err := awaitHost(port, deadline); err != nil {
		return nil, errors.Join(err, port.Close())
	}
	return port, nil
}

// await returns the name of the device file of a port. The driver adds ports after the host has described them.
func (f Finder) await(name string, deadline time.Time) (string, error) {
	if !f.hasDevice() {
		return "", errNoDevice
	}
	expired := time.NewTimer(time.Until(deadline))
	defer expired.Stop()
	for {
		if device, found := f.find(name); found {
			return device, nil
		}
		select {
		case <-f.Wake:
		case <-expired.C:
			return "", fmt.Errorf("no virtio-serial port %s after %v", name, patience)
		}
	}
}

func (f Finder) hasDevice() bool {
	for _, path := range f.glob("bus/virtio/devices/*/device") {
		if read(path) == consoleDevice {
			return true
		}
	}
	return false
}

func (f Finder) find(name string) (device string, found bool) {
	for _, path := range f.glob("class/virtio-ports/*/name") {
		if read(path) == name {
			return filepath.Base(filepath.Dir(path)), true
		}
	}
	return "", false
}

func (f Finder) glob(pattern string) []string {
	paths, err := filepath.Glob(filepath.Join(f.Sys, pattern))
	if err != nil {
		panic(err) // the pattern is a constant
	}
	return paths
}

// read returns a line of sysfs, or nothing if the device has been removed meanwhile.
func read(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}

// awaitHost returns when the host is connected. Before, reading returns the end of the file.
func awaitHost(port *os.File, deadline time.Time) error {
	raw, err := port.SyscallConn()
	if err != nil {
		return err
	}
	for connected := false; !connected; {
		if err := raw.Control(func(descriptor uintptr) { connected, err = isConnected(int(descriptor)) }); err != nil {
			return err
		}
		switch {
		case err != nil:
			return fmt.Errorf("poll %s: %w", port.Name(), err)
		case connected:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("the host is not connected to %s after %v", port.Name(), patience)
		}
		time.Sleep(connectPoll)
	}
	return nil
}

func isConnected(descriptor int) (bool, error) {
	polled := []unix.PollFd{{Fd: int32(descriptor), Events: unix.POLLOUT}}
	_, err := unix.Poll(polled, 0)
	if errors.Is(err, unix.EINTR) {
		return false, nil
	}
	return polled[0].Revents&unix.POLLHUP == 0, err
}
