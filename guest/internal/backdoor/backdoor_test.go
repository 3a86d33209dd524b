// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Tests of the backdoor's code by an emulation of the port. This program is both the tracer and the traced process.

package backdoor

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/tools"
)

// role is the variable with what the traced process does.
const role = "GANTRY_BACKDOOR_ROLE"

const (
	guestRole = "guest"
	wordsRole = "guest by words"
)

func TestMain(m *testing.M) {
	roles := map[string]func() error{
		guestRole:      func() error { return runGuest(30_000) },
		wordsRole:      func() error { return runGuest(300) }, // each word is a stop of the tracer
		"other thread": runOnAnotherThread,
	}
	if run, traced := roles[os.Getenv(role)]; traced {
		if err := run(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// runGuest uses the backdoor as init does, from many threads, until the host halts it. longest is the length of the longest value.
func runGuest(longest int) error {
	door, err := Open()
	if err != nil {
		return err
	}
	rpci, err := tools.OpenRPCI(door.RPCI())
	if err != nil {
		return err
	}
	var threads sync.WaitGroup
	results := make(chan error, 10)
	for number := range 10 {
		threads.Go(func() {
			runtime.LockOSThread() // never unlocked: each goroutine has a thread of its own
			results <- useGuestInfo(rpci, number, longest)
		})
	}
	threads.Wait()
	close(results)
	for err := range results {
		if err != nil {
			return err
		}
	}
	now, err := door.HostTime()
	if err != nil || time.Since(now).Abs() > 10*time.Second {
		return fmt.Errorf("the time of the host is %s, %w", now, err)
	}
	halted := make(chan struct{})
	nothing := func() {}
	err = tools.Start(door.TCLO(), rpci, tools.Handlers{
		Halt: func() { close(halted) }, Reboot: nothing, Announce: nothing, Clock: tools.NewClock(door.HostTime, func(string, ...any) {}),
	})
	if err != nil {
		return err
	}
	select {
	case <-halted:
		time.Sleep(500 * time.Millisecond) // the answer
		return nil
	case <-time.After(30 * time.Second):
		return errors.New("the host has not halted it")
	}
}

// useGuestInfo sets and reads values of all lengths around a word, and a long one.
func useGuestInfo(rpci *tools.RPCI, number, longest int) error {
	for _, length := range []int{0, 1, 2, 3, 4, 5, 6, 7, longest} {
		key, value := fmt.Sprintf("guestinfo.t%d", number), strings.Repeat("abcdefg", length)[:length]
		if _, err := rpci.Request([]byte("info-set " + key + " " + value)); err != nil {
			return err
		}
		got, err := rpci.Request([]byte("info-get " + key))
		if err != nil || string(got) != value {
			return fmt.Errorf("%d bytes came back as %d: %w", length, len(got), err)
		}
	}
	return nil
}

// runOnAnotherThread uses a channel on a thread that has no permission.
func runOnAnotherThread() error {
	work := make(chan func())
	ready := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		close(ready)
		(<-work)()
	}()
	<-ready
	if _, err := Open(); err != nil {
		return err
	}
	done := make(chan error)
	work <- func() { done <- (&messages{protocol: rpciProtocol}).Start() }
	return <-done
}

// trace runs this program in a role, and returns how it ended and what it wrote.
func trace(t *testing.T, hypervisor *emulator, as string) (unix.WaitStatus, string) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	output, err := os.Create(t.TempDir() + "/output")
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	command := exec.Command("/proc/self/exe")
	if command.Path, err = os.Executable(); err != nil {
		t.Fatal(err)
	}
	command.Env = append(os.Environ(), role+"="+as)
	command.Stdout, command.Stderr = output, output
	status, err := hypervisor.run(command)
	if errors.Is(err, unix.EPERM) {
		t.Skip("processes cannot be traced here")
	}
	if err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(output.Name())
	if err != nil {
		t.Fatal(err)
	}
	return status, string(written)
}

// keeper is the VMX: it keeps guestinfo.* keys.
type keeper map[string]string

func (k keeper) answer(request string) string {
	command, rest, _ := strings.Cut(request, " ")
	switch command {
	case "info-set":
		key, value, _ := strings.Cut(rest, " ")
		k[key] = value
	case "info-get":
		return "1 " + k[rest]
	}
	return "1 "
}

func TestTheGuestUsesTheBackdoorFromAnyThread(t *testing.T) {
	expectUse(t, &emulator{checkAt: 100})
}

func TestPayloadsAreTransferredByWords(t *testing.T) {
	expectUse(t, &emulator{checkAt: 100, byWords: true})
}

func TestATransferByWordsBeginsAgainAfterAMove(t *testing.T) {
	for _, subcommand := range []uint16{messageSendPayload, messageReceivePayload} {
		hypervisor := &emulator{byWords: true, breakOff: subcommand}
		expectUse(t, hypervisor)
		if hypervisor.breakOff != 0 {
			t.Errorf("no transfer was broken off at the subcommand %d", subcommand)
		}
	}
}

// expectUse has the guest use the hypervisor, and checks what both have received.
func expectUse(t *testing.T, hypervisor *emulator) {
	t.Helper()
	values := keeper{}
	hypervisor.answer, hypervisor.requests = values.answer, []string{"reset", "ping", "OS_Halt"}
	as := guestRole
	if hypervisor.byWords {
		as = wordsRole
	}
	status, output := trace(t, hypervisor, as)
	if !status.Exited() || status.ExitStatus() != 0 {
		t.Fatalf("it ended with %#x: %s", status, output)
	}
	if want := []string{"OK ATR toolbox", "OK ", "OK "}; !slices.Equal(hypervisor.answers, want) {
		t.Errorf("the answers are %q", hypervisor.answers)
	}
	if hypervisor.handled < 180 || len(values) != 10 {
		t.Errorf("%d requests, %d keys", hypervisor.handled, len(values))
	}
}

// The emulation is as strict as Linux: the test above could fail.
func TestAnotherThreadIsKilled(t *testing.T) {
	status, output := trace(t, &emulator{answer: keeper{}.answer}, "other thread")
	if status.Exited() && status.ExitStatus() == 0 || !strings.Contains(output, "SIGSEGV") {
		t.Errorf("it ended with %#x: %s", status, output)
	}
}
