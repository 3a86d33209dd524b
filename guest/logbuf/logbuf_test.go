// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package logbuf

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T, directory string, size int64) *Log {
	t.Helper()
	log, err := Open(directory, size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	return log
}

func write(t *testing.T, log *Log, stream Stream, text string) {
	t.Helper()
	writer := log.Writer(stream)
	if size, err := writer.Write([]byte(text)); err != nil || size != len(text) {
		t.Fatalf("wrote %d, %v", size, err)
	}
	if err := writer.Flush(); err != nil {
		t.Fatal(err)
	}
}

func tail(t *testing.T, log *Log, size int) string {
	t.Helper()
	last, err := log.Last()
	if err != nil {
		t.Fatal(err)
	}
	text := string(last.Text())
	return text[max(0, len(text)-size):]
}

// all is a query of everything.
func all() Query { return Query{Tail: -1, Limit: 1 << 20} }

func read(t *testing.T, log *Log, query Query) Page {
	t.Helper()
	page, err := log.Read(query)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// lines returns the texts of the records of a page, each after its stream.
func lines(t *testing.T, page Page) (found []string) {
	t.Helper()
	for rest := page.Records; len(rest) > 0; {
		head, isRecord := decodeRecordHead(rest)
		if !isRecord {
			t.Fatalf("no record: %q", rest)
		}
		found = append(found, fmt.Sprintf("%d %s", head.stream, rest[recordHeadBytes:recordHeadBytes+head.length]))
		rest = rest[recordHeadBytes+head.length:]
	}
	return found
}

func expectLines(t *testing.T, page Page, want ...string) {
	t.Helper()
	if got := lines(t, page); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func usedBytes(t *testing.T, directory string) (used int64) {
	t.Helper()
	for _, name := range []string{currentName, previousName} {
		info, err := os.Stat(filepath.Join(directory, name))
		if err != nil {
			t.Fatal(err)
		}
		used += info.Size()
	}
	return used
}

func TestKeepsTheEndInBoundedSpace(t *testing.T) {
	directory := t.TempDir()
	log := open(t, directory, 1000)
	var whole strings.Builder
	for i := range 1000 {
		line := fmt.Sprintf("line %d\n", i)
		whole.WriteString(line)
		write(t, log, Stdout, line)
	}
	end := tail(t, log, 1000)
	if len(end) < 130 || !strings.HasSuffix(whole.String(), end) {
		t.Errorf("got %q", end)
	}
	if used := usedBytes(t, directory); used > 1000 {
		t.Errorf("%d bytes are used", used)
	}
	page := read(t, log, all())
	if page.Lost != 0 || page.Next != page.End || page.Next.Number != 1000 {
		t.Errorf("got %+v", page)
	}
	if found := lines(t, page); found[len(found)-1] != "1 line 999\n" {
		t.Errorf("got %q", found)
	}
}

func TestLinesThatAreTooLongAreSplit(t *testing.T) {
	log := open(t, t.TempDir(), 1<<20)
	long := strings.Repeat("a", longestText)
	write(t, log, Stdout, long+long+"bc\n")
	expectLines(t, read(t, log, all()), "1 "+long, "1 "+long, "1 bc\n")
	small := open(t, t.TempDir(), 1)
	write(t, small, Stdout, long+"end")
	if got := tail(t, small, 5); got != "aaend" {
		t.Errorf("got %q", got)
	}
}

func TestALineThatArrivesInPiecesIsOneRecord(t *testing.T) {
	log := open(t, t.TempDir(), 1<<20)
	out, err := log.Writer(Stdout), log.Writer(Stderr)
	for _, one := range []struct {
		to   *Writer
		text string
	}{{out, "a"}, {err, "x\ny"}, {out, "b\nc"}, {out, "d\n"}} {
		if _, failed := one.to.Write([]byte(one.text)); failed != nil {
			t.Fatal(failed)
		}
	}
	expectLines(t, read(t, log, all()), "2 x\n", "1 ab\n", "1 cd\n")
	if failed := err.Flush(); failed != nil {
		t.Fatal(failed)
	}
	expectLines(t, read(t, log, all()), "2 x\n", "1 ab\n", "1 cd\n", "2 y")
}

func TestTheLastPageGoesOverBothFilesAndIsBounded(t *testing.T) {
	log := open(t, t.TempDir(), 1)
	for range 20 {
		write(t, log, Stdout, strings.Repeat("-", 30)+"\n")
	}
	write(t, log, Stderr, "abc")
	write(t, log, Stdout, "defg")
	for size, want := range map[int]string{0: "", 2: "fg", 4: "defg", 6: "bcdefg"} {
		if got := tail(t, log, size); got != want {
			t.Errorf("%d: got %q, want %q", size, got, want)
		}
	}
	if got := tail(t, log, 120); len(got) != 120 {
		t.Errorf("got %q", got)
	}
	for line, want := range map[string]int{strings.Repeat("a", 99) + "\n": TextBytes / 100, "\n": publishedBytes / (recordHeadBytes + 1)} {
		long := open(t, t.TempDir(), 1<<20)
		write(t, long, Stdout, strings.Repeat(line, 4000))
		last, err := long.Last()
		if err != nil {
			t.Fatal(err)
		}
		if got := lines(t, last); len(got) != want {
			t.Errorf("%q: %d lines, want %d", line, len(got), want)
		}
	}
}

func TestThePublishedPageFitsIntoAKey(t *testing.T) {
	records := make([]byte, publishedBytes)
	random := rand.New(rand.NewPCG(1, 2))
	for index := range records {
		records[index] = byte(random.Uint32()) // this does not compress
	}
	page := Page{Records: records}
	published, err := page.Publish()
	if err != nil || len(published) > 60<<10 {
		t.Errorf("%d bytes, %v", len(published), err)
	}
	packed, err := base64.StdEncoding.DecodeString(published)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed))); err != nil || !bytes.Equal(got, page.Encode()) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

func TestContinuesAfterARestart(t *testing.T) {
	directory := t.TempDir()
	first := open(t, directory, 1000)
	write(t, first, Stdout, "before\n")
	before := read(t, first, all())
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	// The machine was interrupted while it wrote a record, and later between the steps of a rotation.
	file, err := os.OpenFile(filepath.Join(directory, currentName), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write(recordHead{stream: Stdout, length: 100, number: 1}.appendTo(nil)); err != nil {
		t.Fatal(err)
	}
	second := open(t, directory, 1000)
	write(t, second, Stdout, "after\n")
	expectLines(t, read(t, second, all()), "1 before\n", "1 after\n")
	query := all()
	query.From = &before.Next
	expectLines(t, read(t, second, query), "1 after\n")

	if err := os.Rename(filepath.Join(directory, currentName), filepath.Join(directory, previousName)); err != nil {
		t.Fatal(err)
	}
	third := open(t, directory, 1000)
	write(t, third, Stdout, "last\n")
	page := read(t, third, query)
	expectLines(t, page, "1 after\n", "1 last\n")
	if page.Lost != 0 || page.Unknown || page.Next.Number != 3 {
		t.Errorf("got %+v", page)
	}
}

func TestPagesFollowEachOtherWhileTheLogIsWritten(t *testing.T) {
	log := open(t, t.TempDir(), 100_000)
	query, written, found := all(), 0, []string{}
	query.Limit = LongestRecord
	for round := 0; round < 50 || len(found) < written; round++ {
		for ; round < 50 && written < (round+1)*100; written++ {
			write(t, log, Stdout, fmt.Sprintf("line %d\n", written))
		}
		page := read(t, log, query)
		if page.Lost != 0 || page.Unknown {
			t.Fatalf("got %+v", page)
		}
		found = append(found, lines(t, page)...)
		query.From = &page.Next
	}
	for number, line := range found {
		if line != fmt.Sprintf("1 line %d\n", number) {
			t.Fatalf("%d: got %q", number, line)
		}
	}
}

func TestWhatIsLostIsCounted(t *testing.T) {
	log := open(t, t.TempDir(), 1000)
	write(t, log, Stdout, "first\n")
	query := all()
	begin := read(t, log, query).Next
	query.From = &begin
	for number := range 200 {
		write(t, log, Stdout, fmt.Sprintf("line %d\n", number))
	}
	page := read(t, log, query)
	found := lines(t, page)
	if page.Unknown || int(page.Lost)+len(found) != 200 || page.Lost == 0 {
		t.Errorf("%d lines, %d lost, %v", len(found), page.Lost, page.Unknown)
	}
	// Records of the other stream are not lost.
	query.From, query.Streams = &page.Next, []Stream{Stderr}
	write(t, log, Stdout, "out\n")
	write(t, log, Stderr, "err\n")
	page = read(t, log, query)
	expectLines(t, page, "2 err\n")
	if page.Lost != 0 {
		t.Errorf("%d are lost", page.Lost)
	}
}

func TestAFullDiskLosesLinesAndNotTheLog(t *testing.T) {
	directory := t.TempDir()
	log := open(t, directory, 1000)
	write(t, log, Stdout, "first\n")
	query := all()
	begin := read(t, log, query).Next
	query.From = &begin
	// A directory in place of the next file cannot be written.
	if err := os.Mkdir(filepath.Join(directory, previousName), 0o700); err != nil {
		t.Fatal(err)
	}
	writer := log.Writer(Stdout)
	var failed error
	for range 30 {
		if _, err := writer.Write([]byte(strings.Repeat("x", 30) + "\n")); err != nil {
			failed = err
		}
	}
	if failed == nil {
		t.Fatal("no error is returned")
	}
	if err := os.Remove(filepath.Join(directory, previousName)); err != nil {
		t.Fatal(err)
	}
	write(t, log, Stdout, "last\n")
	page := read(t, log, query)
	if found := lines(t, page); found[len(found)-1] != "1 last\n" || int(page.Lost)+len(found) != 31 || page.Lost == 0 {
		t.Errorf("got %q, %d lost", found, page.Lost)
	}
}

func TestPositionsOfOtherLogs(t *testing.T) {
	log := open(t, t.TempDir(), 1<<20)
	write(t, log, Stdout, "a\nb\n")
	end := read(t, log, all()).Next
	other, ahead, between := end, end, end
	other.Log++
	ahead.Number++
	between.Offset, between.Number = between.Offset-3, 1
	for _, from := range []Position{other, ahead, between} {
		query := all()
		query.From = &from
		page := read(t, log, query)
		expectLines(t, page, "1 a\n", "1 b\n")
		if !page.Unknown || page.Lost != 0 || page.Next != end {
			t.Errorf("%v: got %+v", from, page)
		}
	}
	if parsed, err := ParsePosition(end.String()); err != nil || parsed != end {
		t.Errorf("got %v, %v, want %v", parsed, err, end)
	}
	for _, text := range []string{"", "1-2", "x-1-2", "1-x-2", "1-2--3", "1-2-9223372036854775808"} {
		if parsed, err := ParsePosition(text); err == nil {
			t.Errorf("%q is %v", text, parsed)
		}
	}
}

func TestSelection(t *testing.T) {
	log := open(t, t.TempDir(), 1<<20)
	write(t, log, Stdout, "1\n2\n3\n")
	time.Sleep(time.Millisecond)
	middle := time.Now().UnixNano()
	write(t, log, Stderr, "4\n")
	write(t, log, Stdout, "5\n")
	for want, query := range map[string]Query{
		"1 3\n 2 4\n 1 5\n": {Tail: 3}, "1 5\n": {Tail: 1, Since: middle}, "1 2\n 1 3\n": {Tail: 2, Until: middle},
		"2 4\n": {Tail: -1, Streams: []Stream{Stderr}}, "1 3\n 1 5\n": {Tail: 2, Streams: []Stream{Stdout}}, "": {Tail: 0},
	} {
		query.Limit = 1 << 20
		page := read(t, log, query)
		if got := strings.Join(lines(t, page), " "); got != want || page.Next != page.End || page.Lost != 0 {
			t.Errorf("%+v: got %q, %+v", query, got, page)
		}
	}
}
