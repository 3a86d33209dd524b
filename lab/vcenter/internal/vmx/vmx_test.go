// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Tests with the guest's own port and with the library that the guest uses.

package vmx

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/toolbox"

	"gantry.invalid/guest/port"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// writeTo returns the function that the VMX writes to the port with.
func writeTo(port net.Conn) func([]byte) error {
	return func(line []byte) error {
		_, err := port.Write(line)
		return err
	}
}

// ignore is for errors of a port that the test has closed.
func ignore(error) {}

// world is a VM: its VMX, the port of its guest, and what the VMX has reported.
type world struct {
	t      *testing.T
	vmx    *VMX
	port   *port.Port
	events chan string
}

func newWorld(t *testing.T, values map[string]string) *world {
	t.Helper()
	hosts, guests := net.Pipe()
	w := &world{t: t, events: make(chan string, 100)}
	w.vmx = New(values, writeTo(hosts), w.reports(""), ignore)
	go func() { ignore(w.vmx.Serve(hosts, func(err error) { t.Error(err) })) }()
	w.port = port.New(guests, ignore)
	t.Cleanup(func() {
		hosts.Close()
		guests.Close()
	})
	return w
}

func (w *world) reports(prefix string) Events {
	return Events{
		Set: func(key, value string) { w.events <- fmt.Sprintf("%s%s=%s", prefix, key, value) },
		Guest: func(info machine.GuestInfo) {
			event := fmt.Sprintf("%sguest %s %v", prefix, info.Hostname, info.NICs)
			if info.Operations {
				event += " with guest operations"
			}
			w.events <- event
		},
	}
}

func (w *world) expect(want string) {
	w.t.Helper()
	select {
	case got := <-w.events:
		if got != want {
			w.t.Fatalf("event %q, want %q", got, want)
		}
	case <-time.After(10 * time.Second):
		w.t.Fatalf("no event, want %q", want)
	}
}

// rpci opens a channel for requests of the guest.
func (w *world) rpci() func(request string) string {
	w.t.Helper()
	channel := w.port.Channel(port.RPCI)
	if err := channel.Start(); err != nil {
		w.t.Fatal(err)
	}
	return func(request string) string {
		w.t.Helper()
		if err := channel.Send([]byte(request)); err != nil {
			w.t.Fatal(err)
		}
		reply, err := channel.Receive()
		if err != nil {
			w.t.Fatal(err)
		}
		return string(reply)
	}
}

func TestRequestsOfTheGuest(t *testing.T) {
	w := newWorld(t, map[string]string{machine.SpecKey: `{"a": 1}`})
	ask := w.rpci()
	for _, exchange := range []struct{ request, reply, event string }{
		{"info-get " + machine.SpecKey, `1 {"a": 1}`, ""},
		{"info-get guestinfo.none", "0 No value found", ""},
		{"info-set guestinfo.gantry.status {\"state\": \"running\"}", "1 ", `guestinfo.gantry.status={"state": "running"}`},
		{"info-get guestinfo.gantry.status", `1 {"state": "running"}`, ""},
		{"info-set gantry.id forged", "0 Permission denied", ""},
		{"tools.set.version 2147483647", "1 ", ""},
		{"tools.capability.statechange", "1 ", "guest  []"},
		{"SetGuestInfo  1 web", "1 ", "guest web []"},
		{"SetGuestInfo  9 \x00", "0 the network information is no XDR", ""},
		{"SetGuestInfo  3 \x00", "0 The lab keeps no guest information of this kind", ""},
		{"tools.os.statechange.status 1 1\x00", "1 ", ""},
		{"log hello", "0 Unknown command", ""},
		{"info-set guestinfo.big " + strings.Repeat("x", longestRequest), "0 Request too long", ""},
	} {
		reply := ask(exchange.request)
		if reply != exchange.reply && (exchange.reply[0] != '0' || !strings.HasPrefix(reply, exchange.reply)) {
			t.Errorf("%.40q: %q", exchange.request, reply)
		}
		if exchange.event != "" {
			w.expect(exchange.event)
		}
	}
	if len(w.events) > 0 {
		t.Errorf("also reported: %q", <-w.events)
	}
}

