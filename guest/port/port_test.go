// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package port

import (
	"bytes"
	"errors"
	"net"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// readAll returns the frames of a stream, with nil for each invalid line.
func readAll(t *testing.T, stream string) (got []*Frame) {
	t.Helper()
	// A stream may deliver single bytes.
	err := Read(iotest.OneByteReader(strings.NewReader(stream)), func(f Frame) { got = append(got, &f) }, func(error) { got = append(got, nil) })
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestFramesCarryAnyBytes(t *testing.T) {
	all := make([]byte, 256)
	for value := range all {
		all[value] = byte(value)
	}
	frames := []*Frame{{Open, 1, []byte(TCLO)}, {Message, 4294967295, all}, {Poll, 2, []byte{}}, {Message, 3, bytes.Repeat([]byte{0}, 1<<20)}}
	stream := ""
	for _, frame := range frames {
		line := frame.Encode()
		if bytes.IndexByte(line, 0) >= 0 || bytes.Count(line, []byte("\n")) != 2 {
			t.Errorf("%c: %d bytes with a NUL or a newline", frame.Kind, len(line))
		}
		stream += string(line)
	}
	if got := readAll(t, stream); !reflect.DeepEqual(got, frames) {
		t.Errorf("got %d frames", len(got))
	}
}

func TestInvalidLinesAreReportedAndSkipped(t *testing.T) {
	good := &Frame{Message, 7, []byte("info-get x")}
	for name, bad := range map[string]string{
		"firmware":       "\x1b[2J\x1b[01;01HBdsDxe: starting Boot0001\r\n",
		"cut off":        "\nM 7 10 info-g",
		"too long":       "\nM 7 3 info-get x\n",
		"no payload":     "\nM 7 0\n",
		"an odd channel": "\nM x 1 a\n",
		"an odd escape":  "\nM 7 1 \\x\n",
		"half an escape": "\nM 7 1 \\\n",
		"endless":        "\nM 7 9 " + strings.Repeat("x", longestLine) + "\n",
	} {
		want := []*Frame{good, nil, good}
		if got := readAll(t, string(good.Encode())+bad+string(good.Encode())); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestAnUnfinishedLastLineIsDropped(t *testing.T) {
	if got := readAll(t, "\nM 7 10 info-get x"); got != nil {
		t.Errorf("got %v", got)
	}
}

func TestABrokenStreamIsAnError(t *testing.T) {
	broken := errors.New("broken")
	if err := Read(iotest.ErrReader(broken), nil, nil); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// host is the other end of the port: it records what it receives, and answers what the test wants.
type host struct {
	t      *testing.T
	stream net.Conn
	frames chan Frame
}

func newHost(t *testing.T) (*host, *Port) {
	t.Helper()
	guests, hosts := net.Pipe()
	h := &host{t, hosts, make(chan Frame, 100)}
	go func() { _ = Read(hosts, func(f Frame) { h.frames <- f }, func(err error) { t.Error(err) }) }()
	t.Cleanup(func() {
		hosts.Close()
		guests.Close()
	})
	return h, New(guests, func(err error) { t.Log(err) })
}

func (h *host) expect(kind Kind, payload string) Frame {
	h.t.Helper()
	select {
	case frame := <-h.frames:
		if frame.Kind != kind || string(frame.Payload) != payload {
			h.t.Fatalf("the host got %c %q, want %c %q", frame.Kind, frame.Payload, kind, payload)
		}
		return frame
	case <-time.After(10 * time.Second):
		h.t.Fatalf("the host got nothing, want %c %q", kind, payload)
		return Frame{}
	}
}

func (h *host) send(kind Kind, channel uint32, payload string) {
	h.t.Helper()
	if _, err := h.stream.Write((Frame{kind, channel, []byte(payload)}).Encode()); err != nil {
		h.t.Fatal(err)
	}
}

// open opens a channel and returns its number.
func (h *host) open(channel *Channel, protocol string) uint32 {
	h.t.Helper()
	opened := make(chan error)
	go func() { opened <- channel.Start() }()
	number := h.expect(Open, protocol).Channel
	h.send(Open, number, "")
	if err := <-opened; err != nil {
		h.t.Fatal(err)
	}
	return number
}

func TestRequestsOfBothSides(t *testing.T) {
	h, port := newHost(t)
	rpci, tclo := port.Channel(RPCI), port.Channel(TCLO)
	first, second := h.open(rpci, RPCI), h.open(tclo, TCLO)
	if err := rpci.Send([]byte("info-get x")); err != nil {
		t.Fatal(err)
	}
	h.expect(Message, "info-get x")
	h.send(Message, first, "1 y")
	if reply, err := rpci.Receive(); err != nil || string(reply) != "1 y" {
		t.Errorf("the reply is %q, %v", reply, err)
	}
	if err := tclo.Send(nil); err != nil {
		t.Fatal(err)
	}
	h.expect(Poll, "")
	if request, err := tclo.Receive(); err != nil || request != nil {
		t.Errorf("without a request: %q, %v", request, err)
	}
	h.send(Message, second, "ping")
	if request, err := tclo.Receive(); err != nil || string(request) != "ping" {
		t.Errorf("the request is %q, %v", request, err)
	}
	if err := tclo.Send([]byte("OK ")); err != nil {
		t.Fatal(err)
	}
	h.expect(Message, "OK ")
}

func TestTheHostClosesAChannelInTheMiddleOfARequest(t *testing.T) {
	for _, closed := range []uint32{AllChannels, 1} {
		h, port := newHost(t)
		rpci := port.Channel(RPCI)
		number := h.open(rpci, RPCI)
		if err := rpci.Send([]byte("info-set k v")); err != nil {
			t.Fatal(err)
		}
		h.expect(Message, "info-set k v")
		// The host is moved in the middle of its reply.
		if _, err := h.stream.Write((Frame{Message, number, []byte("1 value")}).Encode()[:9]); err != nil {
			t.Fatal(err)
		}
		h.send(Closed, closed, "")
		if _, err := rpci.Receive(); !errors.Is(err, errClosed) {
			t.Errorf("got %v", err)
		}
		if err := rpci.Send([]byte("info-set k v")); !errors.Is(err, errClosed) {
			t.Errorf("got %v", err)
		}
		if again := h.open(rpci, RPCI); again == number {
			t.Error("the new channel has the number of the old one")
		}
	}
}

func TestAStoppedChannelIsClosedAtTheHost(t *testing.T) {
	h, port := newHost(t)
	rpci := port.Channel(RPCI)
	h.open(rpci, RPCI)
	for range 2 {
		if err := rpci.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	h.expect(Closed, "")
	if err := rpci.Send(nil); !errors.Is(err, errClosed) {
		t.Errorf("got %v", err)
	}
}

func TestTheTimeOfTheHost(t *testing.T) {
	h, port := newHost(t)
	answer := make(chan time.Time)
	go func() {
		now, err := port.HostTime()
		if err != nil {
			t.Error(err)
		}
		answer <- now
	}()
	h.expect(Time, "")
	h.send(Time, 0, "1800000000000000001")
	if got := <-answer; got.UnixNano() != 1800000000000000001 {
		t.Errorf("got %s", got)
	}
}

func TestAPortThatEndsIsAnError(t *testing.T) {
	h, port := newHost(t)
	rpci := port.Channel(RPCI)
	h.open(rpci, RPCI)
	h.stream.Close()
	if _, err := rpci.Receive(); !errors.Is(err, errNoAnswer) {
		t.Errorf("got %v", err)
	}
	if err := port.Channel(TCLO).Start(); err == nil {
		t.Error("a channel was opened")
	}
}
