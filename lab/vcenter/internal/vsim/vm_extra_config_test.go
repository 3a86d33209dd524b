// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vmware/govmomi/vim25/types"
)

func TestLargeExtraConfigIsRefused(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web"))
	set := func(key string, size int) types.VirtualMachineConfigSpec {
		return types.VirtualMachineConfigSpec{ExtraConfig: []types.BaseOptionValue{option(key, strings.Repeat("x", size))}}
	}
	isFault[types.InvalidArgument](l, l.refusal(vm.Reconfigure(t.Context(), set("guestinfo.a", 64<<10+1))))
	for n := range 15 {
		l.result(vm.Reconfigure(t.Context(), set(fmt.Sprint("guestinfo.", n), 64<<10)))
	}
	isFault[types.InvalidArgument](l, l.refusal(vm.Reconfigure(t.Context(), set("guestinfo.last", 64<<10))))
	l.behave(`{"extra_config_value_bytes": 200000, "extra_config_bytes": 2000000}`)
	l.result(vm.Reconfigure(t.Context(), set("guestinfo.last", 200000)))
}

func TestAGuestCannotSetALargeValue(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web"))
	l.result(vm.PowerOn(t.Context()))
	id := vm.Reference().Value
	l.server.Set(id, "guestinfo.large", strings.Repeat("x", 64<<10+1))
	l.server.Set(id, "guestinfo.small", strings.Repeat("x", 64<<10))
	found := l.server.vm(vm.Reference()).Config.ExtraConfig
	if optionValue(found, "guestinfo.large") != "" || optionValue(found, "guestinfo.small") == "" {
		t.Error("the size is not limited to 64 KiB")
	}
}
