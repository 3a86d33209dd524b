// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package source

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"

	"gantry.invalid/guest/internal/spec"
)

// packedPrefix begins a document that is compressed, because the VMX limits a value to 64 KiB.
const packedPrefix = "gzip+base64:"

// Unpack returns the document, which may be compressed.
func Unpack(value []byte) ([]byte, error) {
	packed, isPacked := bytes.CutPrefix(value, []byte(packedPrefix))
	if !isPacked {
		return value, nil
	}
	stream, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(packed)))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	document, err := io.ReadAll(io.LimitReader(stream, spec.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	if len(document) > spec.MaxBytes {
		return nil, fmt.Errorf("it has more than %d bytes", spec.MaxBytes)
	}
	return document, nil
}
