// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Guest operations: copies of files into and out of the container.

package main

import (
	"context"
	"errors"

	"gantry.invalid/guest/guestops"
	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/process"
	"gantry.invalid/guest/internal/spec"
	"gantry.invalid/guest/tree"
)

// copier copies files of a container. Its goroutine is in the container's file system.
type copier struct {
	tree.Tree
	container *process.Container
	spec      *spec.Spec
}

// Copier moves the calling goroutine into the container's file system.
func (o *operations) Copier(ctx context.Context) (guestops.Copier, error) {
	wanted, container, err := o.running()
	if err != nil {
		return nil, err
	}
	if err := container.EnterFiles(); err != nil {
		return nil, o.failureOf(err)
	}
	return copier{tree.Tree{Root: "/", Check: ctx.Err}, container, wanted}, nil
}

// Owner returns the numbers of a user and a group of the container.
func (c copier) Owner(user string) (guestops.Owner, error) {
	identity, err := c.container.ResolveUser(user, c.spec.Process)
	var failed *failure.Failure
	if errors.As(err, &failed) {
		return guestops.Owner{}, &guestops.Failure{Code: string(failed.Code), Message: failed.Message, ExitCode: guestops.ExitCannotExecute}
	}
	return guestops.Owner{UID: identity.UID, GID: identity.GID}, err
}
