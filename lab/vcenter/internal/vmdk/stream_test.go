// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vmdk

import (
	"bytes"
	"errors"
	"io"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/iotest"
)

// sample creates a disk with holes, and its stream by qemu-img, an independent writer of the format.
func sample(t *testing.T, bytesLong int64) (raw, stream []byte) {
	t.Helper()
	directory := t.TempDir()
	disk := filepath.Join(directory, "disk.raw")
	content := make([]byte, bytesLong)
	random := rand.New(rand.NewSource(1))
	random.Read(content[:200_000])
	random.Read(content[bytesLong-5000:])
	if err := os.WriteFile(disk, content, 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(directory, "disk.vmdk")
	command := exec.Command("qemu-img", "convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized", disk, out)
	if text, err := command.CombinedOutput(); err != nil {
		t.Fatalf("qemu-img: %v: %s", err, text)
	}
	stream, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return content, stream
}

func decode(t *testing.T, stream []byte, capacity int) ([]byte, error) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "out.raw"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := Decode(bytes.NewReader(stream), file, int64(capacity)); err != nil {
		return nil, err
	}
	content, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return content, nil
}

func TestDecodeReturnsTheEncodedDisk(t *testing.T) {
	for _, size := range []int64{1 << 20, 40 << 20, 3<<20 + 512*7} {
		raw, stream := sample(t, size)
		got, err := decode(t, stream, len(raw))
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if !bytes.Equal(raw, got) {
			t.Errorf("%d bytes: another content", size)
		}
	}
}

func TestDecodeRefusesBrokenStreams(t *testing.T) {
	raw, stream := sample(t, 1<<20)
	middle := len(stream) / 2
	flipped := bytes.Clone(stream)
	for i := middle; i < middle+64; i++ {
		flipped[i] ^= 0xff
	}
	for name, broken := range map[string][]byte{
		"empty":     nil,
		"truncated": stream[:middle],
		"no end":    stream[:len(bytes.TrimRight(stream, "\x00"))/512*512+512],
		"flipped":   flipped,
		"not vmdk":  bytes.Repeat([]byte("x"), 4096),
	} {
		if _, err := decode(t, broken, len(raw)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := decode(t, stream, len(raw)+1<<20); !errors.Is(err, ErrFormat) {
		t.Errorf("another capacity: got %v", err)
	}
}

func TestDecodeDistinguishesAFailedReaderFromAnInvalidStream(t *testing.T) {
	raw, stream := sample(t, 1<<20)
	file, err := os.Create(filepath.Join(t.TempDir(), "out.raw"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lost := errors.New("connection lost")
	reader := io.MultiReader(bytes.NewReader(stream[:len(stream)/2]), iotest.ErrReader(lost))
	if err := Decode(reader, file, int64(len(raw))); !errors.Is(err, lost) {
		t.Errorf("got %v", err)
	}
}
