// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Parse decodes and validates a document. Unknown keys are refused at every depth: an option that this init does not support
// must not be ignored silently.
func Parse(document []byte) (*Spec, error) {
	var version struct {
		Version *int `json:"version"`
	}
	if err := json.Unmarshal(document, &version); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	if version.Version == nil {
		return nil, errors.New("version is missing")
	}
	if *version.Version != Version {
		return nil, fmt.Errorf("version %d is not supported; this init reads version %d", *version.Version, Version)
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.DisallowUnknownFields()
	parsed := &Spec{}
	if err := decoder.Decode(parsed); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	if err := parsed.validate(); err != nil {
		return nil, err
	}
	return parsed, nil
}
