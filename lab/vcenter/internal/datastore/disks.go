// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Virtual disks: a descriptor, and beside it the data, which is raw or a qcow2 file on top of a parent's data.

package datastore

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"gantry.invalid/lab/vcenter/internal/qcow2"
	"gantry.invalid/lab/vcenter/internal/vmdk"
)

const (
	flatSuffix  = "-flat.vmdk"
	deltaSuffix = "-delta.vmdk"
	// The prefix of a datastore's name in a descriptor.
	volumes = "/vmfs/volumes/"
	// A chain longer than vSphere's limit is a loop, or cannot run.
	longestChain = 32
	// The size of an empty overlay.
	emptyOverlay = 16 * 1024
	// A descriptor is a text of a few hundred bytes; a larger file is something else.
	largestDescriptor = 64 * 1024
)

// Formats of a disk's data.
const (
	FormatRaw   = "raw"
	FormatQcow2 = "qcow2"
)

// Disk is one file of a chain.
type Disk struct {
	Path     Path   // the descriptor
	Data     string // absolute path of the data
	Format   string
	Capacity int64
	UUID     string
	Thin     bool
	Parent   *Path // nil: the disk has all its data itself
}

// NewUUID returns a disk's UUID in the form that VMware uses.
func NewUUID() string {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		panic(err) // the system has no source of randomness
	}
	id[0], id[1], id[2] = 0x60, 0x00, 0xc2
	id[3] = 0x90 | id[3]&0x0f
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// Disk reads a disk's descriptor.
func (s *Stores) Disk(place Path) (Disk, error) {
	store, file, err := s.Locate(place)
	if err != nil {
		return Disk{}, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return Disk{}, err
	}
	if !info.Mode().IsRegular() || info.Size() > largestDescriptor {
		return Disk{}, fmt.Errorf("%s is not the descriptor of a disk", place)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return Disk{}, err
	}
	descriptor, err := vmdk.ParseDescriptor(content)
	if err != nil {
		return Disk{}, fmt.Errorf("%s: %w", place, err)
	}
	data, err := store.Resolve(place.Dir().Join(descriptor.Extent).Relative)
	if err != nil {
		return Disk{}, err
	}
	if _, err := os.Stat(data); err != nil {
		return Disk{}, err
	}
	disk := Disk{Path: place, Data: data, Format: FormatRaw, Capacity: descriptor.Capacity,
		UUID: descriptor.UUID, Thin: descriptor.Thin}
	if descriptor.Parent != "" {
		name, relative, _ := strings.Cut(strings.TrimPrefix(descriptor.Parent, volumes), "/")
		disk.Format, disk.Parent = FormatQcow2, &Path{name, relative}
	}
	return disk, nil
}

// Chain returns a disk and its parents, the disk first.
func (s *Stores) Chain(place Path) ([]Disk, error) {
	var chain []Disk
	for next := &place; next != nil; {
		disk, err := s.Disk(*next)
		if err != nil {
			return nil, err
		}
		if chain = append(chain, disk); len(chain) > longestChain {
			return nil, fmt.Errorf("%s has a chain of more than %d disks", place, longestChain)
		}
		next = disk.Parent
	}
	return chain, nil
}

// HasBootCode returns whether BIOS takes the first sector of a disk without a parent for boot code.
func (d Disk) HasBootCode() (bool, error) {
	file, err := os.Open(d.Data)
	if err != nil {
		return false, err
	}
	defer file.Close()
	signature := make([]byte, 2)
	if _, err := file.ReadAt(signature, 510); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return signature[0] == 0x55 && signature[1] == 0xaa, nil
}

