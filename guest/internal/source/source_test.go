// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package source

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gantry.invalid/guest/internal/disks"
	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/spec"
)

// vmx answers as the VMX does.
type vmx struct{ values map[string]string }

func (v vmx) Request(request []byte) ([]byte, error) {
	command, rest, _ := strings.Cut(string(request), " ")
	switch command {
	case "info-get":
		value, known := v.values[rest]
		if !known {
			return nil, errors.New(`the VMX refused info-get: "0 No value found"`)
		}
		return []byte(value), nil
	case "info-set":
		key, value, _ := strings.Cut(rest, " ")
		v.values[key] = value
	case "SetGuestInfo":
		v.values[command+rest[:3]] = rest[3:]
	}
	return nil, nil
}

func TestGuestinfoReadsTheSpec(t *testing.T) {
	host := vmx{map[string]string{SpecKey: `{"version": 1}`}}
	document, err := Guestinfo{host}.Read(context.Background())
	if err != nil || string(document) != `{"version": 1}` {
		t.Errorf("got %q, %v", document, err)
	}
}

func TestGuestinfoWithoutSpecIsAbsent(t *testing.T) {
	for name, values := range map[string]map[string]string{"unset": {}, "empty": {SpecKey: ""}} {
		_, err := Guestinfo{vmx{values}}.Read(context.Background())
		if !errors.Is(err, ErrAbsent) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGuestinfoSetsValuesWithSpaces(t *testing.T) {
	host := vmx{map[string]string{}}
	if err := (Guestinfo{host}).Set("guestinfo.gantry.status", `{"state": "running"}`); err != nil {
		t.Fatal(err)
	}
	if got := host.values["guestinfo.gantry.status"]; got != `{"state": "running"}` {
		t.Errorf("got %q", got)
	}
}

func TestGuestinfoAnnouncesNameAndAddresses(t *testing.T) {
	host := vmx{map[string]string{}}
	if err := (Guestinfo{host}).Announce("web"); err != nil {
		t.Fatal(err)
	}
	if host.values["SetGuestInfo 1 "] != "web" {
		t.Errorf("name: %q", host.values)
	}
	if _, reported := host.values["SetGuestInfo 9 "]; !reported {
		t.Errorf("no addresses: %q", host.values)
	}
}

type fixed struct {
	name     string
	document string
	err      error
}

func (f fixed) Name() string { return f.name }

func (f fixed) Kind() string { return f.name }

func (f fixed) Read(context.Context) ([]byte, error) { return []byte(f.document), f.err }

func TestFirstReturnsTheFirstSpec(t *testing.T) {
	document, found, err := First(context.Background(), []Source{
		fixed{name: "a", err: ErrAbsent}, fixed{name: "b", document: "B"}, fixed{name: "c", document: "C"},
	})
	if err != nil || string(document) != "B" || found.Kind() != "b" {
		t.Errorf("got %q from %v, %v", document, found, err)
	}
}

func packed(t *testing.T, document string) string {
	t.Helper()
	var buffer bytes.Buffer
	stream := gzip.NewWriter(&buffer)
	if _, err := stream.Write([]byte(document)); err != nil {
		t.Fatal(err)
	}
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
	return packedPrefix + base64.StdEncoding.EncodeToString(buffer.Bytes())
}

func TestFirstUnpacksACompressedSpec(t *testing.T) {
	want := `{"version": 1, "name": "` + strings.Repeat("x", 100_000) + `"}`
	document, _, err := First(context.Background(), []Source{fixed{name: "a", document: packed(t, want)}})
	if err != nil || string(document) != want {
		t.Errorf("got %d bytes, %v", len(document), err)
	}
}

func TestFirstRefusesADamagedCompressedSpec(t *testing.T) {
	whole := packed(t, `{"version": 1}`)
	for name, value := range map[string]string{
		"no base64": packedPrefix + "!", "truncated": whole[:len(whole)-8], "too large": packed(t, strings.Repeat(" ", spec.MaxBytes+1)),
	} {
		_, _, err := First(context.Background(), []Source{fixed{name: "a", document: value}})
		var failed *failure.Failure
		if !errors.As(err, &failed) || failed.Code != failure.SpecInvalid || !strings.Contains(failed.Message, "from a is damaged") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFirstNamesAllThatHadNone(t *testing.T) {
	_, _, err := First(context.Background(), []Source{fixed{name: "a", err: ErrAbsent}, fixed{name: "b", err: ErrAbsent}})
	var failed *failure.Failure
	if !errors.As(err, &failed) || failed.Code != failure.SpecMissing || !strings.Contains(failed.Message, "a, b") {
		t.Errorf("got %v", err)
	}
}

func TestFirstReturnsAnErrorOfASource(t *testing.T) {
	_, _, err := First(context.Background(), []Source{fixed{name: "a", err: errors.New("broken")}, fixed{name: "b"}})
	if err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("got %v", err)
	}
}

func TestDiskReadsUpToTheFirstZero(t *testing.T) {
	root := t.TempDir()
	content := append([]byte(diskMagic+`{"version": 1}`), make([]byte, 4096)...)
	for name, data := range map[string][]byte{"sda": make([]byte, 8192), "sdb": content} {
		if err := os.MkdirAll(filepath.Join(root, "sys/block", name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "sys/block", name, "size"), []byte("16\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	finder := &disks.Finder{Sys: filepath.Join(root, "sys"), Dev: root}
	document, err := Disk{Finder: finder}.Read(context.Background())
	if err != nil || string(document) != `{"version": 1}` {
		t.Errorf("got %q, %v", document, err)
	}
}
