// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package hypervisor

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// readAll returns the messages and the errors of a stream, in order.
func readAll(t *testing.T, stream io.Reader) (got []string) {
	t.Helper()
	err := readGuest(stream,
		func(m guestMessage) {
			if m.Guest != nil {
				got = append(got, fmt.Sprint("guest ", *m.Guest))
			} else {
				got = append(got, fmt.Sprint("set ", m.Set))
			}
		},
		func(err error) { got = append(got, "garbled") })
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestGuestMessagesArePassedOnInOrder(t *testing.T) {
	stream := `{"set":{"guestinfo.gantry.status":"one"}}` + "\n" +
		`{"guest":{"hostname":"web","nics":[{"mac":"m","addresses":["10.0.0.5/24"]}]}}` + "\n" +
		`{"set":{"guestinfo.gantry.log":"bG9n"}}` + "\r\n"
	want := []string{"set map[guestinfo.gantry.status:one]", "guest {web [{m [10.0.0.5/24]}]}", "set map[guestinfo.gantry.log:bG9n]"}
	// A serial line delivers single bytes.
	if got := readAll(t, iotest.OneByteReader(strings.NewReader(stream))); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestInvalidLinesAreReportedAndSkipped(t *testing.T) {
	good := `{"set":{"guestinfo.a":"b"}}` + "\n"
	for name, bad := range map[string]string{
		"no JSON":               "[    0.1] a kernel message\n",
		"neither set nor guest": "{}\n",
		"both":                  `{"set":{"guestinfo.a":"b"},"guest":{}}` + "\n",
		"a key of the host's":   `{"set":{"gantry.id":"forged"}}` + "\n",
		"a mixed set":           `{"set":{"guestinfo.a":"b","gantry.hash":"x"}}` + "\n",
		"longer than the bound": `{"set":{"guestinfo.a":"` + strings.Repeat("x", 3*longestLine) + `"}}` + "\n",
		"not text":              "\x00\xff\xfe\n",
	} {
		want := []string{"set map[guestinfo.a:b]", "garbled", "set map[guestinfo.a:b]"}
		if got := readAll(t, strings.NewReader(good+bad+good)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestFirmwareOutputBeforeTheFirstMessageIsIgnored(t *testing.T) {
	stream := "\x1b[2J\x1b[01;01HBdsDxe: starting Boot0001\r\n\x1b[0mWelcome to GRUB!" + `{"set":{"guestinfo.a":"b"}}` + "\n"
	want := []string{"garbled", "set map[guestinfo.a:b]"}
	if got := readAll(t, strings.NewReader(stream)); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestUnfinishedLastLineIsDropped(t *testing.T) {
	if got := readAll(t, strings.NewReader(`{"set":{"guestinfo.a":"b"}}`)); got != nil {
		t.Errorf("got %q", got)
	}
}

func TestBrokenStreamIsAnError(t *testing.T) {
	broken := errors.New("broken")
	if err := readGuest(iotest.ErrReader(broken), nil, nil); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
