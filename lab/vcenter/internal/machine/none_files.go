// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The files of the containers of None, for copies by guest operations: a temporary directory, which is empty at first except for
// the directories that every image has.

package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"gantry.invalid/guest/guestops"
	"gantry.invalid/guest/tree"
)

// noneFiles is the root of a container. It is created when it is used first, and removed with the run of the VM.
type noneFiles struct {
	mu      sync.Mutex
	root    string // empty: not created yet
	removed bool
}

// open returns the directory.
func (f *noneFiles) open() (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.removed:
		return "", errNotRunning
	case f.root != "":
		return f.root, nil
	}
	root, err := os.MkdirTemp("", "gantry-lab-files-")
	if err != nil {
		return "", err
	}
	f.root = root
	return root, errors.Join(os.Mkdir(filepath.Join(root, "etc"), 0o755), os.Mkdir(filepath.Join(root, "tmp"), 0o777))
}

// removeFiles removes the files of the container.
func (r *guestRun) removeFiles() error {
	if r.operations == nil {
		return nil
	}
	return r.operations.files.remove()
}

func (f *noneFiles) remove() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.removed = true
	if f.root == "" {
		return nil
	}
	return os.RemoveAll(f.root)
}

// noneCopier copies files of a container as the bootstrap does. Its users have numbers only, and its own user is that of the lab,
// who may own files.
type noneCopier struct{ tree.Tree }

// Copier returns what copies files.
func (o *noneOperations) Copier(ctx context.Context) (guestops.Copier, error) {
	if o.hasEnded() {
		return nil, errNotRunning
	}
	root, err := o.files.open()
	if err != nil {
		return nil, err
	}
	return noneCopier{tree.Tree{Root: root, Check: ctx.Err}}, nil
}

// Owner returns the numbers of a user and a group.
func (noneCopier) Owner(user string) (guestops.Owner, error) {
	owner := guestops.Owner{UID: os.Getuid(), GID: os.Getgid()}
	if user == "" {
		return owner, nil
	}
	name, group, hasGroup := strings.Cut(user, ":")
	var err, groupErr error
	owner.UID, err = strconv.Atoi(name)
	if hasGroup {
		owner.GID, groupErr = strconv.Atoi(group)
	}
	if err = errors.Join(err, groupErr); err != nil {
		return guestops.Owner{}, &guestops.Failure{Code: "user_unknown", Message: fmt.Sprintf("user %q is not in the image's /etc/passwd", user),
			ExitCode: guestops.ExitCannotExecute}
	}
	return owner, nil
}
