// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package logbuf

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func open(t *testing.T, directory string, size int64) *Log {
	t.Helper()
	log, err := Open(directory, size)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func write(t *testing.T, log *Log, text string) {
	t.Helper()
	if size, err := log.Write([]byte(text)); err != nil || size != len(text) {
		t.Fatalf("wrote %d, %v", size, err)
	}
}

func tail(t *testing.T, log *Log, size int) string {
	t.Helper()
	end, err := log.Tail(size)
	if err != nil {
		t.Fatal(err)
	}
	return string(end)
}

func TestKeepsTheEndInBoundedSpace(t *testing.T) {
	directory := t.TempDir()
	log := open(t, directory, 100)
	var all strings.Builder
	for i := range 1000 {
		line := fmt.Sprintf("line %d\n", i)
		all.WriteString(line)
		write(t, log, line)
	}
	end := tail(t, log, 100)
	if len(end) < 50 || !strings.HasSuffix(all.String(), end) {
		t.Errorf("got %q", end)
	}
	var used int64
	for _, name := range []string{currentName, previousName} {
		info, err := os.Stat(filepath.Join(directory, name))
		if err != nil {
			t.Fatal(err)
		}
		used += info.Size()
	}
	if used > 100 {
		t.Errorf("%d bytes are used", used)
	}
}

func TestOneWriteLargerThanAll(t *testing.T) {
	log := open(t, t.TempDir(), 10)
	write(t, log, strings.Repeat("a", 95)+"12345")
	if got := tail(t, log, 5); got != "12345" {
		t.Errorf("got %q", got)
	}
}

func TestTailGoesOverBothFiles(t *testing.T) {
	log := open(t, t.TempDir(), 10)
	write(t, log, "abcdefg")
	for size, want := range map[int]string{0: "", 2: "fg", 4: "defg", 100: "abcdefg"} {
		if got := tail(t, log, size); got != want {
			t.Errorf("%d: got %q, want %q", size, got, want)
		}
	}
}

func TestContinuesAfterARestart(t *testing.T) {
	directory := t.TempDir()
	first := open(t, directory, 100)
	write(t, first, "before\n")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open(t, directory, 100)
	write(t, second, "after\n")
	if got := tail(t, second, 100); got != "before\nafter\n" {
		t.Errorf("got %q", got)
	}
}

func TestSmallestBound(t *testing.T) {
	log := open(t, t.TempDir(), 1)
	write(t, log, "xyz")
	if got, err := log.Tail(1); err != nil || !bytes.Equal(got, []byte("z")) {
		t.Errorf("got %q, %v", got, err)
	}
}
