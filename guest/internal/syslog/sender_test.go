// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package syslog

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/spec"
	"gantry.invalid/guest/logbuf"
)

const patience = 20 * time.Second

var quick = Times{Dial: time.Second, Write: 200 * time.Millisecond, FirstPause: time.Millisecond, LastPause: 20 * time.Millisecond}

// following is a sender with its log, and what it has reported.
type following struct {
	*Sender
	log *logbuf.Log

	mu       sync.Mutex
	statuses []Status
	dropped  uint64
}

func follow(t *testing.T, transport, address string, maxBytes int64) *following {
	t.Helper()
	return followTo(t, spec.Syslog{Transport: transport, Address: address}, maxBytes)
}

func followTo(t *testing.T, wanted spec.Syslog, maxBytes int64) *following {
	t.Helper()
	log, err := logbuf.Open(t.TempDir(), maxBytes)
	if err != nil {
		t.Fatal(err)
	}
	f := &following{log: log}
	f.say(t, logbuf.Stdout, "from an earlier run\n")
	wanted.Facility, wanted.Tag = 3, "web"
	if f.Sender, err = New(wanted, "host", log, startTLS); err != nil {
		t.Fatal(err)
	}
	f.Times = quick
	if wanted.Transport == spec.SyslogTLS {
		// It starts a process.
		f.Times.Dial = patience
	}
	f.Report = func(status Status, dropped uint64) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.statuses = append(f.statuses, status)
		f.dropped += dropped
	}
	return f
}

func (f *following) say(t *testing.T, stream logbuf.Stream, text string) {
	t.Helper()
	if _, err := f.log.Writer(stream).Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

// await waits until a status was reported.
func (f *following) await(t *testing.T, what string, accept func(Status) bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		f.mu.Lock()
		found := len(f.statuses) > 0 && accept(f.statuses[len(f.statuses)-1])
		f.mu.Unlock()
		if found {
			return
		}
	}
	t.Fatalf("never reported %s", what)
}

// listen returns a TCP server at a port.
func listen(t *testing.T, address string) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

func accept(t *testing.T, listener net.Listener) (net.Conn, *bufio.Reader) {
	t.Helper()
	if err := listener.(*net.TCPListener).SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	connection, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return connection, bufio.NewReader(connection)
}

// text returns the text of the next message of a stream, which has its length before it.
func text(t *testing.T, stream *bufio.Reader) string {
	t.Helper()
	length, err := stream.ReadString(' ')
	if err != nil {
		t.Fatal(err)
	}
	size, err := strconv.Atoi(strings.TrimSpace(length))
	if err != nil {
		t.Fatal(err)
	}
	message := make([]byte, size)
	if _, err := io.ReadFull(stream, message); err != nil {
		t.Fatal(err)
	}
	_, found, _ := strings.Cut(string(message), " - - - ")
	return found
}

func TestADatagramIsALineAsAMessageOfRFC5424(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	f := follow(t, "udp", server.LocalAddr().String(), 1<<20)
	go f.Run()
	f.say(t, logbuf.Stdout, "hello <world>\r\n\n")
	f.say(t, logbuf.Stderr, "oh\n")
	buffer := make([]byte, 1024)
	for _, want := range []string{`<30>1 TIME host web - - - hello <world>`, `<30>1 TIME host web - - - `, `<27>1 TIME host web - - - oh`} {
		if err := server.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		size, _, err := server.ReadFrom(buffer)
		if err != nil {
			t.Fatal(err)
		}
		pattern := strings.Replace(regexp.QuoteMeta(want), "TIME", `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`, 1)
		if !regexp.MustCompile("^" + pattern + "$").Match(buffer[:size]) {
			t.Errorf("got %q, want %q", buffer[:size], want)
		}
	}
	f.Close(patience)
}

