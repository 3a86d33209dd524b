// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package hypervisor

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestProcessTimesOfACommandWithBlanksAndParentheses(t *testing.T) {
	stat := "42 (a) b (c) S 1 42 42 0 -1 4194304 1 0 0 0 150 50 0 0 20 0 1 0 98765 1000 1 18446744073709551615"
	ticks, cpu, err := parseProcessTimes(stat)
	if err != nil || ticks != 98765 || cpu != 2.0 {
		t.Errorf("got %d, %v, %v", ticks, cpu, err)
	}
	for _, bad := range []string{"", "42 (short) S 1", strings.Replace(stat, "98765", "soon", 1)} {
		if _, _, err := parseProcessTimes(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// victimVariable is the environment variable that makes this test binary the process that is killed.
const victimVariable = "GANTRY_TEST_VICTIM"

func TestNothingOutlivesAKilledProcess(t *testing.T) {
	if name := os.Getenv(victimVariable); name != "" {
		runVictim(t, name)
	}
	needsRoot(t)
	name := fmt.Sprintf("gantry-test-killed-%d", os.Getpid())
	victim := exec.Command(os.Args[0], "-test.run=^TestNothingOutlivesAKilledProcess$")
	// The killed process cannot remove its temporary files.
	victim.Env = append(os.Environ(), victimVariable+"="+name, "TMPDIR="+t.TempDir())
	output, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { run(t, "ip", "netns", "del", name) })
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	if err := json.Unmarshal([]byte(line), &pids); err != nil || len(pids) != 2 {
		t.Fatalf("the victim printed %q: %v", line, err)
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	victim.Wait() // the error is expected: the process was killed
	deadline := time.Now().Add(10 * time.Second)
	for slices.ContainsFunc(pids, isRunning) {
		if time.Now().After(deadline) {
			t.Fatalf("of QEMU and the DHCP server (%v) one is still running", pids)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// runVictim starts a VM, prints the PIDs of its process records, and waits to be killed.
func runVictim(t *testing.T, name string) {
	raw, err := json.Marshal(Config{StateDir: t.TempDir(), Namespace: name, Accelerator: acceleratorTCG,
		Networks: []Network{{"VM Network", "10.77.0.0/24"}}, DirectKernel: silentGuest(t)})
	if err != nil {
		t.Fatal(err)
	}
	h, err := New(raw, recorder{})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Start(testMachine("vm-1")); err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(h.(*Hypervisor).networks.spawner.directory, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var record processRecord
		if err := json.Unmarshal(content, &record); err != nil {
			t.Fatal(err)
		}
		pids = append(pids, record.PID)
	}
	if err := json.NewEncoder(os.Stdout).Encode(pids); err != nil {
		t.Fatal(err)
	}
	select {}
}

// isRunning returns false also for a zombie, which its new parent may not have reaped yet.
func isRunning(pid int) bool {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	return !strings.Contains(string(content), ") Z ") && syscall.Kill(pid, 0) == nil
}
