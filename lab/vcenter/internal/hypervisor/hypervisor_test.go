// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Tests with QEMU, taps, bridges and a DHCP server in a namespace, and a guest of a hundred bytes.

package hypervisor

import (
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

	"gantry.invalid/lab/vcenter/internal/machine"
)

// recorder passes the events to the test in order.
type recorder struct{ events chan string }

func (r recorder) Set(id, key, value string) { r.events <- fmt.Sprintf("set %s %s=%s", id, key, value) }
func (r recorder) Guest(id string, g machine.GuestInfo) {
	r.events <- fmt.Sprintf("guest %s %s %v", id, g.Hostname, g.NICs)
}
func (r recorder) Restarted(id string)          { r.events <- "restarted " + id }
func (r recorder) Off(id string, reason string) { r.events <- fmt.Sprintf("off %s %s", id, reason) }

// expectStart expects the events of the responsive guest's first messages, for vm-1.
func (r recorder) expectStart(t *testing.T) {
	t.Helper()
	for _, want := range []string{"guest vm-1  []", `set vm-1 guestinfo.gantry.status={"state":"running"}`, "guest vm-1 web []",
		"guest vm-1 web [{00:50:56:00:00:01 [10.77.0.5/24]}]"} {
		r.expect(t, want)
	}
}

func (r recorder) expect(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-r.events:
		if got != want {
			t.Fatalf("event %q, want %q", got, want)
		}
	case <-time.After(60 * time.Second):
		t.Fatalf("no event, want %q", want)
	}
}

func needsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a network namespace needs root")
	}
}

// startLab returns a hypervisor under TCG with one network. It is closed at the end of the test.
func startLab(t *testing.T, kernel *DirectKernel) (*Hypervisor, recorder) {
	t.Helper()
	needsRoot(t)
	events := recorder{make(chan string, 100)}
	raw, err := json.Marshal(Config{
		StateDir: t.TempDir(), Namespace: fmt.Sprintf("gantry-test-%d", os.Getpid()),
		Networks:    []Network{{"VM Network", "10.77.0.0/24"}},
		Accelerator: acceleratorTCG, DirectKernel: kernel,
	})
	if err != nil {
		t.Fatal(err)
	}
	h, err := New(raw, events)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h.(*Hypervisor), events
}

func testMachine(id string) machine.Spec {
	return machine.Spec{ID: id, Name: "web " + id, CPUs: 1, MemoryMB: 32, Firmware: "bios",
		NICs:      []machine.NIC{{MAC: "00:50:56:00:00:01", Network: "VM Network", Connected: true}},
		GuestInfo: map[string]string{machine.SpecKey: `{"version":1}`}}
}

func TestGuestReportsAndShutsDownWhenAsked(t *testing.T) {
	h, events := startLab(t, responsiveGuest(t))
	if err := h.Start(testMachine("vm-1")); err != nil {
		t.Fatal(err)
	}
	events.expectStart(t)
	info, on := h.Info("vm-1")
	if !on || info.PID <= 0 || info.CPUSeconds <= 0 || info.ResidentBytes < 1<<20 {
		t.Fatalf("info of a running machine: %+v %v", info, on)
	}
	if err := h.PowerButton("vm-1"); err != nil {
		t.Fatal(err)
	}
	events.expect(t, `set vm-1 guestinfo.gantry.status={"state":"exited"}`)
	events.expect(t, "off vm-1 "+machine.OffGuest)
	if _, on := h.Info("vm-1"); on {
		t.Error("a machine that is off has info")
	}
	if records := processRecords(t, h); !slices.Equal(records, []string{"dhcp-br0.json"}) {
		t.Errorf("process records left: %v", records)
	}
	if taps := links(t, h, "tap"); taps != "" {
		t.Errorf("taps left: %s", taps)
	}
}

