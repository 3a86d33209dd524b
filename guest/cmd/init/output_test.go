// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"slices"
	"testing"
)

func TestOutputIsReadInTheOrderInWhichItWasWritten(t *testing.T) {
	for _, order := range [][2]int{{0, 1}, {1, 0}} {
		streams, err := openOutputs()
		if err != nil {
			t.Fatal(err)
		}
		// All is written before any of it is read.
		for _, index := range order {
			if _, err := fmt.Fprintf(streams.write[index], "line of %d\n", index); err != nil {
				t.Fatal(err)
			}
		}
		if err := streams.closeWrite(); err != nil {
			t.Fatal(err)
		}
		var found []string
		if err := streams.copy(func(index int, piece []byte) { found = append(found, fmt.Sprintf("%d %s", index, piece)) }); err != nil {
			t.Fatal(err)
		}
		want := []string{fmt.Sprintf("%d line of %[1]d\n", order[0]), fmt.Sprintf("%d line of %[1]d\n", order[1])}
		slices.Sort(found[2:])
		if !slices.Equal(found[:2], want) || !slices.Equal(found[2:], []string{"0 ", "1 "}) {
			t.Errorf("%v: got %q", order, found)
		}
		if err := streams.close(); err != nil {
			t.Error(err)
		}
	}
}

func TestAStreamThatEndsFirstDoesNotEndTheOther(t *testing.T) {
	streams, err := openOutputs()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan int)
	var found []byte
	go func() {
		if err := streams.copy(func(index int, piece []byte) {
			found = append(found, piece...)
			if len(piece) == 0 {
				ended <- index
			}
		}); err != nil {
			t.Error(err)
		}
		close(ended)
	}()
	if err := streams.write[1].Close(); err != nil {
		t.Fatal(err)
	}
	if index := <-ended; index != 1 {
		t.Errorf("stream %d ended", index)
	}
	if _, err := streams.write[0].WriteString("still here"); err != nil {
		t.Fatal(err)
	}
	if err := streams.write[0].Close(); err != nil {
		t.Fatal(err)
	}
	if index := <-ended; index != 0 {
		t.Errorf("stream %d ended", index)
	}
	<-ended
	if string(found) != "still here" {
		t.Errorf("got %q", found)
	}
	if err := streams.close(); err != nil {
		t.Error(err)
	}
}
