// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"sort"

	"github.com/vmware/govmomi/toolbox"

	"gantry.invalid/guest/internal/channel"
	"gantry.invalid/guest/internal/disks"
	"gantry.invalid/guest/internal/network"
	"gantry.invalid/guest/internal/platform"
	"gantry.invalid/guest/internal/source"
	"gantry.invalid/guest/internal/tools"
)

// hostChannel is the platform's channel to the host, for the spec, the status and requests of the host.
type hostChannel interface {
	Set(key, value string) error
	// sources returns the possible sources of the spec, the most likely first.
	sources(finder *disks.Finder) []source.Source
	// announce reports the guest's name and addresses to the host.
	announce(hostname string) error
	// listen starts handling requests of the host.
	listen(stop *stopper) error
	// flush waits until the host has received all messages.
	flush() error
}

func openHostChannel(console *console) (hostChannel, error) {
	if platform.IsVMware() {
		guestinfo, err := source.NewGuestinfo(toolbox.NewBackdoorChannelOut())
		if err != nil {
			return nil, err
		}
		return vmware{guestinfo}, nil
	}
	port, err := channel.Open()
	if err != nil {
		console.logf("%v: nothing will be reported", err)
		return noChannel{}, nil
	}
	return serial{Channel: port, console: console}, nil
}

// vmware uses the VMware backdoor.
type vmware struct{ *source.Guestinfo }

func (v vmware) sources(finder *disks.Finder) []source.Source {
	return []source.Source{v.Guestinfo, source.Disk{Finder: finder}}
}

func (v vmware) announce(hostname string) error { return v.Announce(hostname) }

func (v vmware) listen(stop *stopper) error {
	return tools.Start(toolbox.NewBackdoorChannelIn(), toolbox.NewBackdoorChannelOut(),
		func() { stop.request("guest tools: shutdown", false) },
		func() { stop.request("guest tools: restart", true) })
}

func (vmware) flush() error { return nil }

// noChannel is used when there is no channel to the host: the container runs, and nothing is reported.
type noChannel struct{}

func (noChannel) Set(string, string) error { return nil }

func (noChannel) sources(finder *disks.Finder) []source.Source {
	return []source.Source{source.FwCfg{}, source.Disk{Finder: finder}}
}

func (noChannel) announce(string) error { return nil }

func (noChannel) listen(*stopper) error { return nil }

func (noChannel) flush() error { return nil }

// serial uses the lab's serial channel.
type serial struct {
	*channel.Channel
	console *console
}

func (serial) sources(finder *disks.Finder) []source.Source { return noChannel{}.sources(finder) }

func (s serial) announce(hostname string) error {
	addresses, err := network.Addresses()
	if err != nil {
		return err
	}
	nics := []channel.NIC{}
	for mac, list := range addresses {
		nics = append(nics, channel.NIC{MAC: mac, Addresses: list})
	}
	sort.Slice(nics, func(i, j int) bool { return nics[i].MAC < nics[j].MAC })
	return s.Announce(hostname, nics)
}

func (s serial) listen(stop *stopper) error {
	go s.Listen(
		func() { stop.request("the host", false) },
		func(err error) { s.console.logf("%v", err) })
	return nil
}

func (s serial) flush() error { return s.Flush() }

// readSpec returns the spec document.
func readSpec(ctx context.Context, host hostChannel, finder *disks.Finder, console *console) ([]byte, error) {
	document, name, err := source.First(ctx, host.sources(finder))
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return nil, err
		}
		return nil, fmt.Errorf("read the spec: %w", err)
	}
	console.logf("spec from %s", name)
	return document, nil
}