// CreateDisk creates an empty disk. A thin one takes space only as it is written.
func (s *Stores) CreateDisk(place Path, capacity int64, thin bool, uuid string) error {
	return s.makeDisk(place, flatSuffix, vmdk.Descriptor{Capacity: capacity, UUID: uuid, Thin: thin},
		func(store *Store, data string) error {
			file, err := os.OpenFile(data, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if err != nil {
				return err
			}
			if err = errors.Join(full(file.Truncate(capacity)), file.Close()); err == nil && !thin {
				err = store.reserve(data, capacity)
			}
			return err
		})
}

// CreateChild creates an empty disk on top of its parent.
func (s *Stores) CreateChild(place, parent Path, uuid string) error {
	below, err := s.Disk(parent)
	if err != nil {
		return err
	}
	descriptor := vmdk.Descriptor{Capacity: below.Capacity, UUID: uuid, Thin: true,
		Parent: hint(parent)}
	return s.makeDisk(place, deltaSuffix, descriptor, func(store *Store, data string) error {
		if err := store.Require(emptyOverlay); err != nil {
			return err
		}
		backing, err := filepath.Rel(filepath.Dir(data), below.Data)
		if err != nil {
			return err
		}
		return full(qcow2.Create(data, below.Capacity, backing, below.Format))
	})
}

// CopyDisk creates a disk without a parent that has the content of another one.
func (s *Stores) CopyDisk(source, target Path, thin bool, uuid string) error {
	chain, err := s.Chain(source)
	if err != nil {
		return err
	}
	top := chain[0]
	descriptor := vmdk.Descriptor{Capacity: top.Capacity, UUID: uuid, Thin: thin}
	return s.makeDisk(target, flatSuffix, descriptor, func(store *Store, data string) error {
		if err := copyChain(store, chain, data); err != nil {
			return err
		}
		if thin {
			return nil
		}
		return store.reserve(data, top.Capacity)
	})
}

// Copy returns where CopyDisk or MoveChild puts the data of a disk: its absolute path and format.
func (s *Stores) Copy(place Path, child bool) (data, format string, err error) {
	_, file, err := s.Locate(place)
	base := strings.TrimSuffix(file, ".vmdk")
	if child {
		return base + deltaSuffix, FormatQcow2, err
	}
	return base + flatSuffix, FormatRaw, err
}

// MoveChild creates a disk with the same changes, on top of a parent that has the same content as the old one.
func (s *Stores) MoveChild(source, target, parent Path) error {
	disk, err := s.Disk(source)
	if err != nil {
		return err
	}
	if disk.Parent == nil {
		return fmt.Errorf("%s has no parent", source)
	}
	below, err := s.Disk(parent)
	if err != nil {
		return err
	}
	descriptor := vmdk.Descriptor{Capacity: disk.Capacity, UUID: disk.UUID, Thin: disk.Thin, Parent: hint(parent)}
	return s.makeDisk(target, deltaSuffix, descriptor, func(store *Store, data string) error {
		backing, err := filepath.Rel(filepath.Dir(data), below.Data)
		if err != nil {
			return err
		}
		if err := copySparse(store, disk.Data, data); err != nil {
			return err
		}
		return qemuImg("rebase", "-u", "-f", disk.Format, "-b", backing, "-F", below.Format, data)
	})
}

// Footprint returns the size of a copy of a disk: of its whole chain if that is merged, or of the disk alone.
func (s *Stores) Footprint(place Path, child bool) (int64, error) {
	chain, err := s.Chain(place)
	if err != nil {
		return 0, err
	}
	if child {
		chain = chain[:1]
	}
	var needed int64
	for _, disk := range chain {
		info, err := os.Stat(disk.Data)
		if err != nil {
			return 0, err
		}
		needed += Allocated(info)
	}
	if !child && !chain[0].Thin {
		needed = chain[0].Capacity
	}
	return min(needed, chain[0].Capacity), nil
}

// SameContent returns whether two disks without a parent have the same content.
func (s *Stores) SameContent(one, other Path) (bool, error) {
	var files [2]*os.File
	var disks [2]Disk
	for number, place := range []Path{one, other} {
		disk, err := s.Disk(place)
		if err != nil {
			return false, err
		}
		if disks[number] = disk; disk.Parent != nil {
			return false, nil
		}
	}
	if disks[0].Capacity != disks[1].Capacity {
		return false, nil
	}
	for number, disk := range disks {
		file, err := os.Open(disk.Data)
		if err != nil {
			return false, err
		}
		defer file.Close()
		files[number] = file
	}
	var blocks [2][1 << 20]byte
	for {
		read, err := io.ReadFull(files[0], blocks[0][:])
		also, otherErr := io.ReadFull(files[1], blocks[1][:])
		if !bytes.Equal(blocks[0][:read], blocks[1][:also]) {
			return false, nil
		}
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return true, nil
		case err != nil || otherErr != nil:
			return false, errors.Join(err, otherErr)
		}
	}
}

// copyChain copies the content of a chain. It requires qemu-img only if the chain has to be merged.
func copyChain(store *Store, chain []Disk, data string) error {
	for len(chain) > 1 {
		untouched, err := qcow2.Untouched(chain[0].Data)
		if err != nil {
			return err
		}
		if !untouched {
			break
		}
		chain = chain[1:]
	}
	if chain[0].Format == FormatRaw {
		return copySparse(store, chain[0].Data, data)
	}
	var needed int64
	for _, disk := range chain {
		info, err := os.Stat(disk.Data)
		if err != nil {
			return err
		}
		needed += Allocated(info)
	}
	if err := store.Require(min(needed, chain[0].Capacity)); err != nil {
		return err
	}
	// -U: a running VM that is stopped for a move still has its disks open.
	return qemuImg("convert", "-U", "-f", chain[0].Format, "-O", FormatRaw, chain[0].Data, data)
}