func TestTheGuestReadsWhatAClientSets(t *testing.T) {
	w := newWorld(t, map[string]string{"guestinfo.a": "old", "guestinfo.b": "old"})
	ask := w.rpci()
	w.vmx.SetInfo(map[string]string{"guestinfo.a": "new", "guestinfo.b": "", "guestinfo.c": "1"})
	for key, want := range map[string]string{"guestinfo.a": "1 new", "guestinfo.b": "0 No value found", "guestinfo.c": "1 1"} {
		if reply := ask("info-get " + key); reply != want {
			t.Errorf("%s: %q", key, reply)
		}
	}
	if len(w.events) > 0 {
		t.Errorf("reported: %q", <-w.events)
	}
}

func TestTheAddressesOfTheGuest(t *testing.T) {
	w := newWorld(t, nil)
	info := toolbox.NewGuestNicInfo()
	nic := toolbox.GuestNicV3{MacAddress: "00:50:56:00:00:01"}
	for _, address := range []string{"10.77.0.5/24", "fe80::250:56ff:fe00:1/64"} {
		ip, network, err := net.ParseCIDR(address)
		if err != nil {
			t.Fatal(err)
		}
		nic.AddIP(&net.IPNet{IP: ip, Mask: network.Mask})
	}
	info.V3.Nics = append(info.V3.Nics, nic, toolbox.GuestNicV3{MacAddress: "00:50:56:00:00:02"})
	encoded, err := toolbox.EncodeXDR(info)
	if err != nil {
		t.Fatal(err)
	}
	if reply := w.rpci()(string(toolbox.GuestInfoCommand(9, encoded))); reply != "1 " {
		t.Fatalf("got %q", reply)
	}
	w.expect("guest  [{00:50:56:00:00:01 [10.77.0.5/24 fe80::250:56ff:fe00:1/64]} {00:50:56:00:00:02 []}]")
}

// startTools starts the library's service, which the guest uses, with a handler of shutdown requests.
func (w *world) startTools() (halted chan struct{}) {
	w.t.Helper()
	service := toolbox.NewService(w.port.Channel(port.TCLO), w.port.Channel(port.RPCI))
	halted = make(chan struct{}, 10)
	service.Power.Halt.Handler = func() error {
		halted <- struct{}{}
		return nil
	}
	service.RegisterHandler("Time_Synchronize", func([]byte) ([]byte, error) {
		w.events <- "clock"
		return nil, nil
	})
	if err := service.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(service.Stop)
	return halted
}

