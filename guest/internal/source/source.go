// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package source reads the spec from guest info or from a disk.
package source

import (
	"context"
	"errors"
	"fmt"

	"gantry.invalid/guest/internal/failure"
)

// ErrAbsent means that the source does not exist or has no spec.
var ErrAbsent = errors.New("no spec here")

// Source is a possible source of the spec.
type Source interface {
	Name() string
	// Kind returns the value of "document" in the status.
	Kind() string
	// Read returns the document, or ErrAbsent.
	Read(ctx context.Context) ([]byte, error)
}

// First reads the sources in order and returns the first document, with its source.
func First(ctx context.Context, sources []Source) ([]byte, Source, error) {
	names := ""
	for _, source := range sources {
		document, err := source.Read(ctx)
		switch {
		case err == nil:
			document, err = Unpack(document)
			if err != nil {
				return nil, nil, failure.New(failure.SpecInvalid, "the spec from %s is damaged: %v", source.Name(), err)
			}
			return document, source, nil
		case !errors.Is(err, ErrAbsent):
			return nil, nil, failure.New(failure.SpecMissing, "cannot read the spec from %s: %v", source.Name(), err)
		}
		if names != "" {
			names += ", "
		}
		names += source.Name()
	}
	return nil, nil, failure.New(failure.SpecMissing, "%s", fmt.Sprintf("no spec in any of: %s", names))
}
