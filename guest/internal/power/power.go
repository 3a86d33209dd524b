// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package power watches the machine's power button.
package power

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// An input event of a 64-bit kernel: two words of time, then type, code and value.
const (
	eventBytes  = 24
	typeOffset  = 16
	codeOffset  = 18
	valueOffset = 20

	typeKey  = 1
	keyPower = 116
	pressed  = 1
)

const devices = "/dev/input/event*"

// Watch calls press at each press of a power button. It searches for devices now and at each wake-up, and does not return.
func Watch(wake <-chan struct{}, press func(), logError func(error)) {
	opened := map[string]bool{}
	for {
		paths, err := filepath.Glob(devices)
		if err != nil {
			logError(err)
			return
		}
		for _, path := range paths {
			if opened[path] {
				continue
			}
			device, err := os.Open(path)
			if err != nil {
				logError(fmt.Errorf("power button: %w", err))
				continue
			}
			opened[path] = true
			go func() {
				defer device.Close()
				listen(device, press)
			}()
		}
		<-wake
	}
}

// listen reads events until the device is removed.
func listen(device io.Reader, press func()) {
	event := make([]byte, eventBytes)
	for {
		if _, err := io.ReadFull(device, event); err != nil {
			return
		}
		if binary.LittleEndian.Uint16(event[typeOffset:]) == typeKey &&
			binary.LittleEndian.Uint16(event[codeOffset:]) == keyPower &&
			binary.LittleEndian.Uint32(event[valueOffset:]) == pressed {
			press()
		}
	}
}
