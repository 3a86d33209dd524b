// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package tools

import (
	"errors"
	"strings"
	"testing"
)

// breaking is a channel of a host that closes it, as at a move: a number of sends and then of receives fail.
type breaking struct {
	sends, receives, starts int
	sent                    []string
	reply                   string
}

var errMoved = errors.New("closed")

func (b *breaking) Start() error { b.starts++; return nil }

func (b *breaking) Stop() error { return nil }

func (b *breaking) Send(message []byte) error {
	if b.sends > 0 {
		b.sends--
		return errMoved
	}
	b.sent = append(b.sent, string(message))
	return nil
}

func (b *breaking) Receive() ([]byte, error) {
	if b.receives > 0 {
		b.receives--
		return nil, errMoved
	}
	return []byte(b.reply), nil
}

func request(t *testing.T, channel *breaking) (string, error) {
	t.Helper()
	rpci, err := OpenRPCI(channel)
	if err != nil {
		t.Fatal(err)
	}
	value, err := rpci.Request([]byte("info-set k v"))
	return string(value), err
}

func TestARequestIsRepeatedOnANewChannel(t *testing.T) {
	for name, channel := range map[string]*breaking{
		"closed before": {sends: 1, reply: "1 "}, "closed meanwhile": {receives: 1, reply: "1 "}, "twice": {sends: 1, receives: 1, reply: "1 "},
	} {
		failures := channel.sends + channel.receives
		if _, err := request(t, channel); err != nil || channel.starts != 1+failures {
			t.Errorf("%s: %v after %d starts", name, err, channel.starts)
		}
	}
}

func TestAChannelThatStaysClosedIsAnError(t *testing.T) {
	if _, err := request(t, &breaking{sends: 100}); !errors.Is(err, errMoved) {
		t.Errorf("got %v", err)
	}
}

func TestTheReplyIsTheValueOrARefusal(t *testing.T) {
	for reply, want := range map[string]string{"1 a b": "a b", "1": "", "1 ": ""} {
		if got, err := request(t, &breaking{reply: reply}); err != nil || got != want {
			t.Errorf("%q gives %q, %v", reply, got, err)
		}
	}
	_, err := request(t, &breaking{reply: "0 No value found"})
	if err == nil || !strings.Contains(err.Error(), "refused info-set") || !strings.Contains(err.Error(), "No value found") {
		t.Errorf("got %v", err)
	}
}

func TestAClosedTCLOChannelIsOpenedAgainWithoutTheOldReply(t *testing.T) {
	channel := &breaking{sends: 1}
	if err := (reopening{channel}).Send([]byte("OK ")); err != nil || channel.starts != 1 || len(channel.sent) != 1 || channel.sent[0] != "" {
		t.Errorf("%v; %d starts, sent %q", err, channel.starts, channel.sent)
	}
}