func TestVMCanBeStartedAgainOnceItIsOff(t *testing.T) {
	h, events := startLab(t, responsiveGuest(t))
	for range 2 {
		if err := h.Start(testMachine("vm-1")); err != nil {
			t.Fatal(err)
		}
		events.expectStart(t)
		if err := h.Start(testMachine("vm-1")); err == nil || !strings.Contains(err.Error(), "already on") {
			t.Errorf("starting a running machine: %v", err)
		}
		if err := h.Kill("vm-1"); err != nil {
			t.Fatal(err)
		}
		events.expect(t, "off vm-1 "+machine.OffKilled)
	}
}

func TestDeadQEMUIsReportedAsCrash(t *testing.T) {
	h, events := startLab(t, responsiveGuest(t))
	if err := h.Start(testMachine("vm-1")); err != nil {
		t.Fatal(err)
	}
	events.expectStart(t)
	info, _ := h.Info("vm-1")
	if err := syscall.Kill(info.PID, syscall.SIGSEGV); err != nil {
		t.Fatal(err)
	}
	events.expect(t, "off vm-1 "+machine.OffCrashed+": QEMU: signal: segmentation fault")
}

func TestGuestThatResetsItselfIsReportedAsCrash(t *testing.T) {
	h, events := startLab(t, panickingGuest(t))
	if err := h.Start(testMachine("vm-1")); err != nil {
		t.Fatal(err)
	}
	events.expect(t, "off vm-1 "+machine.OffReset)
}

func TestThirdStartWaitsUnderTCGAndCanBeCancelled(t *testing.T) {
	h, events := startLab(t, silentGuest(t))
	for _, id := range []string{"vm-1", "vm-2"} {
		if err := h.Start(testMachine(id)); err != nil {
			t.Fatal(err)
		}
	}
	third := make(chan error)
	go func() { third <- h.Start(testMachine("vm-3")) }()
	select {
	case err := <-third:
		t.Fatalf("the third start did not wait: %v", err)
	case <-time.After(time.Second):
	}
	if err := h.Kill("vm-3"); err != nil {
		t.Fatal(err)
	}
	if err := <-third; err == nil || !strings.Contains(err.Error(), "powered off before it was started") {
		t.Errorf("cancelled start: %v", err)
	}
	go func() { third <- h.Start(testMachine("vm-3")) }()
	if err := h.Kill("vm-1"); err != nil {
		t.Fatal(err)
	}
	if err := <-third; err != nil {
		t.Errorf("start in the slot of a machine that was killed: %v", err)
	}
	events.expect(t, "off vm-1 "+machine.OffKilled)
}

