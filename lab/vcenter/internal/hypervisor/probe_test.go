// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package hypervisor

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// cacheProbe writes a result of the current boot, or of another.
func cacheProbe(t *testing.T, boot string, works bool) string {
	t.Helper()
	encoded, err := json.Marshal(probeResult{BootID: boot, Works: works, Found: "it was tried"})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "probe.json")
	if err := os.WriteFile(path, encoded, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func currentBoot(t *testing.T) string {
	t.Helper()
	boot, err := bootID()
	if err != nil {
		t.Fatal(err)
	}
	return boot
}

func TestTheCachedProbeOfThisBootIsUsed(t *testing.T) {
	for works, want := range map[bool]string{true: acceleratorKVM, false: acceleratorTCG} {
		config := Config{Accelerator: acceleratorAuto, ProbeCache: cacheProbe(t, currentBoot(t), works)}
		if got, err := chooseAccelerator(config); err != nil || got != want {
			t.Errorf("works %v: got %s, %v", works, got, err)
		}
	}
}

func TestTCGIsNotProbed(t *testing.T) {
	config := Config{Accelerator: acceleratorTCG, ProbeCache: cacheProbe(t, currentBoot(t), true)}
	if got, err := chooseAccelerator(config); err != nil || got != acceleratorTCG {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestKVMThatIsRequestedAndDoesNotWorkIsAnError(t *testing.T) {
	config := Config{Accelerator: acceleratorKVM, ProbeCache: cacheProbe(t, currentBoot(t), false)}
	if _, err := chooseAccelerator(config); err == nil || !strings.Contains(err.Error(), "it was tried") {
		t.Errorf("got %v", err)
	}
}

// This test passes with and without KVM: neither a guest that reports nothing nor a failed probe proves that KVM works.
func TestAFailedProbeMeansTCGAndIsCached(t *testing.T) {
	config := Config{Accelerator: acceleratorAuto, StateDir: t.TempDir(), DirectKernel: panickingGuest(t),
		ProbeCache: cacheProbe(t, "an earlier boot", true)}
	if got, err := chooseAccelerator(config); err != nil || got != acceleratorTCG {
		t.Fatalf("got %s, %v", got, err)
	}
	cached, err := readProbe(config.ProbeCache)
	if err != nil || cached.Works || cached.BootID != currentBoot(t) || cached.Found == "" {
		t.Errorf("cached: %+v, %v", cached, err)
	}
	if left, _ := os.ReadDir(config.StateDir); len(left) != 0 {
		t.Errorf("the probe left %v", left)
	}
}
