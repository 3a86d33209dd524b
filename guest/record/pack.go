// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package record

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
)

// digestBytes is the size of the digest in a record: enough to tell documents apart.
const digestBytes = 16

// Digest returns the digest of a document.
func Digest(document []byte) string {
	sum := sha256.Sum256(document)
	return hex.EncodeToString(sum[:digestBytes])
}

// packEnd returns as much of the end of the output as fits, as raw deflate.
func packEnd(output []byte) ([]byte, error) {
	if len(output) == 0 {
		return nil, nil
	}
	// What is longer need not be larger when it is compressed, so the longest end that fits is only approached.
	var packed []byte
	fits, tooLong := 0, len(output)+1
	for tooLong-fits > 1 {
		size := (fits + tooLong) / 2
		longer, err := deflate(output[len(output)-size:])
		if err != nil {
			return nil, err
		}
		if len(longer) > LogBytes {
			tooLong = size
		} else {
			fits, packed = size, longer
		}
	}
	return packed, nil
}

func deflate(content []byte) ([]byte, error) {
	var packed bytes.Buffer
	writer, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := writer.Write(content); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}
