// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package report

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"

	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/logbuf"
)

// fakeHost is a Publisher that records the values.
type fakeHost struct {
	values map[string]string
	broken error
}

func (w *fakeHost) Set(key, value string) error {
	if w.broken == nil {
		w.values[key] = value
	}
	return w.broken
}

func newReporter(w *fakeHost, logError func(error)) *Reporter {
	w.values = map[string]string{}
	return New(w, "1.0.0", "6.1.0", logError)
}

func TestUpdateReplacesTheWholeStatus(t *testing.T) {
	w := &fakeHost{}
	reporter := newReporter(w, func(err error) { t.Error(err) })
	reporter.Update(func(status *Status) { status.ID = "id" })
	reporter.Update(func(status *Status) {
		status.State = Error
		status.Error = failure.New(failure.ImageDiskMissing, "none of %d", 3)
	})
	var got map[string]any
	if err := json.Unmarshal([]byte(w.values[StatusKey]), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"version": 1.0, "id": "id", "sequence": 2.0, "state": "error", "pid": 0.0, "exit_code": nil, "oom_killed": false, "restart_count": 0.0,
		"health": "none", "health_output": "", "started_at": nil, "finished_at": nil, "memory_available": 0.0,
		"document": "", "init_version": "1.0.0", "kernel": "6.1.0", "guest_operations": nil, "waiting_for": nil,
		"syslog": nil,
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	reason, ok := got["error"].(map[string]any)
	if !ok || len(reason) != 2 || reason["code"] != "image_disk_missing" || reason["message"] != "none of 3" {
		t.Errorf("error is %v", got["error"])
	}
	if fmt.Sprint(got["follows"]) != "[restart files]" {
		t.Errorf("follows is %v", got["follows"])
	}
	if len(got) != 22 {
		t.Errorf("%d keys", len(got))
	}
}

func TestStatusIsASCIIWhateverTheCheckPrints(t *testing.T) {
	w := &fakeHost{}
	reporter := newReporter(w, func(err error) { t.Error(err) })
	output := "tab\tbell\a ü 🚢 \ufffe end"
	reporter.Update(func(status *Status) { status.HealthOutput = output + "\xff" })
	for _, char := range w.values[StatusKey] {
		if char < ' ' || char > '~' {
			t.Fatalf("%q in %q", char, w.values[StatusKey])
		}
	}
	var got Status
	if err := json.Unmarshal([]byte(w.values[StatusKey]), &got); err != nil {
		t.Fatal(err)
	}
	if got.HealthOutput != output+"\ufffd" {
		t.Errorf("got %q", got.HealthOutput)
	}
}

func TestErrorsOfThePublisherAreReported(t *testing.T) {
	var reported []error
	w := &fakeHost{broken: errors.New("no way out")}
	reporter := newReporter(w, func(err error) { reported = append(reported, err) })
	reporter.Update(func(*Status) {})
	reporter.PublishLog(logbuf.Page{})
	if len(reported) != 2 || !errors.Is(reported[0], w.broken) {
		t.Errorf("got %v", reported)
	}
}

func TestTheLogIsPublishedAsAPage(t *testing.T) {
	w := &fakeHost{}
	reporter := newReporter(w, func(err error) { t.Error(err) })
	last := logbuf.Page{}
	last.Add(logbuf.Stderr, "gantry: no image\n")
	reporter.PublishLog(last)
	packed, err := base64.StdEncoding.DecodeString(w.values[LogKey])
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if err != nil || !bytes.Equal(page, last.Encode()) || !bytes.HasSuffix(page, []byte("gantry: no image\n")) {
		t.Errorf("got %q, %v", page, err)
	}
}