func TestTimesHaveMicrosecondsOnRequest(t *testing.T) {
	entry := logbuf.Entry{Stream: logbuf.Stdout, Time: time.Unix(0, 1_500_000).UTC(), Text: []byte("a\n")}
	got := string(message(spec.Syslog{Facility: 23, Tag: "t", Micro: true}, "h", entry))
	if want := "<190>1 1970-01-01T00:00:00.001500Z h t - - - a"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestALineThatDoesNotFitIntoADatagramIsDroppedAlone(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	f := follow(t, "udp", server.LocalAddr().String(), 1<<20)
	connect := f.Dial
	f.Dial = func(ctx context.Context) (net.Conn, error) {
		connection, err := connect(ctx)
		return shortDatagrams{connection}, err
	}
	go f.Run()
	f.say(t, logbuf.Stdout, strings.Repeat("x", 500)+"\nshort\n")
	f.await(t, "a drop", func(status Status) bool { return status.Dropped == 1 && status.Error == nil })
	buffer := make([]byte, 1024)
	size, _, err := server.ReadFrom(buffer)
	if err != nil || !strings.HasSuffix(string(buffer[:size]), "short") {
		t.Errorf("got %q, %v", buffer[:size], err)
	}
	f.Close(patience)
}

// reportCloses returns a channel that receives each close of a connection by the sender.
func (f *following) reportCloses() <-chan struct{} {
	closed := make(chan struct{}, 1)
	connect := f.Dial
	f.Dial = func(ctx context.Context) (net.Conn, error) {
		connection, err := connect(ctx)
		if err != nil {
			return nil, err
		}
		return reportsClose{connection, closed}, nil
	}
	return closed
}

func TestLinesWaitInTheLogWhileTheServerIsAway(t *testing.T) {
	for name, server := range streams(t) {
		t.Run(name, func(t *testing.T) {
			listener := listen(t, "127.0.0.1:0")
			address := listener.Addr().String()
			f := followTo(t, server.at(address), 1<<20)
			closed := f.reportCloses()
			go f.Run()
			f.say(t, logbuf.Stdout, "first\n")
			connection, stream := server.accept(t, listener)
			if got := text(t, stream); got != "first" {
				t.Errorf("got %q", got)
			}
			if err := listener.Close(); err != nil {
				t.Fatal(err)
			}
			if err := connection.Close(); err != nil {
				t.Fatal(err)
			}
			// What is written before the sender notices that is lost, as with any client of TCP.
			<-closed
			f.say(t, logbuf.Stdout, "second\nthird\n")
			f.await(t, "an error", func(status Status) bool { return status.Error != nil && strings.Contains(*status.Error, "refused") })
			_, stream = server.accept(t, listen(t, address))
			for _, want := range []string{"second", "third"} {
				if got := text(t, stream); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
			f.await(t, "the end of the error", func(status Status) bool { return status.Error == nil })
			f.Close(patience)
			if f.dropped != 0 {
				t.Errorf("%d were dropped", f.dropped)
			}
		})
	}
}

func TestWhatTheLogDropsIsCounted(t *testing.T) {
	for name, server := range streams(t) {
		t.Run(name, func(t *testing.T) {
			listener := listen(t, "127.0.0.1:0")
			address := listener.Addr().String()
			if err := listener.Close(); err != nil {
				t.Fatal(err)
			}
			f := followTo(t, server.at(address), 4096)
			go f.Run()
			const lines = 500
			for i := range lines {
				f.say(t, logbuf.Stdout, fmt.Sprintf("line %d\n", i))
			}
			_, stream := server.accept(t, listen(t, address))
			received := 0
			for last := ""; last != fmt.Sprintf("line %d", lines-1); received++ {
				last = text(t, stream)
			}
			f.Close(patience)
			if received == 0 || received >= lines || uint64(received)+f.dropped != lines || f.status.Dropped != f.dropped {
				t.Errorf("%d received, %d reported as dropped, status %+v", received, f.dropped, f.status)
			}
		})
	}
}

func TestNothingWaitsForAServerThatDoesNotRead(t *testing.T) {
	listener := listen(t, "127.0.0.1:0")
	f := follow(t, "tcp", listener.Addr().String(), 1<<20)
	f.Times.Write = patience
	go f.Run()
	f.say(t, logbuf.Stdout, "first\n")
	connection, _ := accept(t, listener)
	defer connection.Close()
	begin := time.Now()
	for range 1000 {
		f.say(t, logbuf.Stdout, strings.Repeat("x", 16000)+"\n")
	}
	f.Close(50 * time.Millisecond)
	if took := time.Since(begin); took > patience/2 {
		t.Errorf("it took %v", took)
	}
}

func TestTheEndOfAnUnreachableServerCountsWhatIsLeft(t *testing.T) {
	listener := listen(t, "127.0.0.1:0")
	f := follow(t, "tcp", listener.Addr().String(), 1<<20)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	f.say(t, logbuf.Stdout, "a\nb\n")
	go f.Run()
	f.await(t, "an error", func(status Status) bool { return status.Error != nil })
	f.Close(patience)
	if f.dropped != 2 || f.status.Dropped != 2 {
		t.Errorf("%d reported, status %+v", f.dropped, f.status)
	}
}

func TestCloseSendsWhatIsLeft(t *testing.T) {
	listener := listen(t, "127.0.0.1:0")
	f := follow(t, "tcp", listener.Addr().String(), 1<<20)
	f.say(t, logbuf.Stdout, strings.Repeat("line\n", 3000))
	go f.Run()
	_, stream := accept(t, listener)
	go f.Close(patience)
	for range 3000 {
		if got := text(t, stream); got != "line" {
			t.Fatalf("got %q", got)
		}
	}
}

// shortDatagrams refuses long datagrams as a network without fragments does.
type shortDatagrams struct{ net.Conn }

func (c shortDatagrams) Write(datagram []byte) (int, error) {
	if len(datagram) > 400 {
		return 0, &net.OpError{Op: "write", Net: "udp", Err: unix.EMSGSIZE}
	}
	return c.Conn.Write(datagram)
}

// reportsClose reports that the connection is closed.
type reportsClose struct {
	net.Conn
	closed chan<- struct{}
}

func (c reportsClose) Close() error {
	select {
	case c.closed <- struct{}{}:
	default:
	}
	return c.Conn.Close()
}
