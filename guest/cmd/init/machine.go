// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/disks"
	"gantry.invalid/guest/internal/follow"
	"gantry.invalid/guest/internal/modules"
	"gantry.invalid/guest/internal/network"
	"gantry.invalid/guest/internal/power"
	"gantry.invalid/guest/internal/process"
	"gantry.invalid/guest/internal/report"
	"gantry.invalid/guest/internal/resolver"
	"gantry.invalid/guest/internal/rootfs"
	"gantry.invalid/guest/internal/spec"
	"gantry.invalid/guest/internal/uevent"
	"gantry.invalid/guest/logbuf"
)

const modulesDirectory = "/lib/modules"

// machine is the VM around the container.
type machine struct {
	console     *console
	hub         *uevent.Hub
	modules     *modules.Loader
	hostChannel hostChannel
	reporter    *report.Reporter
	reaper      *process.Reaper
	stop        *stopper
	operations  *operations
	// resolver answers DNS. It is nil unless the container finds others by name.
	resolver *resolver.Server
	// lastOutput returns the end of the container's output. It is nil until the log exists.
	lastOutput func() (logbuf.Page, error)
	// output is the end of the container's output, as it was published last.
	output []byte
	// follower has the document, with the changes that are made while the container runs. It is nil until the document is read.
	follower *follow.Follower[*spec.Spec]
	// contents has the contents of the container's files. It is nil until the document is read.
	contents *contents
	// kept is the record on the scratch disk. It is nil until the disk is mounted.
	kept *keptRecord
	// hostname is what was announced. It is empty until the network is configured.
	hostname atomic.Value
}

// setUp prepares everything that is needed to read the spec: kernel file systems, drivers, the channel to the host and the
// handling of stop requests.
func setUp(console *console) (*machine, error) {
	for _, entry := range []struct{ kind, where, options string }{
		{"proc", "/proc", ""}, {"sysfs", "/sys", ""}, {"devtmpfs", "/dev", ""}, {"tmpfs", "/run", "mode=755"},
		{"cgroup2", "/sys/fs/cgroup", ""},
	} {
		if err := os.MkdirAll(entry.where, 0o755); err != nil {
			return nil, err
		}
		if err := unix.Mount(entry.kind, entry.where, entry.kind, 0, entry.options); err != nil {
			return nil, fmt.Errorf("mount %s: %w", entry.where, err)
		}
	}
	// If memory runs out, the kernel must kill the container and not init.
	if err := os.WriteFile("/proc/self/oom_score_adj", []byte("-1000"), 0); err != nil {
		return nil, err
	}
	if err := liftLimits(); err != nil {
		return nil, err
	}
	hub, err := uevent.Listen()
	if err != nil {
		return nil, err
	}
	loader, err := modules.Open(modulesDirectory)
	if err != nil {
		return nil, err
	}
	m := &machine{console: console, hub: hub, modules: loader, stop: newStopper(console), reaper: process.NewReaper()}
	buttons := hub.Subscribe("input")
	go m.loadDrivers()
	if err := loader.Coldplug(); err != nil {
		console.logf("%v", err)
	}
	if m.hostChannel, err = openHostChannel(hub, console); err != nil {
		return nil, err
	}
	m.reporter = report.New(m.hostChannel, version, kernelRelease(), m.logError)
	if m.operations, err = newOperations(m); err != nil {
		return nil, err
	}
	m.watchRequests(buttons)
	return m, nil
}

func (m *machine) logError(err error) { m.console.logf("%v", err) }

// loadDrivers loads drivers when devices appear.
func (m *machine) loadDrivers() {
	m.logError(m.hub.Run(func(event uevent.Event) {
		if event.Action != "add" {
			return
		}
		if err := m.modules.LoadAlias(event.Modalias); err != nil {
			m.logError(err)
		}
	}))
}

// watchRequests passes stop requests of all kinds to the stopper.
func (m *machine) watchRequests(buttons <-chan struct{}) {
	go power.Watch(buttons, func() { m.stop.request("the power button", false) }, m.logError)
	// Ctrl-Alt-Del becomes a signal to init instead of a reset.
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF); err != nil {
		m.logError(err)
	}
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, syscall.SIGINT)
	go func() {
		for range interrupts {
			m.stop.request("Ctrl-Alt-Del", true)
		}
	}()
	if err := m.hostChannel.listen(m.stop, m.reportAgain, m.operations.server); err != nil {
		m.logError(err)
	}
}

// reportAgain reports everything again: the host has forgotten it.
func (m *machine) reportAgain() {
	m.reporter.Repeat()
	if hostname, announced := m.hostname.Load().(string); announced {
		m.announce(hostname)
	}
}

// announce reports the guest's name and addresses to the host.
func (m *machine) announce(hostname string) {
	m.hostname.Store(hostname)
	if err := m.hostChannel.announce(hostname); err != nil {
		m.logError(err)
	}
}

func (m *machine) finder() *disks.Finder {
	return &disks.Finder{Sys: "/sys", Dev: "/dev", Wake: m.hub.Subscribe("block")}
}

func (m *machine) rootBuilder(id string, document []byte) *rootfs.Builder {
	return &rootfs.Builder{
		Images: m.finder(), Scratches: m.finder(), Volumes: m.finder(), Modules: m.modules,
		ScratchMounted: func(disk disks.Disk) { m.keepStart(disk, id, document) },
	}
}

func (m *machine) networkManager(hostname string, changed func()) *network.Manager {
	return &network.Manager{
		Hostname: hostname, Wake: m.hub.Subscribe("net"), Logf: m.console.logf, Changed: changed,
	}
}

// release unmounts the disks, so that their file systems are clean.
func (m *machine) release() {
	if err := rootfs.Release(); err != nil {
		m.logError(err)
	}
}

func kernelRelease() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return ""
	}
	return unix.ByteSliceToString(name.Release[:])
}
