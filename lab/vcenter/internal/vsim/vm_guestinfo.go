// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// guestinfo.* keys of running VMs. A value that was set while the VM was off is persistent. A value that the guest or a client
// sets while it is on lies over the persistent one, and is dropped at power off.
//
// vmware/vic#1337: "Extraconfig data will be removed if the keys were created while the VM was powered on, OR if extraconfig was
// supplied to a VMOMI reconfigure operation when the VM was powered on"; #8148: also a value that does not change; #404: a key
// that existed at power on, "even if empty", keeps what the guest sets; #8639: later releases revert to the value before.

package vsim

import (
	"log/slog"
	"maps"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// What power off does with the values that were set while the VM was on.
const (
	// GuestInfoDeleted deletes their keys.
	GuestInfoDeleted = "deleted"
	// GuestInfoReverted restores the persistent values, and deletes keys that have none.
	GuestInfoReverted = "reverted"
	// GuestInfoKept keeps what the guest has set of keys that existed at power on, and deletes the others.
	GuestInfoKept = "kept"
)

func isGuestInfo(key string) bool {
	return strings.HasPrefix(key, "guestinfo.")
}

// volatileValue describes a key whose value lies over the persistent one.
type volatileValue struct {
	persistent string // empty: the key did not exist at power on
	byClient   bool   // a client has set it
}

// overlays holds the keys of running VMs that have volatile values.
type overlays struct {
	mu   sync.Mutex
	keys map[ref]map[string]volatileValue
}

// cover records that keys are set while the VM is on. before has the values so far.
func (o *overlays) cover(vm ref, before []types.BaseOptionValue, keys []string, byClient bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, key := range keys {
		if !isGuestInfo(key) {
			continue
		}
		covered, there := o.keys[vm][key]
		if !there {
			covered.persistent = optionValue(before, key)
		}
		covered.byClient = covered.byClient || byClient
		if o.keys[vm] == nil {
			o.keys[vm] = map[string]volatileValue{}
		}
		o.keys[vm][key] = covered
	}
}

// drop returns the options of a VM that is powered off, and the changes of the keys that were covered, which it forgets.
// atPowerOff says what happens to them.
func (o *overlays) drop(vm ref, options []types.BaseOptionValue, atPowerOff string) ([]types.BaseOptionValue, []types.PropertyChange) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var changes []types.PropertyChange
	for key, covered := range o.keys[vm] {
		switch {
		case atPowerOff == GuestInfoReverted:
			options = mergeOption(options, key, covered.persistent)
		case atPowerOff == GuestInfoKept && covered.persistent != "" && !covered.byClient:
		default:
			options = mergeOption(options, key, "")
		}
		change := types.PropertyChange{Name: optionPath(key), Op: types.PropertyChangeOpRemove}
		if value := optionValue(options, key); value != "" {
			change = set(optionPath(key), &types.OptionValue{Key: key, Value: value})
		}
		changes = append(changes, change)
	}
	delete(o.keys, vm)
	return options, changes
}

// persistent returns the options of a VM without the volatile values.
func (o *overlays) persistent(vm ref, options []types.BaseOptionValue) []types.BaseOptionValue {
	for key, covered := range o.of(vm) {
		options = mergeOption(options, key, covered.persistent)
	}
	return options
}

// forget forgets the volatile values of a VM that leaves the inventory.
func (o *overlays) forget(vm ref) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.keys, vm)
}

// of returns the volatile values of a VM.
func (o *overlays) of(vm ref) map[string]volatileValue {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.keys[vm])
}

// adopt gives a VM volatile values: those of the VM that it continues, on another vCenter or as its instant clone.
func (o *overlays) adopt(vm ref, values map[string]volatileValue) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(values) > 0 {
		o.keys[vm] = maps.Clone(values)
	}
}

// tellGuest gives a running VM the guestinfo.* keys that a client has set. Its guest can read them at once.
func (s *Server) tellGuest(vm *simulator.VirtualMachine, written []string) {
	values := map[string]string{}
	s.locked(vm, func(*simulator.Context) {
		for _, key := range written {
			if isGuestInfo(key) {
				values[key] = optionValue(vm.Config.ExtraConfig, key)
			}
		}
	})
	if len(values) == 0 {
		return
	}
	if err := s.hypervisor.SetGuestInfo(vm.Self.Value, values); err != nil {
		slog.Info("a VM has ended while its guest information was set", "vm", vm.Name, "error", err)
	}
}

// dropVolatile removes the volatile values of a VM that is powered off, and returns the changes. The caller holds its lock.
func (s *Server) dropVolatile(vm *simulator.VirtualMachine, config *types.VirtualMachineConfigInfo) []types.PropertyChange {
	options, changes := s.overlays.drop(vm.Self, config.ExtraConfig, s.Behavior().GuestInfoAtPowerOff)
	if len(changes) == 0 {
		return nil
	}
	config.ExtraConfig = options
	return append(changes, set("config.extraConfig", options))
}
