// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package guestops_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/vmware/govmomi/toolbox/vix"

	"gantry.invalid/guest/guestops"
)

// memorySink keeps a delivery in memory.
type memorySink struct {
	content  []byte
	finished bool
	broken   error
}

func (m *memorySink) Begin() error { m.content = nil; return m.broken }

func (m *memorySink) Append(data []byte) error {
	m.content = append(m.content, data...)
	return m.broken
}

func (m *memorySink) Finish() error { m.finished = true; return m.broken }

func digestOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

// deliver sends a part and returns the answer.
func (w *world) deliver(part guestops.Part) (int64, error) {
	text, err := json.Marshal(part)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.guest.StartProgram(w.t.Context(), guestops.FilesPath, string(text), "", nil)
}

func (w *world) expect(content string) (*memorySink, *guestops.Delivery) {
	sink := &memorySink{}
	delivery := guestops.NewDelivery(digestOf(content), sink)
	w.server.Expect(delivery)
	return sink, delivery
}

func isDone(delivery *guestops.Delivery) bool {
	select {
	case <-delivery.Done():
		return true
	default:
		return false
	}
}

func TestADeliveryIsReceivedInParts(t *testing.T) {
	w := newWorld(t, 1<<20)
	sink, delivery := w.expect("hello world")
	sum := digestOf("hello world")
	if received, err := w.deliver(guestops.Part{SHA256: sum, Data: []byte("hello ")}); err != nil || received != 6 || isDone(delivery) {
		t.Fatalf("%d, %v", received, err)
	}
	if received, err := w.deliver(guestops.Part{SHA256: sum, Offset: 6, Data: []byte("world"), Last: true}); err != nil || received != 11 {
		t.Fatalf("%d, %v", received, err)
	}
	if !isDone(delivery) || !sink.finished || string(sink.content) != "hello world" {
		t.Errorf("%+v", sink)
	}
	// Whoever did not hear the answer sends it again.
	if received, err := w.deliver(guestops.Part{SHA256: sum, Data: []byte("hello ")}); err != nil || received != 11 {
		t.Errorf("again: %d, %v", received, err)
	}
	if string(sink.content) != "hello world" {
		t.Errorf("a complete delivery was changed: %q", sink.content)
	}
}

func TestADeliveryThatWasInterruptedBeginsAgain(t *testing.T) {
	w := newWorld(t, 1<<20)
	sink, delivery := w.expect("hello")
	sum := digestOf("hello")
	if _, err := w.deliver(guestops.Part{SHA256: sum, Data: []byte("hel")}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.deliver(guestops.Part{SHA256: sum, Data: []byte("hello"), Last: true}); err != nil {
		t.Fatal(err)
	}
	if !isDone(delivery) || string(sink.content) != "hello" {
		t.Errorf("%+v", sink)
	}
}

func TestInvalidPartsAreRefused(t *testing.T) {
	sum := digestOf("hello")
	for name, part := range map[string]guestops.Part{
		"other files":  {SHA256: digestOf("other"), Data: []byte("other"), Last: true},
		"other bytes":  {SHA256: sum, Data: []byte("hellO"), Last: true},
		"a gap":        {SHA256: sum, Offset: 3, Data: []byte("lo"), Last: true},
		"nothing":      {SHA256: sum, Last: true},
		"before":       {SHA256: sum, Offset: -1, Data: []byte("hello")},
		"no SHA-256":   {Data: []byte("hello")},
		"incomplete":   {SHA256: sum, Data: []byte("hell"), Last: true},
		"far too late": {SHA256: sum, Offset: guestops.MostDelivered, Data: []byte("x")},
	} {
		w := newWorld(t, 1<<20)
		sink, delivery := w.expect("hello")
		_, err := w.deliver(part)
		var refusal *guestops.Refusal
		if !errors.As(err, &refusal) || refusal.Code != vix.InvalidArg || sink.finished || isDone(delivery) {
			t.Errorf("%s: %v, %+v", name, err, sink)
		}
		// It does not prevent a correct delivery.
		if _, err := w.deliver(guestops.Part{SHA256: sum, Data: []byte("hello"), Last: true}); err != nil || !isDone(delivery) {
			t.Errorf("after %s: %v", name, err)
		}
	}
}

func TestADeliveryIsLimited(t *testing.T) {
	w := newWorld(t, 1<<20)
	_, _ = w.expect("hello")
	part := guestops.Part{SHA256: digestOf("hello"), Data: make([]byte, 32<<10)}
	for {
		received, err := w.deliver(part)
		if err != nil {
			if !strings.Contains(err.Error(), "the most that a container accepts") {
				t.Error(err)
			}
			break
		}
		if part.Offset = received; received > guestops.MostDelivered {
			t.Fatalf("%d bytes were accepted", received)
		}
	}
}

func TestAFullDiskIsReported(t *testing.T) {
	w := newWorld(t, 1<<20)
	sink, delivery := w.expect("hello")
	sink.broken = errors.New("no space left on device")
	if _, err := w.deliver(guestops.Part{SHA256: digestOf("hello"), Data: []byte("hello"), Last: true}); err == nil ||
		!strings.Contains(err.Error(), "no space left") || isDone(delivery) {
		t.Error(err)
	}
}

func TestFilesNeedTheSecretAndAContainerThatExpectsThem(t *testing.T) {
	w := newWorld(t, 1<<20)
	part := guestops.Part{SHA256: digestOf("hello"), Data: []byte("hello"), Last: true}
	var refusal *guestops.Refusal
	if _, err := w.deliver(part); !errors.As(err, &refusal) || refusal.Code != vix.FileNotFound {
		t.Errorf("unexpected files: %v", err)
	}
	_, delivery := w.expect("hello")
	w.guest.Password = strings.Repeat("x", len(secret))
	if _, err := w.deliver(part); !errors.As(err, &refusal) || refusal.Code != vix.AuthenticationFail || isDone(delivery) {
		t.Errorf("without the secret: %v", err)
	}
	if _, err := w.guest.StartProgram(t.Context(), guestops.FilesPath, "{", "", nil); err == nil {
		t.Error("invalid JSON was accepted")
	}
}