// awaitTools waits until the tools have registered themselves. They also report the addresses of the machine that tests run on.
func (w *world) awaitTools() {
	w.t.Helper()
	deadline := time.After(10 * time.Second)
	for !w.vmx.CanShutDown() {
		select {
		case <-deadline:
			w.t.Fatal("the tools have not registered themselves")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestTheToolsRegisterThemselvesAndAreAsked(t *testing.T) {
	w := newWorld(t, nil)
	halted := w.startTools()
	w.awaitTools()
	if beat := w.vmx.Heartbeat(); time.Since(beat) > 5*time.Second {
		t.Errorf("the last heartbeat was at %s", beat)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for command, want := range map[string]string{"ping": "OK ", "Set_Power_Policy 1": "Unknown Command"} {
		if answer, err := w.vmx.Request(ctx, command); err != nil || answer != want {
			t.Errorf("%s: %q, %v", command, answer, err)
		}
	}
	w.vmx.Ask(Halt)
	select {
	case <-halted:
	case <-ctx.Done():
		t.Error("the guest was not halted")
	}
}

func TestARequestIsRepeatedAfterAReset(t *testing.T) {
	w := newWorld(t, nil)
	tclo := w.port.Channel(port.TCLO)
	open := func() {
		t.Helper()
		if err := tclo.Start(); err != nil {
			t.Fatal(err)
		}
	}
	next := func(want string) {
		t.Helper()
		request, err := tclo.Receive()
		if err != nil || string(request) != want {
			t.Fatalf("the request is %q, %v; want %q", request, err, want)
		}
	}
	answer := func() {
		t.Helper()
		if err := tclo.Send([]byte("OK ")); err != nil {
			t.Fatal(err)
		}
	}
	greet := func() {
		t.Helper()
		for _, want := range greeting {
			next(want)
			answer()
		}
	}
	reset := func() {
		t.Helper()
		w.vmx.Reset()
		w.expect("guest  []")
		if _, err := tclo.Receive(); err == nil {
			t.Error("the channel was not closed")
		}
		if err := tclo.Stop(); err != nil {
			t.Fatal(err)
		}
		open()
	}
	open()
	greet()
	if reply := w.rpci()("tools.capability.statechange"); reply != "1 " {
		t.Fatal(reply)
	}
	w.expect("guest  []")
	w.vmx.Ask(Halt)
	w.vmx.Ask("ping")
	next(Halt) // and the VM is moved before the answer
	reset()
	next(greeting[0]) // and it is moved again
	reset()
	greet()
	for _, want := range []string{Halt, "ping", SynchronizeTime, SynchronizeTime} {
		next(want)
		answer()
	}
}

func TestARequestThatIsNotAnsweredIsWithdrawn(t *testing.T) {
	w := newWorld(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if answer, err := w.vmx.Request(ctx, QuiesceStart); err == nil || !strings.Contains(err.Error(), "do not answer") {
		t.Errorf("got %q, %v", answer, err)
	}
	if len(w.vmx.queue) > 0 {
		t.Error("it is still in the queue")
	}
}

func TestAClosedChannelIsClosedForTheGuest(t *testing.T) {
	w := newWorld(t, nil)
	channel := w.port.Channel(port.RPCI)
	if err := channel.Start(); err != nil {
		t.Fatal(err)
	}
	w.vmx.mu.Lock()
	w.vmx.channels = map[uint32]string{} // the reset was lost with the process that the VM has left
	w.vmx.mu.Unlock()
	if err := channel.Send([]byte("info-get x")); err != nil {
		t.Fatal(err)
	}
	if reply, err := channel.Receive(); err == nil {
		t.Errorf("got %q", reply)
	}
	if err := w.port.Channel("VSOCK").Start(); err == nil {
		t.Error("a channel of an unknown protocol was opened")
	}
}

func TestTheTimeOfTheHost(t *testing.T) {
	w := newWorld(t, nil)
	now, err := w.port.HostTime()
	if err != nil || time.Since(now).Abs() > 5*time.Second {
		t.Errorf("got %s, %v", now, err)
	}
}

func TestAForkHasItsOwnValuesAndTheSameTools(t *testing.T) {
	w := newWorld(t, map[string]string{machine.SpecKey: "x"})
	ask := w.rpci()
	ask("tools.capability.statechange")
	w.expect("guest  []")
	ask("info-set guestinfo.a b")
	w.expect("guestinfo.a=b")
	hosts, guests := net.Pipe()
	defer guests.Close()
	defer hosts.Close()
	forked := w.vmx.Fork(map[string]string{"guestinfo.a": "twin"}, writeTo(hosts), w.reports("fork "), ignore)
	go func() { ignore(forked.Serve(hosts, func(err error) { t.Error(err) })) }()
	if !forked.CanShutDown() {
		t.Error("its tools are not known")
	}
	copied := &world{t: t, vmx: forked, port: port.New(guests, ignore)}
	askCopy := copied.rpci()
	if got := askCopy("info-get guestinfo.a"); got != "1 twin" {
		t.Errorf("it has %q", got)
	}
	askCopy("info-set guestinfo.a c")
	w.expect("fork guestinfo.a=c")
	if got := ask("info-get guestinfo.a"); got != "1 b" {
		t.Errorf("the source has %q", got)
	}
}
