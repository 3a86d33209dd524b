// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package redirect

import (
	"errors"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/spec"
)

func noModules(string) error { return nil }

func TestEachPortOfARangeIsAnElement(t *testing.T) {
	redirects := []spec.Redirect{
		{Protocol: "tcp", Port: 8080, To: 80, Count: 1}, {Protocol: "udp", Port: 1, To: 2, Count: 1},
		{Protocol: "tcp", Port: 255, To: 65534, Count: 2},
	}
	var found [][]byte
	for _, element := range elements(redirects, "tcp") {
		found = append(found, append(element.Key, element.Val...))
	}
	want := [][]byte{{0x1f, 0x90, 0, 80}, {0, 255, 255, 254}, {1, 0, 255, 255}}
	if !slices.EqualFunc(found, want, slices.Equal) {
		t.Errorf("got %v, want %v", found, want)
	}
}

func TestAModuleThatCannotBeLoadedIsAFailure(t *testing.T) {
	err := Apply(nil, func(module string) error {
		if module == "nft_nat" {
			return errors.New("no such module")
		}
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "Ports cannot be redirected: no such module.") {
		t.Errorf("got %v", err)
	}
}

// enterNetwork gives the test a network of its own, with loopback.
func enterNetwork(t *testing.T) {
	t.Helper()
	// The thread ends with the test, since it is never unlocked.
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); errors.Is(err, unix.EPERM) {
		t.Skip("a network namespace requires root")
	} else if err != nil {
		t.Fatal(err)
	}
	connection, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := connection.ListTables(); err != nil {
		t.Skipf("the kernel of this machine has no nf_tables: %v", err)
	}
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetUp(loopback); err != nil {
		t.Fatal(err)
	}
}

func TestConnectionsGoToTheOtherPortOfTheirAddress(t *testing.T) {
	enterNetwork(t)
	redirects := []spec.Redirect{
		{Protocol: "tcp", Port: 8080, To: 80, Count: 2}, {Protocol: "tcp", Port: 10000, To: 20000, Count: spec.MaxRedirectedPorts - 3},
		{Protocol: "udp", Port: 53, To: 5353, Count: 1},
	}
	if err := Apply(redirects, noModules); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ network, listen, dial string }{
		{"tcp", "127.0.0.1:80", "127.0.0.1:8080"},
		{"tcp", "127.0.0.2:81", "127.0.0.2:8081"},
		{"tcp", "[::1]:80", "[::1]:8080"},
		{"tcp", "127.0.0.1:21020", "127.0.0.1:11020"},
		{"tcp", "127.0.0.1:5353", "127.0.0.1:5353"},
	} {
		listener, err := net.Listen(test.network, test.listen)
		if err != nil {
			t.Fatal(err)
		}
		client, err := net.DialTimeout(test.network, test.dial, time.Second)
		if err != nil {
			t.Fatalf("%v: %v", test, err)
		}
		server, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if server.RemoteAddr().String() != client.LocalAddr().String() {
			t.Errorf("%v: the server sees %v instead of %v", test, server.RemoteAddr(), client.LocalAddr())
		}
		for _, one := range []io.Closer{client, server, listener} {
			if err := one.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestAnswersToRedirectedDatagramsComeFromThePortThatWasAsked(t *testing.T) {
	enterNetwork(t)
	if err := Apply([]spec.Redirect{{Protocol: "udp", Port: 53, To: 5353, Count: 1}}, noModules); err != nil {
		t.Fatal(err)
	}
	server, err := net.ListenPacket("udp", "127.0.0.1:5353")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	client, err := net.Dial("udp", "127.0.0.1:53")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, deadline := range []func(time.Time) error{server.SetDeadline, client.SetDeadline} {
		if err := deadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.Write([]byte("question")); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 64)
	size, from, err := server.ReadFrom(buffer)
	if err != nil || string(buffer[:size]) != "question" {
		t.Fatalf("got %q, %v", buffer[:size], err)
	}
	if _, err := server.WriteTo([]byte("answer"), from); err != nil {
		t.Fatal(err)
	}
	// A connected socket receives only what comes from the address that it is connected to.
	if size, err = client.Read(buffer); err != nil || string(buffer[:size]) != "answer" {
		t.Errorf("got %q, %v", buffer[:size], err)
	}
}