// makeDisk writes the data by fill, then the descriptor. After an error it leaves no files.
func (s *Stores) makeDisk(place Path, suffix string, descriptor vmdk.Descriptor, fill func(*Store, string) error) error {
	store, file, err := s.Locate(place)
	if err != nil {
		return err
	}
	base, named := strings.CutSuffix(file, ".vmdk")
	if !named {
		return fmt.Errorf("%w: %s does not end in .vmdk", ErrPath, place)
	}
	for _, name := range []string{file, base + flatSuffix, base + deltaSuffix} {
		if _, err := os.Lstat(name); err == nil {
			return fmt.Errorf("%s: %w", place, fs.ErrExist)
		}
	}
	data := base + suffix
	descriptor.Extent = filepath.Base(data)
	if err = fill(store, data); err == nil {
		err = os.WriteFile(file, descriptor.Encode(), 0o600)
	}
	if err != nil {
		for _, name := range []string{file, data} {
			if removeErr := os.Remove(name); !errors.Is(removeErr, fs.ErrNotExist) {
				err = errors.Join(err, removeErr)
			}
		}
	}
	store.Account(file, data)
	return err
}

// ImportDisk replaces the content of an empty disk with an uploaded one.
func (s *Stores) ImportDisk(place Path, stream io.Reader) error {
	disk, err := s.Disk(place)
	if err != nil {
		return err
	}
	store := s.byName[place.Store]
	temporary, err := os.CreateTemp(filepath.Dir(disk.Data), ".import-*")
	if err != nil {
		return err
	}
	err = vmdk.Decode(stream, &chargedWriter{store, temporary}, disk.Capacity)
	err = errors.Join(err, temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), disk.Data)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(temporary.Name()))
	}
	store.Account(temporary.Name(), disk.Data)
	return err
}

// RemoveDisk removes the files of a disk. Missing files are not an error.
func (s *Stores) RemoveDisk(place Path) error {
	store, file, err := s.Locate(place)
	if err != nil {
		return err
	}
	base := strings.TrimSuffix(file, ".vmdk")
	var errs []error
	files := []string{file, base + flatSuffix, base + deltaSuffix}
	for _, name := range files {
		if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	store.Account(files...)
	return errors.Join(errs...)
}

// GrowDisk extends a disk, which must have neither a parent nor children.
func (s *Stores) GrowDisk(place Path, capacity int64) error {
	disk, err := s.Disk(place)
	if err != nil {
		return err
	}
	if disk.Parent != nil || capacity < disk.Capacity {
		return fmt.Errorf("%s cannot be resized to %d bytes", place, capacity)
	}
	store, file, err := s.Locate(place)
	if err != nil {
		return err
	}
	if !disk.Thin {
		if err := store.reserve(disk.Data, capacity); err != nil {
			return err
		}
	}
	descriptor := vmdk.Descriptor{Capacity: capacity, Extent: filepath.Base(disk.Data), UUID: disk.UUID, Thin: disk.Thin}
	return errors.Join(full(os.Truncate(disk.Data, capacity)), os.WriteFile(file, descriptor.Encode(), 0o600))
}

// MergeDisk writes the changes of a child into its parent, and removes the child.
func (s *Stores) MergeDisk(child Path) error {
	disk, err := s.Disk(child)
	if err != nil {
		return err
	}
	if disk.Parent == nil {
		return fmt.Errorf("%s has no parent", child)
	}
	untouched, err := qcow2.Untouched(disk.Data)
	if err != nil {
		return err
	}
	if !untouched {
		if err := qemuImg("commit", "-f", disk.Format, disk.Data); err != nil {
			return err
		}
	}
	parent, err := s.Disk(*disk.Parent)
	if err != nil {
		return err
	}
	s.byName[parent.Path.Store].Account(parent.Data)
	return s.RemoveDisk(child)
}

// Reparent puts a disk on top of another parent, which has the same content as the old one.
func (s *Stores) Reparent(child, parent Path) error {
	disk, err := s.Disk(child)
	if err != nil {
		return err
	}
	below, err := s.Disk(parent)
	if err != nil {
		return err
	}
	_, file, err := s.Locate(child)
	if err != nil {
		return err
	}
	backing, err := filepath.Rel(filepath.Dir(disk.Data), below.Data)
	if err != nil {
		return err
	}
	if err := qemuImg("rebase", "-u", "-f", disk.Format, "-b", backing, "-F", below.Format, disk.Data); err != nil {
		return err
	}
	descriptor := vmdk.Descriptor{Capacity: disk.Capacity, Extent: filepath.Base(disk.Data), UUID: disk.UUID, Thin: disk.Thin,
		Parent: hint(parent)}
	return os.WriteFile(file, descriptor.Encode(), 0o600)
}

// hint returns the reference to the parent in a descriptor.
func hint(parent Path) string {
	return volumes + parent.Store + "/" + parent.Relative
}

func qemuImg(arguments ...string) error {
	output, err := exec.Command("qemu-img", arguments...).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("qemu-img (Debian package qemu-utils) is required to merge disks: %w", err)
	}
	if err != nil {
		return fmt.Errorf("qemu-img %s: %w: %s", arguments[0], err, bytes.TrimSpace(output))
	}
	return nil
}
