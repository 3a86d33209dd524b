// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vmdk

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// memory is a disk without holes that counts what is read.
type memory struct {
	*bytes.Reader
	read int
}

func (m *memory) ReadAt(data []byte, offset int64) (int, error) {
	m.read += len(data)
	return m.Reader.ReadAt(data, offset)
}

func (m *memory) Next(offset int64) (int64, error) { return offset, nil }

// An independent reader and the lab's own read what is written.
func TestAnEncodedDiskIsReadAsItWas(t *testing.T) {
	for _, size := range []int64{1 << 20, 40 << 20, 3<<20 + 512*7} {
		raw, _ := sample(t, size)
		var stream bytes.Buffer
		if err := Encode(&stream, &memory{Reader: bytes.NewReader(raw)}, size); err != nil {
			t.Fatal(err)
		}
		if got, err := decode(t, stream.Bytes(), len(raw)); err != nil || !bytes.Equal(got, raw) {
			t.Errorf("%d bytes: another content, %v", size, err)
		}
		if stream.Len() > 400_000 {
			t.Errorf("%d bytes became %d: zeros are written, too", size, stream.Len())
		}
		file, original := filepath.Join(t.TempDir(), "disk.vmdk"), filepath.Join(t.TempDir(), "disk.raw")
		if err := errors.Join(os.WriteFile(file, stream.Bytes(), 0o600), os.WriteFile(original, raw, 0o600)); err != nil {
			t.Fatal(err)
		}
		if text, err := exec.Command("qemu-img", "compare", "-f", "vmdk", "-F", "raw", file, original).CombinedOutput(); err != nil {
			t.Errorf("%d bytes: qemu-img: %v: %s", size, err, text)
		}
	}
}

// full is a receiver that stops after a number of bytes.
type full struct {
	left int
}

var errFull = errors.New("the receiver has stopped")

func (f *full) Write(data []byte) (int, error) {
	if f.left -= len(data); f.left < 0 {
		return 0, errFull
	}
	return len(data), nil
}

func TestADiskIsReadOnlyAsFarAsItIsReceived(t *testing.T) {
	disk := &memory{Reader: bytes.NewReader(bytes.Repeat([]byte("x"), 40<<20))}
	if err := Encode(&full{streamOverhead*sectorSize + sectorSize}, disk, 40<<20); !errors.Is(err, errFull) {
		t.Fatalf("got %v", err)
	}
	if disk.read > 2*grainBytes {
		t.Errorf("%d bytes were read for one grain", disk.read)
	}
}

func TestOnlySizesOfDisksAreEncoded(t *testing.T) {
	for _, capacity := range []int64{0, -512, 1000, 1 << 62} {
		var stream bytes.Buffer
		if err := Encode(&stream, &memory{Reader: bytes.NewReader(nil)}, capacity); err == nil || stream.Len() != 0 {
			t.Errorf("%d bytes: %v, %d bytes written", capacity, err, stream.Len())
		}
	}
}
