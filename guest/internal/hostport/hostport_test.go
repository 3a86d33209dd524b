// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package hostport

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const name = "gantry.test"

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// newFinder returns a finder of a machine with a disk, and with a virtio console if it is to have one.
func newFinder(t *testing.T, hasConsole bool) (finder Finder, wake chan struct{}) {
	t.Helper()
	wake = make(chan struct{}, 1)
	finder = Finder{Sys: t.TempDir(), Dev: t.TempDir(), Wake: wake}
	write(t, filepath.Join(finder.Sys, "bus/virtio/devices/virtio0/device"), "0x0002\n")
	if hasConsole {
		write(t, filepath.Join(finder.Sys, "bus/virtio/devices/virtio1/device"), "0x0003\n")
	}
	return finder, wake
}

func addPort(t *testing.T, finder Finder, device, name string) {
	t.Helper()
	write(t, filepath.Join(finder.Dev, device), "")
	write(t, filepath.Join(finder.Sys, "class/virtio-ports", device, "name"), name+"\n")
}

func TestAPortIsFoundByItsName(t *testing.T) {
	finder, _ := newFinder(t, true)
	addPort(t, finder, "vport1p1", "org.other")
	addPort(t, finder, "vport1p2", name)
	port, err := finder.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	if filepath.Base(port.Name()) != "vport1p2" {
		t.Errorf("opened %s", port.Name())
	}
}

func TestAPortThatAppearsLaterIsAwaited(t *testing.T) {
	finder, wake := newFinder(t, true)
	addPort(t, finder, "vport1p1", "org.other")
	wake <- struct{}{} // another port has appeared
	opened := make(chan error, 1)
	go func() {
		port, err := finder.Open(name)
		if err == nil {
			err = port.Close()
		}
		opened <- err
	}()
	for len(wake) > 0 { // until the finder has looked, and waits
		time.Sleep(time.Millisecond)
	}
	addPort(t, finder, "vport1p2", name)
	wake <- struct{}{}
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

func TestAMachineWithoutSuchPortsIsAnErrorAtOnce(t *testing.T) {
	finder, _ := newFinder(t, false)
	if _, err := finder.Open(name); !errors.Is(err, errNoDevice) {
		t.Errorf("got %v", err)
	}
}

func TestAPortIsConnectedUntilTheHostHangsUp(t *testing.T) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(ends[0])
	if connected, err := isConnected(ends[0]); !connected || err != nil {
		t.Errorf("with a host: %v, %v", connected, err)
	}
	if err := unix.Close(ends[1]); err != nil {
		t.Fatal(err)
	}
	if connected, err := isConnected(ends[0]); connected || err != nil {
		t.Errorf("without a host: %v, %v", connected, err)
	}
}
