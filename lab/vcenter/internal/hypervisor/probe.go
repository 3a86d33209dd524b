// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The choice of the accelerator. The existence of /dev/kvm is not sufficient: nested and emulated KVM may be very slow or
// abort. KVM is used only after a probe has booted the bootstrap under it.

package hypervisor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"gantry.invalid/guest/port"

	"gantry.invalid/lab/vcenter/internal/machine"
)

const (
	kvmDevice     = "/dev/kvm"
	probeDeadline = 20 * time.Second // working KVM needs two or three seconds
)

// probeResult is stored until the host is rebooted.
type probeResult struct {
	BootID string `json:"boot_id"`
	Works  bool   `json:"works"`
	Found  string `json:"found"`
}

// chooseAccelerator returns kvm or tcg. If KVM is requested and does not work, it returns an error instead of a slow lab.
func chooseAccelerator(config Config) (string, error) {
	if config.Accelerator == acceleratorTCG {
		return acceleratorTCG, nil
	}
	result, err := cachedProbe(config)
	if err != nil {
		return "", fmt.Errorf("KVM probe: %w", err)
	}
	slog.Info("KVM probe", "works", result.Works, "found", result.Found)
	switch {
	case result.Works:
		return acceleratorKVM, nil
	case config.Accelerator == acceleratorKVM:
		return "", fmt.Errorf("accelerator kvm is requested, but %s; use accelerator auto or tcg", result.Found)
	default:
		return acceleratorTCG, nil
	}
}

func cachedProbe(config Config) (probeResult, error) {
	boot, err := bootID()
	if err != nil {
		return probeResult{}, err
	}
	if cached, err := readProbe(config.ProbeCache); err == nil && cached.BootID == boot {
		return cached, nil
	}
	result := probeResult{BootID: boot}
	result.Works, result.Found, err = probeKVM(config)
	if err != nil || config.ProbeCache == "" {
		return result, err
	}
	encoded, err := json.Marshal(result)
	if err != nil {
		return probeResult{}, err
	}
	if err := os.MkdirAll(filepath.Dir(config.ProbeCache), 0o755); err != nil {
		return probeResult{}, err
	}
	return result, writeFileAtomically(config.ProbeCache, encoded, 0o644)
}

func readProbe(path string) (probeResult, error) {
	var result probeResult
	content, err := os.ReadFile(path)
	if err != nil {
		return result, err
	}
	return result, json.Unmarshal(content, &result)
}

// probeKVM boots the bootstrap without a spec under KVM. KVM works if its init sends a message.
func probeKVM(config Config) (works bool, found string, err error) {
	device, err := os.OpenFile(kvmDevice, os.O_RDWR, 0)
	if err != nil {
		return false, "KVM cannot be opened: " + err.Error(), nil
	}
	if err := device.Close(); err != nil {
		return false, "", err
	}
	if config.BootstrapISO == "" && config.DirectKernel == nil {
		return false, "no bootstrap is configured that a KVM probe could boot", nil
	}
	directory, err := os.MkdirTemp(config.StateDir, "probe-")
	if err != nil {
		return false, "", err
	}
	defer os.RemoveAll(directory)
	return bootProbe(config, directory)
}

func bootProbe(config Config, directory string) (works bool, found string, err error) {
	channel, channelTheirs, err := socketPair()
	if err != nil {
		return false, "", err
	}
	defer channel.Close()
	defer channelTheirs.Close()
	monitor, monitorTheirs, err := socketPair()
	if err != nil {
		return false, "", err
	}
	defer monitor.Close()
	defer monitorTheirs.Close()

	arguments, err := launch{
		spec:        machine.Spec{Name: "kvm-probe", CPUs: 1, MemoryMB: 256, Firmware: "bios", ISO: config.BootstrapISO},
		accelerator: acceleratorKVM, directKernel: config.DirectKernel,
		consolePath: filepath.Join(directory, "console.log"),
		monitorFD:   firstInheritedFD, channelFD: firstInheritedFD + 1,
	}.arguments()
	if err != nil {
		return false, "", err
	}
	var messages bytes.Buffer
	process := exec.Command(qemuBinary, arguments...)
	process.ExtraFiles = []*os.File{monitorTheirs, channelTheirs}
	process.Stderr = &messages
	process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	// The parent-death signal is bound to the thread, so the thread must exist until the process has ended.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	started := time.Now()
	if err := process.Start(); err != nil {
		return false, "", err
	}
	spoke, err := awaitGuestMessage(channel, channelTheirs, started.Add(probeDeadline))
	elapsed := time.Since(started).Round(100 * time.Millisecond)
	if killErr := process.Process.Kill(); killErr != nil && !errors.Is(killErr, os.ErrProcessDone) {
		return false, "", errors.Join(err, killErr)
	}
	waitErr := process.Wait()
	switch {
	case err != nil:
		return false, "", err
	case spoke:
		return true, fmt.Sprintf("the bootstrap booted under KVM in %s", elapsed), nil
	default:
		return false, fmt.Sprintf("the bootstrap did not boot under KVM within %s (QEMU: %v %s)",
			elapsed, waitErr, bytes.TrimSpace(messages.Bytes())), nil
	}
}

// awaitGuestMessage waits for the guest's first message, the end of QEMU or the deadline.
func awaitGuestMessage(channel net.Conn, theirs *os.File, deadline time.Time) (bool, error) {
	// Only QEMU holds its end now, so that ours is closed when QEMU exits.
	if err := theirs.Close(); err != nil {
		return false, err
	}
	if err := channel.SetReadDeadline(deadline); err != nil {
		return false, err
	}
	spoke := false
	first := func(port.Frame) {
		spoke = true
		channel.SetReadDeadline(time.Now()) // ends the reader
	}
	err := port.Read(channel, first, func(error) {})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	return spoke, err
}
