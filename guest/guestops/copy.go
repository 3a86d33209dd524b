// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The program that lists, packs and unpacks files of the container.

package guestops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
)

// CopyPath is the program that copies files. Its results are below it.
const CopyPath = "/gantry/copy"

// The actions of a copy.
const (
	actionList   = "list"
	actionPack   = "pack"
	actionUnpack = "unpack"
)

// copyFailed is the code of the failure of a copy.
const copyFailed = "copy_failed"

// exitKilled is the exit code of a copy that was ended, as that of a program that was killed.
const exitKilled = 128 + int(syscall.SIGKILL)

// Copy is what to list, to pack or to unpack.
type Copy struct {
	Action    string  `json:"action"`
	Path      string  `json:"path"`
	Follow    bool    `json:"follow"`    // whether the last part of the path may be a symbolic link
	Recursive bool    `json:"recursive"` // whether the files in a directory are listed
	User      string  `json:"user"`      // whose numbers are listed; empty: the container's
	Size      int64   `json:"size"`      // of the archive to unpack
	Timeout   float64 `json:"timeout"`   // seconds; 0: none
}

// Owner is a user of the container and a group.
type Owner struct {
	UID int `json:"uid"`
	GID int `json:"gid"`
}

// Copier copies files of the container.
type Copier interface {
	// Owner returns the numbers of "user[:group]"; empty is the user of the container.
	Owner(user string) (Owner, error)
	// Resolve returns the absolute path that a path leads to.
	Resolve(path string, follow bool) (string, error)
	List(path string, recursive bool, to io.Writer) error
	PackedSize(path string) (int64, error)
	Pack(path string, size int64, to io.Writer) error
	Unpack(path string, size int64, from io.Reader) error
}

// listed is the first line of a listing.
type listed struct {
	Path string `json:"path"`
	Owner
}

func parseCopy(arguments string) (Copy, error) {
	var request Copy
	if err := decodeStrictly(arguments, &request); err != nil {
		return Copy{}, err
	}
	switch {
	case request.Action != actionList && request.Action != actionPack && request.Action != actionUnpack:
		return Copy{}, fmt.Errorf("action is %q; it must be %s, %s or %s", request.Action, actionList, actionPack, actionUnpack)
	case !strings.HasPrefix(request.Path, "/") || strings.Contains(request.Path+request.User, "\x00"):
		return Copy{}, fmt.Errorf("path is %q; it must be absolute, and path and user must not contain NUL characters", request.Path)
	case request.Size < 0:
		return Copy{}, fmt.Errorf("size is %d; it must not be negative", request.Size)
	case !isTimeout(request.Timeout):
		return Copy{}, fmt.Errorf("timeout is %v; it must be a number of seconds, or 0 for none", request.Timeout)
	}
	return request, nil
}

func (c Copy) context() (context.Context, context.CancelFunc) { return contextFor(c.Timeout) }

func (c Copy) limit() int { return defaultLimit }

func (c Copy) archive(ctx context.Context) *archive {
	if c.Action == actionList {
		return nil
	}
	return newArchive(ctx, c.Action == actionUnpack)
}

func (c Copy) run(ctx context.Context, runner Runner, started *program) (Exit, error) {
	err := c.copyIn(ctx, runner, started)
	if started.archive != nil {
		err = started.archive.finish(err)
	}
	if err != nil && ctx.Err() != nil {
		return Exit{Code: exitKilled, Signal: int(syscall.SIGKILL)}, nil
	}
	var failure *Failure
	if err != nil && !errors.As(err, &failure) {
		err = &Failure{Code: copyFailed, Message: err.Error(), ExitCode: 1}
	}
	return Exit{}, err
}

// copyIn does what is asked in the container.
func (c Copy) copyIn(ctx context.Context, runner Runner, started *program) error {
	copier, err := runner.Copier(ctx)
	if err != nil {
		return err
	}
	path, err := copier.Resolve(c.Path, c.Follow)
	if err != nil {
		return err
	}
	switch c.Action {
	case actionPack:
		size, err := copier.PackedSize(path)
		if err != nil {
			return err
		}
		started.archive.announce(size)
		return copier.Pack(path, size, started.archive)
	case actionUnpack:
		return copier.Unpack(path, c.Size, started.archive)
	}
	owner, err := copier.Owner(c.User)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(started.stdout).Encode(listed{Path: path, Owner: owner}); err != nil {
		return err
	}
	return copier.List(path, c.Recursive, started.stdout)
}
