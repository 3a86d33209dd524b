// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vmware/govmomi/toolbox"

	"gantry.invalid/guest/guestops"
	"gantry.invalid/guest/internal/backdoor"
	"gantry.invalid/guest/internal/disks"
	"gantry.invalid/guest/internal/hostport"
	"gantry.invalid/guest/internal/platform"
	"gantry.invalid/guest/internal/rootfs"
	"gantry.invalid/guest/internal/source"
	"gantry.invalid/guest/internal/tools"
	"gantry.invalid/guest/internal/uevent"
	"gantry.invalid/guest/port"
)

// hostChannel is the channel to the host, for the spec, the status and requests of the host.
type hostChannel interface {
	Set(key, value string) error
	// Get returns the value of a key, or source.ErrAbsent.
	Get(key string) ([]byte, error)
	// sources returns the possible sources of the spec, the most likely first.
	sources(finder *disks.Finder) []source.Source
	// announce reports the guest's name and addresses to the host.
	announce(hostname string) error
	// listen starts handling requests of the host. It calls again when the host has forgotten what was reported.
	listen(stop *stopper, again func(), operations *guestops.Server) error
}

func openHostChannel(hub *uevent.Hub, console *console) (hostChannel, error) {
	if platform.IsVMware() {
		door, err := backdoor.Open()
		if err != nil {
			return nil, err
		}
		return openVMX(door.RPCI(), door.TCLO(), door.HostTime, console)
	}
	finder := hostport.Finder{Sys: "/sys", Dev: "/dev", Wake: hub.Subscribe("virtio-ports")}
	opened, err := finder.Open(port.Name)
	if err != nil {
		console.logf("%v: nothing will be reported", err)
		return noChannel{}, nil
	}
	host := port.New(opened, func(err error) { console.logf("%v", err) })
	channel, err := openVMX(host.Channel(port.RPCI), host.Channel(port.TCLO), host.HostTime, console)
	if err != nil {
		console.logf("%v: nothing will be reported", err)
		return noChannel{}, nil
	}
	return channel, nil
}

// vmx is the host on ESXi, and in the lab, which plays it.
type vmx struct {
	source.Guestinfo
	rpci     *tools.RPCI
	tclo     toolbox.Channel
	hostTime func() (time.Time, error)
	console  *console
}

func openVMX(rpci, tclo toolbox.Channel, hostTime func() (time.Time, error), console *console) (vmx, error) {
	opened, err := tools.OpenRPCI(rpci)
	if err != nil {
		return vmx{}, err
	}
	return vmx{Guestinfo: source.Guestinfo{VMX: opened}, rpci: opened, tclo: tclo, hostTime: hostTime, console: console}, nil
}

func (v vmx) sources(finder *disks.Finder) []source.Source {
	return []source.Source{
		v.Guestinfo, source.Disk{Finder: finder},
		source.Kept{Finder: finder, Machine: platform.UUID(), Document: rootfs.KeptDocument},
	}
}

func (v vmx) announce(hostname string) error { return v.Announce(hostname) }

func (v vmx) listen(stop *stopper, again func(), operations *guestops.Server) error {
	return tools.Start(v.tclo, v.rpci, tools.Handlers{
		Halt:     func() { stop.request("guest tools: shutdown", false) },
		Reboot:   func() { stop.request("guest tools: restart", true) },
		Announce: again,
		Clock:    tools.NewClock(v.hostTime, v.console.logf),

		GuestOperations: operations,
	})
}

// noChannel is used when there is no channel to the host: the container runs, and nothing is reported.
type noChannel struct{}

func (noChannel) Set(string, string) error { return nil }

func (noChannel) Get(string) ([]byte, error) { return nil, source.ErrAbsent }

func (noChannel) sources(finder *disks.Finder) []source.Source {
	return []source.Source{source.Disk{Finder: finder}}
}

func (noChannel) announce(string) error { return nil }

func (noChannel) listen(*stopper, func(), *guestops.Server) error { return nil }

// readSpec returns the spec document, and the kind of its source.
func readSpec(ctx context.Context, host hostChannel, finder *disks.Finder, console *console) ([]byte, string, error) {
	document, found, err := source.First(ctx, host.sources(finder))
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return nil, "", err
		}
		return nil, "", fmt.Errorf("read the spec: %w", err)
	}
	console.logf("spec from %s", found.Name())
	return document, found.Kind(), nil
}
