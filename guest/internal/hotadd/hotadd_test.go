// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package hotadd

import (
	"os"
	"path/filepath"
	"testing"
)

func fakeSys(t *testing.T, files map[string]string) Devices {
	t.Helper()
	sys := t.TempDir()
	for name, content := range files {
		path := filepath.Join(sys, "devices/system", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Devices{Sys: sys}
}

func TestAddedCPUsAndMemoryAreBroughtOnline(t *testing.T) {
	devices := fakeSys(t, map[string]string{
		"cpu/cpu0/topology/core_id": "0\n", "cpu/cpu1/online": "0\n", "cpu/cpu2/online": "1\n", "cpu/online": "0,2\n",
		"memory/block_size_bytes": "8000000\n", "memory/memory0/state": "online\n", "memory/memory32/state": "offline\n",
		"memory/memory33/state": "offline\n",
	})
	all := Size{CPUs: 2, Memory: 384 << 20}
	if got, err := devices.Online(); got != all || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	for file, want := range map[string]string{"cpu/cpu1/online": "1", "memory/memory33/state": "online", "cpu/online": "0,2"} {
		if got, err := read(filepath.Join(devices.Sys, "devices/system", file)); got != want || err != nil {
			t.Errorf("%s is %q, %v", file, got, err)
		}
	}
	if got, err := devices.Online(); got != all || err != nil {
		t.Errorf("again: %+v, %v", got, err)
	}
}

func TestADeviceThatCannotBeReadIsAnError(t *testing.T) {
	devices := fakeSys(t, map[string]string{"memory/memory1/state": "offline\n"})
	path := filepath.Join(devices.Sys, "devices/system/memory/memory1/state")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := devices.Online(); got != (Size{}) || err == nil {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAMachineWithoutMemoryBlocksHasNone(t *testing.T) {
	if got, err := fakeSys(t, nil).Online(); got != (Size{}) || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
}
