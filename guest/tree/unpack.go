// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package tree

import (
	"archive/tar"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
)

// staged is a file that has its content under a temporary name.
type staged struct {
	temporary, final string // absolute on the host
	name             string
}

// unpacking is the state of Unpack.
type unpacking struct {
	tree    Tree
	top     string
	files   []staged
	created []string      // directories, absolute on the host
	folders []*tar.Header // whose attributes are set at the end
	count   int
}

// Unpack creates the files of an archive below a directory, which must exist, unless the archive describes it. No file is
// replaced until the whole archive, which must have this size, has been read: a failure until then leaves the old files.
func (t Tree) Unpack(top string, size int64, from io.Reader) (err error) {
	u := &unpacking{tree: t, top: top}
	defer func() {
		if err != nil {
			u.remove()
		}
	}()
	received := &counter{}
	from = io.TeeReader(from, received)
	if err := u.stage(tar.NewReader(from)); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, from); err != nil {
		return err
	}
	if received.total != size {
		return fmt.Errorf("the archive has %d bytes instead of %d: the transfer was interrupted", received.total, size)
	}
	return u.commit()
}

func (u *unpacking) stage(archive *tar.Reader) error {
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the archive: %w", err)
		}
		if u.count++; u.count > mostEntries {
			return fmt.Errorf("the archive has more than %d files", mostEntries)
		}
		name := path.Join("/", header.Name)
		if err := u.checkParents(name); err != nil {
			return err
		}
		if err := u.add(header, name, archive); err != nil {
			return fmt.Errorf("%s: %w", path.Join(u.top, name), reason(err))
		}
	}
}

// checkParents refuses symbolic links between the top and a file: they would lead elsewhere.
func (u *unpacking) checkParents(name string) error {
	for parent := path.Dir(name); parent != "/"; parent = path.Dir(parent) {
		inside := path.Join(u.top, parent)
		info, err := os.Lstat(u.tree.host(inside))
		if err != nil {
			return fmt.Errorf("%s: %w", inside, reason(err))
		}
		if !info.IsDir() {
			return fmt.Errorf("%s: %w", inside, syscall.ENOTDIR)
		}
	}
	return nil
}

func (u *unpacking) add(header *tar.Header, name string, content io.Reader) error {
	final := u.tree.host(path.Join(u.top, name))
	if header.Typeflag == tar.TypeDir {
		return u.addFolder(header, final)
	}
	existing, err := os.Lstat(final)
	if err == nil && existing.IsDir() {
		return syscall.EISDIR
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	temporary := path.Join(path.Dir(final), ".gantry-"+strings.ToLower(rand.Text()))
	u.files = append(u.files, staged{temporary, final, path.Join(u.top, name)})
	switch header.Typeflag {
	case tar.TypeReg:
		return writeFile(temporary, header, content)
	case tar.TypeSymlink:
		if err := os.Symlink(header.Linkname, temporary); err != nil {
			return err
		}
		return os.Lchown(temporary, header.Uid, header.Gid)
	}
	return fmt.Errorf("it is of a type that is not copied (%q)", header.Typeflag)
}

func (u *unpacking) addFolder(header *tar.Header, final string) error {
	info, err := os.Lstat(final)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.Mkdir(final, 0o700); err != nil {
			return err
		}
		u.created = append(u.created, final)
	case err != nil:
		return err
	case !info.IsDir():
		return syscall.ENOTDIR
	}
	u.folders = append(u.folders, header)
	return nil
}

func writeFile(temporary string, header *tar.Header, content io.Reader) error {
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	// The owner first: a change of it removes the bits of setuid and setgid.
	if err == nil {
		err = file.Chown(header.Uid, header.Gid)
	}
	if err == nil {
		err = syscall.Fchmod(int(file.Fd()), uint32(header.Mode&0o7777))
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Chtimes(temporary, header.ModTime, header.ModTime)
}

// commit gives all files their names, and directories their attributes.
func (u *unpacking) commit() error {
	for len(u.files) > 0 {
		next := u.files[0]
		if err := os.Rename(next.temporary, next.final); err != nil {
			return fmt.Errorf("%s: %w", next.name, reason(err))
		}
		u.files = u.files[1:]
	}
	u.created = nil
	for _, header := range u.folders {
		inside := path.Join(u.top, header.Name)
		final := u.tree.host(inside)
		err := os.Lchown(final, header.Uid, header.Gid)
		if err == nil {
			err = syscall.Chmod(final, uint32(header.Mode&0o7777))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", inside, reason(err))
		}
	}
	return nil
}

// remove removes what a failed copy has created. Its error is returned; a further one, such as of a full disk, adds nothing.
func (u *unpacking) remove() {
	for _, file := range u.files {
		_ = os.Remove(file.temporary)
	}
	for index := len(u.created) - 1; index >= 0; index-- {
		_ = os.Remove(u.created[index])
	}
}
