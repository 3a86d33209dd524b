// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package machine

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"gantry.invalid/guest/record"
)

const scratchID = "8d0c0000-0000-4000-8000-000000000001"

// runToItsEnd runs a container with a script on a scratch disk, and returns the status that it reports at its end.
func runToItsEnd(t *testing.T, scratch, id string) map[string]any {
	t.Helper()
	events := newReports()
	events.said = make(chan string, 3)
	none, err := NewNone(nil, "", events)
	if err != nil {
		t.Fatal(err)
	}
	document, err := json.Marshal(map[string]any{"id": id, "process": map[string]any{
		"args": []string{scriptName, `{"run_ms": 1, "exit_code": 3, "log": "to the log\n", "linger_ms": 0}`},
	}})
	if err != nil {
		t.Fatal(err)
	}
	spec := Spec{ID: "vm-1", ISO: "bootstrap.iso", GuestInfo: map[string]string{SpecKey: string(document)},
		Disks: []Disk{{Unit: 0, Path: "none.vmdk", Format: "qcow2"}, {Unit: scratchUnit, Path: scratch, Format: "raw"}}}
	if err := none.Start(spec); err != nil {
		t.Fatal(err)
	}
	<-events.off
	close(events.said)
	var status map[string]any
	for text := range events.said {
		if text[0] == '{' {
			if err := json.Unmarshal([]byte(text), &status); err != nil {
				t.Fatal(err)
			}
		}
	}
	return status
}

func TestTheEndIsOnTheScratchDisk(t *testing.T) {
	scratch := filepath.Join(t.TempDir(), "scratch.raw")
	if err := os.WriteFile(scratch, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		status := runToItsEnd(t, scratch, scratchID)
		disk, err := os.ReadFile(scratch)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := record.Read(bytes.NewReader(disk))
		if err != nil || kept.ID != scratchID || *kept.ExitCode != 3 || kept.Log == nil || kept.StartedAt == nil {
			t.Errorf("got %+v, %v", kept, err)
		}
		if *kept.FinishedAt != status["finished_at"] {
			t.Errorf("it ended at %s, and the record says %s", status["finished_at"], *kept.FinishedAt)
		}
	}
}

func TestTheRecordHasTheLastRevisionOfTheDocument(t *testing.T) {
	scratch := filepath.Join(t.TempDir(), "scratch.raw")
	if err := os.WriteFile(scratch, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	events := newReports()
	events.said = make(chan string, 3)
	none, err := NewNone(nil, "", events)
	if err != nil {
		t.Fatal(err)
	}
	const before, later = `{"id": "` + scratchID + `"}`, `{"id": "` + scratchID + `", "revision": 1}`
	spec := Spec{ID: "vm-1", ISO: "bootstrap.iso", GuestInfo: map[string]string{SpecKey: before},
		Disks: []Disk{{Unit: scratchUnit, Path: scratch, Format: "raw"}}}
	if err := none.Start(spec); err != nil {
		t.Fatal(err)
	}
	<-events.said
	for _, document := range []string{later, before} {
		if err := none.SetGuestInfo(spec.ID, map[string]string{SpecKey: document}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(none.PowerButton(spec.ID), none.PowerButton(spec.ID)); err != nil {
		t.Fatal(err)
	}
	<-events.off
	disk, err := os.ReadFile(scratch)
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := record.Read(bytes.NewReader(disk)); err != nil || kept.Spec != record.Digest([]byte(later)) {
		t.Errorf("got %+v, %v", kept, err)
	}
}

func TestTheDiskOfAnotherContainerIsNotChanged(t *testing.T) {
	scratch := filepath.Join(t.TempDir(), "scratch.raw")
	if err := os.WriteFile(scratch, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	runToItsEnd(t, scratch, scratchID)
	before, err := os.ReadFile(scratch)
	runToItsEnd(t, scratch, "8d0c0000-0000-4000-8000-000000000002")
	after, err2 := os.ReadFile(scratch)
	if errors.Join(err, err2) != nil || !bytes.Equal(before, after) {
		t.Error("it was changed")
	}
}

func TestADiskThatCannotBeWrittenIsReported(t *testing.T) {
	status := runToItsEnd(t, filepath.Join(t.TempDir(), "missing"), scratchID)
	if reason, _ := status["error"].(map[string]any); reason["code"] != "scratch_mount_failed" {
		t.Errorf("got %v", status)
	}
}
