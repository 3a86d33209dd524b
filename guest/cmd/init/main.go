// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Command init is the first process of a container VM: it reads the spec, prepares the machine, runs the container, reports,
// and powers the machine off.
package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/process"
)

// version is set by the build.
var version = "unknown"

func main() {
	if os.Args[0] == process.ChildName {
		process.RunChild()
	}
	if os.Args[0] == process.FirstName {
		process.RunFirst()
	}
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "init: this is the first process of a container VM; it does nothing elsewhere")
		os.Exit(2)
	}
	console := newConsole(os.Stdout)
	console.logf("gantry %s", version)
	machine, err := setUp(console)
	if err != nil {
		// There is no channel to the host, so the error is only shown on the console.
		console.logf("cannot set up the machine: %v", err)
		turnOff(console, unix.LINUX_REBOOT_CMD_POWER_OFF)
	}
	outcome := machine.run()
	machine.stop.containerEnded()
	machine.report(outcome)
	machine.release()
	machine.keepEnd()
	machine.linger()
	turnOff(console, machine.stop.command())
}

// syncPatience is how long turnOff waits for the disks. They are unmounted by then, unless something has failed.
const syncPatience = time.Minute

// synchronize writes what is in memory. It does not wait for an NFS server that does not answer.
func synchronize(console *console) {
	done := make(chan struct{})
	go func() {
		unix.Sync()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(syncPatience):
		console.logf("sync: not finished after %v", syncPatience)
	}
}

// turnOff powers off or restarts the VM, and does not return.
func turnOff(console *console, command int) {
	console.drain()
	synchronize(console)
	if err := unix.Reboot(command); err != nil {
		console.logf("reboot: %v", err)
	}
	for {
		time.Sleep(time.Hour)
	}
}
