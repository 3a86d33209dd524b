// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package record

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/report"
)

const id = "8d0c0000-0000-4000-8000-000000000001"

func ended(reason *failure.Failure) Record {
	code := 3
	at := report.Timestamp(time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC))
	return Record{
		ID: id, Machine: "42190000-0000-0000-0000-000000000001", Spec: Digest([]byte("{}")),
		Status: Of(report.Status{
			State: report.Exited, ExitCode: &code, OOMKilled: true, RestartCount: 2, StartedAt: at, FinishedAt: at, Error: reason,
		}),
	}
}

// disk is a file with the size of the record and more.
func disk(t *testing.T) *os.File {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "disk"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	if err := file.Truncate(64 << 10); err != nil {
		t.Fatal(err)
	}
	return file
}

func written(t *testing.T, record Record, output []byte) (Record, string) {
	t.Helper()
	file := disk(t)
	if err := record.Write(file, output); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range [][]byte{content[Bytes:logOffset], content[logOffset+LogBytes:]} {
		if !bytes.Equal(other, make([]byte, len(other))) {
			t.Fatal("the superblock or the next block was written")
		}
	}
	got, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.Log == nil {
		return got, ""
	}
	packed := content[logOffset:][:got.Log.Bytes]
	if got.Log.CRC32 != checksum(packed) {
		t.Fatalf("the checksum of the log is %s", got.Log.CRC32)
	}
	log, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if err != nil {
		t.Fatal(err)
	}
	return got, string(log)
}

func TestARecordIsReadAsItWasWritten(t *testing.T) {
	want := ended(failure.New(failure.StartFailed, "no such program"))
	got, log := written(t, want, []byte("line 1\nline 2\xff\n"))
	if log != "line 1\nline 2\xff\n" {
		t.Errorf("log %q", log)
	}
	if got.ID != id || got.Machine != want.Machine || got.Spec != want.Spec || got.Version != Version ||
		got.State != report.Exited || *got.ExitCode != 3 || !got.OOMKilled || got.RestartCount != 2 ||
		*got.FinishedAt != *want.FinishedAt || *got.StartedAt != *want.StartedAt || *got.Error != *want.Error {
		t.Errorf("got %+v", got)
	}
}

func TestTheEndOfALongOutputIsKept(t *testing.T) {
	var text strings.Builder
	for line := range 2000 {
		fmt.Fprintf(&text, "line %d of the output\n", line)
	}
	random := make([]byte, 4096)
	source := rand.NewChaCha8([32]byte{1})
	if _, err := source.Read(random); err != nil {
		t.Fatal(err)
	}
	for name, output := range map[string]string{"text": text.String(), "random": string(random)} {
		_, log := written(t, ended(nil), []byte(output))
		if len(log) < 1800 || !strings.HasSuffix(output, log) {
			t.Errorf("%s: %d bytes are kept", name, len(log))
		}
	}
	if _, log := written(t, ended(nil), []byte(text.String())); len(log) < 8000 {
		t.Errorf("of text, only %d bytes are kept", len(log))
	}
}

func TestALongMessageIsCutShort(t *testing.T) {
	for name, message := range map[string]string{
		"plain": strings.Repeat("x", 5000), "escaped": strings.Repeat("🚢", 5000), "control": strings.Repeat("\x01", 5000),
	} {
		got, _ := written(t, ended(failure.New(failure.StartFailed, "%s", message)), nil)
		if got.Error == nil || got.Error.Code != string(failure.StartFailed) || *got.ExitCode != 3 {
			t.Errorf("%s: got %+v", name, got.Error)
		}
	}
}

func TestARecordIsASCII(t *testing.T) {
	whole, _, err := ended(failure.New(failure.StartFailed, "ü")).Encode(bytes.Repeat([]byte{0x55, 0xaa}, 600))
	if err != nil || len(whole) != Bytes {
		t.Fatalf("%d bytes, %v", len(whole), err)
	}
	for offset, char := range whole {
		if char > '~' {
			t.Fatalf("byte %d is %#x", offset, char)
		}
	}
}

func TestAnotherContentIsNoRecord(t *testing.T) {
	valid, _, err := ended(nil).Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"blank":       make([]byte, Bytes),
		"other magic": append([]byte("GANTRYFORMAT1\n"), valid[14:]...),
		"damaged":     bytes.Replace(valid, []byte(`"exit_code":3`), []byte(`"exit_code":0`), 1),
		"cut short":   append(bytes.Clone(valid[:200]), make([]byte, Bytes-200)...),
	} {
		if bytes.Equal(content, valid) {
			t.Fatalf("%s: not changed", name)
		}
		if _, err := Read(bytes.NewReader(content)); !errors.Is(err, ErrAbsent) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestARecordReplacesAnother(t *testing.T) {
	file := disk(t)
	if err := ended(nil).Write(file, []byte(strings.Repeat("long ", 500))); err != nil {
		t.Fatal(err)
	}
	if err := (Record{ID: id, Status: Status{State: Started}}).Write(file, nil); err != nil {
		t.Fatal(err)
	}
	got, err := Read(file)
	if err != nil || got.State != Started || got.ExitCode != nil || got.Log != nil {
		t.Errorf("got %+v, %v", got, err)
	}
}
