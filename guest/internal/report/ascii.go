// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// MarshalASCII encodes JSON in ASCII: the value is transported in XML, which cannot represent every character.
func MarshalASCII(value any) ([]byte, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var ascii bytes.Buffer
	for _, char := range string(encoded) {
		switch {
		case char < utf8.RuneSelf:
			ascii.WriteByte(byte(char))
		case char > 0xffff:
			high, low := utf16.EncodeRune(char)
			fmt.Fprintf(&ascii, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&ascii, `\u%04x`, char)
		}
	}
	return ascii.Bytes(), nil
}
