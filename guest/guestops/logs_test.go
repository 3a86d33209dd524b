// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package guestops_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/vmware/govmomi/toolbox/vix"

	"gantry.invalid/guest/guestops"
	"gantry.invalid/guest/logbuf"
)

type logPage struct {
	Next    string `json:"next"`
	End     string `json:"end"`
	Lost    int    `json:"lost"`
	Unknown bool   `json:"unknown_position"`
	records []byte
}

// read reads a page of the log as a client does.
func (w *world) read(path string) (page logPage) {
	w.t.Helper()
	described, err := w.guest.InitiateTransfer(w.t.Context(), path)
	if err != nil {
		w.t.Fatal(err)
	}
	var content bytes.Buffer
	if err := w.guest.ReadFile(w.t.Context(), path, &content); err != nil {
		w.t.Fatal(err)
	}
	if described.Size != int64(content.Len()) || described.Permissions != 0o400 || described.Modified == 0 {
		w.t.Errorf("%d bytes of %+v", content.Len(), described)
	}
	begin, records, _ := bytes.Cut(content.Bytes(), []byte("\n"))
	if err := json.Unmarshal(begin, &page); err != nil {
		w.t.Fatal(err)
	}
	page.records = records
	return page
}

func newLogWorld(t *testing.T) (*world, *logbuf.Log) {
	w := newWorld(t, 1<<20)
	log, err := logbuf.Open(t.TempDir(), 16<<20)
	if err != nil {
		t.Fatal(err)
	}
	w.server.ServeLog(log.Read)
	return w, log
}

func TestPagesOfTheLog(t *testing.T) {
	w, log := newLogWorld(t)
	writer := log.Writer(logbuf.Stdout)
	for number := range 20_000 {
		if _, err := fmt.Fprintf(writer, "line %d\n", number); err != nil {
			t.Fatal(err)
		}
	}
	path, pages, found := guestops.LogPath+"/id=1", 0, ""
	for position := ""; ; pages++ {
		page := w.read(path + position)
		if page.Lost != 0 || page.Unknown || len(page.records) > 128<<10 {
			t.Fatalf("got %d bytes, %+v", len(page.records), page)
		}
		for rest := page.records; len(rest) > 0; {
			length := 21 + int(rest[4]) + int(rest[3])<<8
			found += string(rest[21:length])
			rest = rest[length:]
		}
		position = ",from=" + page.Next
		if page.Next == page.End {
			break
		}
	}
	if pages < 3 || !strings.HasPrefix(found, "line 0\nline 1\n") || strings.Count(found, "\n") != 20_000 ||
		!strings.HasSuffix(found, "line 19999\n") {
		t.Errorf("got %d pages with %q", pages, found[:min(100, len(found))])
	}
}

func TestThePathSelectsWhatAPageHas(t *testing.T) {
	w, log := newLogWorld(t)
	for text, stream := range map[string]logbuf.Stream{"out\n": logbuf.Stdout, "err\n": logbuf.Stderr} {
		if _, err := log.Writer(stream).Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for fields, want := range map[string]int{"stream=stdout": 1, "stream=stdout,stream=stderr": 2, "tail=1": 1, "tail=0": 0, "since=1": 2,
		"until=1": 0, "tail=9,stream=stderr": 1} {
		page := w.read(guestops.LogPath + "/id=x," + fields)
		if got := bytes.Count(page.records, []byte("out\n")) + bytes.Count(page.records, []byte("err\n")); got != want {
			t.Errorf("%s: got %d lines, want %d", fields, got, want)
		}
	}
}

func TestAPageIsTheSameUntilItIsReplaced(t *testing.T) {
	w, log := newLogWorld(t)
	path := guestops.LogPath + "/id="
	if _, err := w.guest.InitiateTransfer(t.Context(), path+"0"); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Writer(logbuf.Stdout).Write([]byte("later\n")); err != nil {
		t.Fatal(err)
	}
	var content bytes.Buffer
	if err := w.guest.ReadFile(t.Context(), path+"0", &content); err != nil || bytes.Contains(content.Bytes(), []byte("later")) {
		t.Errorf("got %q, %v", content.Bytes(), err)
	}
	for number := range 3 {
		w.read(fmt.Sprintf("%s%d", path, number+1))
	}
	if err := w.guest.ReadFile(t.Context(), path+"0", &content); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestLogPathsThatAreRefused(t *testing.T) {
	w, _ := newLogWorld(t)
	for _, fields := range []string{"", "tail=-1", "tail=x", "from=1", "since=x", "until=x", "stream=x", "other=1",
		"id=" + strings.Repeat("x", 600)} {
		_, err := w.guest.InitiateTransfer(t.Context(), guestops.LogPath+"/"+fields)
		expectRefusal(t, fields, err, vix.InvalidArg)
	}
	_, err := newWorld(t, 1<<20).guest.InitiateTransfer(t.Context(), guestops.LogPath+"/id=1")
	expectRefusal(t, "no log", err, vix.FileAccessError)
}

func expectRefusal(t *testing.T, what string, err error, code int) {
	t.Helper()
	var refusal *guestops.Refusal
	if !errors.As(err, &refusal) || refusal.Code != code {
		t.Errorf("%s: got %v, want the error %d", what, err, code)
	}
}
