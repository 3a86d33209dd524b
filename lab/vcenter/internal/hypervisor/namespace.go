// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The network namespace of the lab. Everything that a guest can reach is in it; the network of the host is not changed.

package hypervisor

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

const namespaceDir = "/run/netns"

type namespace struct {
	name string
}

// createNamespace creates the namespace. It fails if the namespace exists: the controller removes leftovers before it starts
// the lab.
func createNamespace(name string) (*namespace, error) {
	if err := runIP("", "netns", "add", name); err != nil {
		return nil, err
	}
	ns := &namespace{name: name}
	if err := ns.batch([]string{"link set lo up"}); err != nil {
		return nil, errors.Join(err, ns.remove())
	}
	return ns, nil
}

func (ns *namespace) addBridge(b bridge) error {
	return ns.batch([]string{
		"link add " + b.name + " address " + b.hardwareAddress() + " type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
		fmt.Sprintf("addr add %s/%d dev %s", b.gateway, b.subnet.Bits(), b.name),
		"link set " + b.name + " up"})
}

// addTap creates a tap interface on a bridge.
func (ns *namespace) addTap(tap string, b bridge) error {
	return ns.batch([]string{
		"tuntap add dev " + tap + " mode tap",
		"link set " + tap + " master " + b.name + " up",
	})
}

// moveTap connects a tap interface to another bridge.
func (ns *namespace) moveTap(tap string, b bridge) error {
	return ns.batch([]string{"link set " + tap + " master " + b.name})
}

// bindTap blocks frames from other addresses: the guest of a fork starts with the address of its source's adapter and would
// send frames with it. (A port group that rejects forged transmits does the same.)
func (ns *namespace) bindTap(tap, mac string) error {
	if err := ns.batch([]string{"link set " + tap + " type bridge_slave learning off locked on"}); err != nil {
		return err
	}
	return runProgram("bridge", "", "-netns", ns.name, "fdb", "replace", mac, "dev", tap, "master", "static")
}

func (ns *namespace) removeTap(tap string) error {
	return ns.batch([]string{"link del " + tap})
}

func (ns *namespace) remove() error {
	return runIP("", "netns", "del", ns.name)
}

// batch runs several ip commands in the namespace in one process.
func (ns *namespace) batch(commands []string) error {
	return runIP(strings.Join(commands, "\n")+"\n", "-netns", ns.name, "-batch", "-")
}

// enter moves the calling OS thread into the namespace. The caller must have locked its goroutine to the thread and must
// never unlock it, so that no other goroutine runs in the namespace.
func (ns *namespace) enter() error {
	file, err := os.Open(filepath.Join(namespaceDir, ns.name))
	if err != nil {
		return fmt.Errorf("network namespace: %w", err)
	}
	defer file.Close()
	if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter network namespace %s: %w", ns.name, err)
	}
	return nil
}

// do runs f on a new thread inside the namespace. The thread ends afterwards.
func (ns *namespace) do(f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if err := ns.enter(); err != nil {
			result <- err
			return
		}
		result <- f()
	}()
	return <-result
}

func runIP(input string, arguments ...string) error {
	return runProgram("ip", input, arguments...)
}

func runProgram(program, input string, arguments ...string) error {
	command := exec.Command(program, arguments...)
	command.Stdin = strings.NewReader(input)
	output, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", program, strings.Join(arguments, " "), err, bytes.TrimSpace(output))
	}
	return nil
}
