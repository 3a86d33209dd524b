// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Reading of overlays: files that Create has made and QEMU has written to.

package qcow2

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

const (
	compressedCluster = 1 << 62
	zeroCluster       = 1
	entriesPerL2      = clusterSize / 8
	featureDirty      = 1 // the reference counts may be wrong; readers do not use them
)

// Reader reads what an overlay has itself.
type Reader struct {
	file   *os.File
	size   int64
	level1 []uint64
	level2 [entriesPerL2]uint64
	at     uint64 // where level2 is in the file; 0: none was read yet
}

// Open opens an overlay.
func Open(path string) (*Reader, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	h, level1, err := readTable(file)
	if err == nil {
		err = supported(h)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Reader{file: file, size: int64(h.Size), level1: level1}, nil
}

func supported(h header) error {
	if h.ClusterBits != clusterBits || h.Incompatible&^featureDirty != 0 || h.CryptMethod != 0 {
		return fmt.Errorf("it has features that the lab does not use (%d bits per cluster, features %#x, encryption %d)",
			h.ClusterBits, h.Incompatible, h.CryptMethod)
	}
	if int64(h.L1Size)*bytesPerL1Entry < int64(h.Size) {
		return fmt.Errorf("its table of %d entries is too short for %d bytes", h.L1Size, h.Size)
	}
	return nil
}

// Close closes the file.
func (r *Reader) Close() error { return r.file.Close() }

// ClusterSize is the size of the parts that an overlay has, or has not.
const ClusterSize = clusterSize

// ReadCluster reads the cluster at an offset, as much of it as data takes. It returns false if the parent has it.
func (r *Reader) ReadCluster(data []byte, offset int64) (found bool, err error) {
	entry, err := r.entry(offset / clusterSize)
	switch {
	case err != nil:
		return false, err
	case entry&zeroCluster != 0:
		clear(data)
		return true, nil
	case entry&compressedCluster != 0:
		return false, fmt.Errorf("%s has compressed clusters, which the lab does not write", r.file.Name())
	case entry&l1OffsetMask == 0:
		return false, nil
	}
	n, err := r.file.ReadAt(data, int64(entry&l1OffsetMask)+offset%clusterSize)
	if err == io.EOF { // the last cluster may be shorter in the file
		clear(data[n:])
		err = nil
	}
	return true, err
}

// Next returns the first offset, from the given one, of a cluster that the overlay has, or its size.
func (r *Reader) Next(offset int64) (int64, error) {
	for offset < r.size {
		cluster := offset / clusterSize
		if r.level1[cluster/entriesPerL2]&l1OffsetMask == 0 {
			offset = (cluster/entriesPerL2 + 1) * entriesPerL2 * clusterSize
			continue
		}
		entry, err := r.entry(cluster)
		if err != nil {
			return 0, err
		}
		if entry != 0 {
			return offset, nil
		}
		offset = (cluster + 1) * clusterSize
	}
	return r.size, nil
}

// entry returns the level 2 entry of a cluster: 0 if the parent has it.
func (r *Reader) entry(cluster int64) (uint64, error) {
	if cluster < 0 || cluster/entriesPerL2 >= int64(len(r.level1)) {
		return 0, fmt.Errorf("%s has no cluster %d", r.file.Name(), cluster)
	}
	table := r.level1[cluster/entriesPerL2] & l1OffsetMask
	if table == 0 {
		return 0, nil
	}
	if table != r.at {
		source := io.NewSectionReader(r.file, int64(table), clusterSize)
		if err := binary.Read(source, binary.BigEndian, &r.level2); err != nil {
			return 0, fmt.Errorf("%s: %w", r.file.Name(), err)
		}
		r.at = table
	}
	return r.level2[cluster%entriesPerL2], nil
}