func TestVMThatIsNoContainerNeedsNoStartSlot(t *testing.T) {
	h, events := startLab(t, nil)
	for _, id := range []string{"vm-1", "vm-2", "vm-3"} {
		spec := testMachine(id)
		spec.GuestInfo = nil
		if err := h.Start(spec); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Kill("vm-3"); err != nil {
		t.Fatal(err)
	}
	events.expect(t, "off vm-3 "+machine.OffKilled)
}

func TestVMCanBeAskedAboutAndKilledWhileItsStartFails(t *testing.T) {
	h, _ := startLab(t, silentGuest(t))
	spec := testMachine("vm-1")
	spec.Disks = []machine.Disk{{Path: "/nonexistent.raw", Format: "raw"}}
	for range 5 {
		failed := make(chan error)
		go func() { failed <- h.Start(spec) }()
		for starting := true; starting; {
			select {
			case err := <-failed:
				if err == nil {
					t.Fatal("a machine without its disk was started")
				}
				starting = false
			default:
				if _, on := h.Info("vm-1"); on {
					t.Error("a machine that did not start is on")
				}
				_ = h.Kill("vm-1") // the error is ignored: the VM may be gone; the call must not hang
			}
		}
	}
}

func TestStartRefusesWhatItCannotRunAndLeavesNothing(t *testing.T) {
	h, _ := startLab(t, silentGuest(t))
	foreignNetwork, missingDisk := testMachine("vm-1"), testMachine("vm-2")
	foreignNetwork.NICs = append(foreignNetwork.NICs, machine.NIC{MAC: "00:50:56:00:00:02", Network: "backup"})
	missingDisk.Disks = []machine.Disk{{Path: "/nonexistent.raw", Format: "raw"}}
	for spec, want := range map[string]machine.Spec{`network "backup": all subnets`: foreignNetwork, "/nonexistent.raw": missingDisk} {
		if err := h.Start(want); err == nil || !strings.Contains(err.Error(), spec) {
			t.Errorf("got %v, want %q", err, spec)
		}
	}
	if taps := links(t, h, "tap"); taps != "" {
		t.Errorf("taps left: %s", taps)
	}
	if records := processRecords(t, h); !slices.Equal(records, []string{"dhcp-br0.json"}) {
		t.Errorf("process records left: %v", records)
	}
}

func TestVMsShareABaseButNotAWritableDisk(t *testing.T) {
	h, _ := startLab(t, silentGuest(t))
	directory := t.TempDir()
	base := filepath.Join(directory, "base, shared.raw")
	run(t, "qemu-img", "create", "-q", "-f", "raw", base, "1M")
	for _, id := range []string{"vm-1", "vm-2"} {
		child := filepath.Join(directory, id+".qcow2")
		run(t, "qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", base, child)
		spec := testMachine(id)
		spec.Disks = []machine.Disk{
			{Path: base, Format: "raw", Unit: 0, UUID: "6000c290-0000-0000-0000-000000000000", ReadOnly: true},
			{Path: child, Format: "qcow2", Unit: 1, UUID: "6000c291-0000-0000-0000-000000000000"}}
		if err := h.Start(spec); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Kill("vm-1"); err != nil {
		t.Fatal(err)
	}
	second := testMachine("vm-3")
	second.Disks = []machine.Disk{{Path: filepath.Join(directory, "vm-2.qcow2"), Format: "qcow2"}}
	if err := h.Start(second); err == nil || !strings.Contains(err.Error(), "lock") {
		t.Errorf("starting on another machine's disk: %v", err)
	}
}

func TestCloseLeavesNoProcessAndNoNamespace(t *testing.T) {
	needsRoot(t)
	events := recorder{make(chan string, 100)}
	name := fmt.Sprintf("gantry-test-close-%d", os.Getpid())
	raw, err := json.Marshal(Config{StateDir: t.TempDir(), Namespace: name, Accelerator: acceleratorTCG,
		Networks: []Network{{"VM Network", "10.77.0.0/24"}}, DirectKernel: silentGuest(t)})
	if err != nil {
		t.Fatal(err)
	}
	h, err := New(raw, events)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Start(testMachine("vm-1")); err != nil {
		t.Fatal(err)
	}
	info, _ := h.Info("vm-1")
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(info.PID, 0); err != syscall.ESRCH {
		t.Errorf("QEMU is still there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(namespaceDir, name)); !os.IsNotExist(err) {
		t.Errorf("the namespace is still there: %v", err)
	}
	if err := h.Start(testMachine("vm-2")); err == nil {
		t.Error("a closed hypervisor started a machine")
	}
}

func run(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	output, err := exec.Command(name, arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v: %s", name, arguments, err, output)
	}
	return string(output)
}

func links(t *testing.T, h *Hypervisor, prefix string) string {
	t.Helper()
	var found []string
	for _, line := range strings.Split(run(t, "ip", "-n", h.networks.namespace.name, "-brief", "link"), "\n") {
		if strings.HasPrefix(line, prefix) {
			found = append(found, line)
		}
	}
	return strings.Join(found, "\n")
}

func processRecords(t *testing.T, h *Hypervisor) []string {
	t.Helper()
	entries, err := os.ReadDir(h.networks.spawner.directory)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}
