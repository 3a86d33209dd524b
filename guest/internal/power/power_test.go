// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package power

import (
	"bytes"
	"encoding/binary"
	"testing"
)

func event(kind, code uint16, value uint32) []byte {
	encoded := make([]byte, typeOffset)
	encoded = binary.LittleEndian.AppendUint16(encoded, kind)
	encoded = binary.LittleEndian.AppendUint16(encoded, code)
	return binary.LittleEndian.AppendUint32(encoded, value)
}

func TestListenReportsOnlyPressesOfThePowerKey(t *testing.T) {
	presses := 0
	listen(bytes.NewReader(bytes.Join([][]byte{
		event(1, 116, 1), event(0, 0, 0), event(1, 116, 0), event(1, 30, 1), event(2, 116, 1), event(1, 116, 1),
	}, nil)), func() { presses++ })
	if presses != 2 {
		t.Errorf("got %d", presses)
	}
}
