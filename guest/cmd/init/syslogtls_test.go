// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"gantry.invalid/guest/internal/spec"
)

func TestTheProgramForTLSIsUnpackedOnlyIfItIsWanted(t *testing.T) {
	for name, wanted := range map[string]bool{"tls": true, "tcp": false, "": false} {
		log := spec.Log{Syslog: &spec.Syslog{Transport: name}}
		if name == "" {
			log = spec.Log{}
		}
		folder := t.TempDir()
		packed, program := filepath.Join(folder, "program.gz"), filepath.Join(folder, "program")
		if err := os.WriteFile(packed, compressed(t, "the program"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := provideTLS(log, packed, program); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(packed); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: the packed program is still there: %v", name, err)
		}
		content, err := os.ReadFile(program)
		if wanted && string(content) != "the program" || !wanted && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: got %q, %v", name, content, err)
		}
	}
}

func TestADamagedProgramForTLSIsAnError(t *testing.T) {
	folder := t.TempDir()
	packed := filepath.Join(folder, "program.gz")
	content := compressed(t, "the program")
	if err := os.WriteFile(packed, content[:len(content)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	log := spec.Log{Syslog: &spec.Syslog{Transport: spec.SyslogTLS}}
	if err := provideTLS(log, packed, filepath.Join(folder, "program")); err == nil {
		t.Error("no error")
	}
}

func compressed(t *testing.T, text string) []byte {
	t.Helper()
	var buffer bytes.Buffer
	stream := gzip.NewWriter(&buffer)
	if _, err := stream.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}
