// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// One powered-on machine: a QEMU process, its taps, its monitor and the guest's channel, from start to exit.

package hypervisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// firstInheritedFD is the number that os/exec gives the first of a command's ExtraFiles.
const firstInheritedFD = 3

const (
	greetingDeadline = 30 * time.Second // QEMU opens its disks before it greets, on a machine that may be loaded
	commandDeadline  = 5 * time.Second
	quitDeadline     = 3 * time.Second // from QMP quit to SIGKILL
)

// instance is filled in by boot, then read by everyone; what changes later is behind mu.
type instance struct {
	spec      machine.Spec
	directory string
	process   *exec.Cmd
	monitor   *monitor
	channel   net.Conn
	cleanup   cleanups // what is undone when the machine is off, or could not be started
	booted    func()   // releases the start slot; may be called many times

	cancelStart context.CancelFunc // ends the wait for a start slot
	settled     chan struct{}      // closed when the start has succeeded or failed
	started     bool               // which of both; read after settled is closed
	exited      chan struct{}      // closed when process, taps and record are gone

	mu        sync.Mutex
	toolsSeen bool     // the guest has sent its network: what tools running means here
	shutdown  qmpEvent // the last SHUTDOWN event
	killed    bool
}

func (i *instance) errorLogPath() string {
	return filepath.Join(i.directory, "qemu.log")
}

func (i *instance) consolePath() string {
	return filepath.Join(i.directory, "console.log")
}

// boot starts QEMU and returns when it runs. On an error nothing of the machine is left.
func (h *Hypervisor) boot(i *instance) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, i.abandon())
		}
	}()
	options, err := h.prepare(i)
	if err != nil {
		return err
	}
	monitorOurs, monitorTheirs, err := socketPair()
	if err != nil {
		return err
	}
	defer monitorTheirs.Close()
	i.cleanup.add(monitorOurs.Close)
	channelOurs, channelTheirs, err := socketPair()
	if err != nil {
		return err
	}
	defer channelTheirs.Close()
	i.cleanup.add(channelOurs.Close)

	options.monitorFD, options.channelFD = firstInheritedFD, firstInheritedFD+1
	arguments, err := options.arguments()
	if err != nil {
		return err
	}
	process := exec.Command(qemuBinary, arguments...)
	process.ExtraFiles = []*os.File{monitorTheirs, channelTheirs}
	if err := h.launch(i, process); err != nil {
		return err
	}
	i.channel = channelOurs
	// QEMU alone now holds its ends, so that ours see its exit.
	if err := errors.Join(monitorTheirs.Close(), channelTheirs.Close()); err != nil {
		return err
	}
	if err := i.greet(monitorOurs); err != nil {
		return fmt.Errorf("QEMU did not start machine %s: %w: %s", i.spec.Name, err, tail(i.errorLogPath()))
	}
	return nil
}

// launch starts the process, recorded, with its messages in a file.
func (h *Hypervisor) launch(i *instance, process *exec.Cmd) error {
	errorLog, err := os.Create(i.errorLogPath())
	if err != nil {
		return err
	}
	defer errorLog.Close()
	process.Stdout, process.Stderr = errorLog, errorLog
	name := "qemu-" + i.spec.ID
	if err := h.spawner.start(name, process); err != nil {
		return err
	}
	i.process = process
	i.cleanup.add(func() error { return h.spawner.forget(name) })
	return nil
}

// prepare makes the machine's files and taps.
func (h *Hypervisor) prepare(i *instance) (launch, error) {
	options := launch{spec: i.spec, accelerator: h.accelerator, directKernel: h.config.DirectKernel,
		consolePath: i.consolePath()}
	if err := os.MkdirAll(i.directory, 0o755); err != nil {
		return launch{}, err
	}
	if spec, present := i.spec.GuestInfo[machine.SpecKey]; present {
		options.specPath = filepath.Join(i.directory, "spec.json")
		if err := writeFileAtomically(options.specPath, []byte(spec), 0o600); err != nil {
			return launch{}, err
		}
	}
	if i.spec.Firmware == "efi" {
		options.varsPath = filepath.Join(i.directory, "efivars.fd")
		variables, err := os.ReadFile(firmwareVars)
		if err != nil {
			return launch{}, fmt.Errorf("UEFI firmware (Debian package ovmf): %w", err)
		}
		if err := writeFileAtomically(options.varsPath, variables, 0o600); err != nil {
			return launch{}, err
		}
	}
	for _, nic := range i.spec.NICs {
		tap := h.nextTap()
		if err := h.namespace.addTap(tap, nic.Network); err != nil {
			return launch{}, err
		}
		options.taps = append(options.taps, tap)
		i.cleanup.add(func() error { return h.namespace.removeTap(tap) })
	}
	return options, nil
}

// greet opens the monitor and brings the machine to where the guest may run.
func (i *instance) greet(connection net.Conn) error {
	if err := connection.SetReadDeadline(time.Now().Add(greetingDeadline)); err != nil {
		return err
	}
	var err error
	if i.monitor, err = newMonitor(connection); err != nil {
		return err
	}
	if err := connection.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	go i.monitor.run(i.handleMonitorEvent)
	ctx, cancel := context.WithTimeout(context.Background(), greetingDeadline)
	defer cancel()
	if err := i.monitor.execute(ctx, "qmp_capabilities", nil); err != nil {
		return err
	}
	for index, nic := range i.spec.NICs {
		if nic.Connected {
			continue
		}
		if err := i.monitor.execute(ctx, "set_link", map[string]any{"name": nicID(index), "up": false}); err != nil {
			return err
		}
	}
	return nil
}

func (i *instance) handleMonitorEvent(event qmpEvent) {
	if event.Event != "SHUTDOWN" {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.shutdown = event
}

// attend passes on what the guest says, waits for QEMU's exit, cleans up, and reports it.
func (h *Hypervisor) attend(i *instance) {
	log := slog.With("machine", i.spec.Name, "id", i.spec.ID)
	spoken := false
	err := readGuest(i.channel,
		func(message guestMessage) {
			spoken = true
			h.handleGuest(i, message)
		},
		func(err error) {
			if spoken { // before, it is the firmware's console
				log.Warn("the guest sent what is no message", "error", err)
			}
		})
	if err != nil {
		log.Warn("the guest's channel broke", "error", err)
	}
	waitErr := i.process.Wait()
	if err := i.cleanup.run(); err != nil {
		log.Error("a stopped machine was not cleaned up", "error", err)
	}
	reason := i.exitReason(waitErr)
	if strings.HasPrefix(reason, machine.OffCrashed) {
		log.Error("machine crashed", "reason", reason, "qemu", tail(i.errorLogPath()), "console", i.consolePath())
	} else {
		log.Info("machine is off", "reason", reason)
	}
	h.remove(i)
	// Before the report: whoever waits for the exit may hold what the report's receiver needs.
	close(i.exited)
	h.events.Off(i.spec.ID, reason)
}

func (h *Hypervisor) handleGuest(i *instance, message guestMessage) {
	for key, value := range message.Set {
		if key == machine.StatusKey {
			i.booted()
		}
		h.events.Set(i.spec.ID, key, value)
	}
	if message.Guest != nil {
		i.mu.Lock()
		i.toolsSeen = true
		i.mu.Unlock()
		h.events.Guest(i.spec.ID, message.Guest.info())
	}
}

// abandon undoes a start that has failed.
func (i *instance) abandon() error {
	var errs []error
	if i.process != nil {
		if err := i.process.Process.Kill(); !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, err)
		}
		var exit *exec.ExitError
		if err := i.process.Wait(); !errors.As(err, &exit) {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, i.cleanup.run())...)
}

// kill ends the machine as pulling the plug does, and returns when it is off.
func (i *instance) kill() error {
	i.mu.Lock()
	i.killed = true
	i.mu.Unlock()
	i.cancelStart()
	<-i.settled
	if !i.started {
		return nil // the failed start has cleaned up
	}
	// Quit lets QEMU write out its image caches; a QEMU that does not answer is killed.
	ctx, cancel := context.WithTimeout(context.Background(), quitDeadline)
	defer cancel()
	quitErr := i.monitor.execute(ctx, "quit", nil)
	if quitErr == nil {
		select {
		case <-i.exited:
			return nil
		case <-ctx.Done():
		}
	}
	if err := i.process.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return errors.Join(quitErr, err)
	}
	<-i.exited
	return nil
}

// pressPowerButton asks the guest to shut down: through the channel where its tools listen, else by ACPI.
func (i *instance) pressPowerButton() error {
	<-i.settled
	if !i.started {
		return fmt.Errorf("machine %s did not start", i.spec.Name)
	}
	i.mu.Lock()
	tools := i.toolsSeen
	i.mu.Unlock()
	if tools {
		if err := i.channel.SetWriteDeadline(time.Now().Add(commandDeadline)); err != nil {
			return err
		}
		_, err := io.WriteString(i.channel, shutdownRequest)
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), commandDeadline)
	defer cancel()
	return i.monitor.execute(ctx, "system_powerdown", nil)
}

// info is empty while the machine waits for its start slot.
func (i *instance) info() (machine.Info, bool) {
	select {
	case <-i.settled:
	default:
		return machine.Info{}, false
	}
	if !i.started {
		return machine.Info{}, false
	}
	_, cpuSeconds, err := processTimes(i.process.Process.Pid)
	if err != nil {
		return machine.Info{}, false // it has just ended
	}
	return machine.Info{PID: i.process.Process.Pid, CPUSeconds: cpuSeconds, Console: i.consolePath()}, true
}

// exitReason is what machine.Events.Off is given; a crash says what was found.
func (i *instance) exitReason(waitErr error) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.killed:
		return machine.OffKilled
	case waitErr != nil:
		return machine.OffCrashed + ": QEMU: " + waitErr.Error()
	case i.shutdown.Data.Reason == "guest-shutdown":
		return machine.OffGuest
	case i.shutdown.Data.Reason == "guest-reset":
		return machine.OffCrashed + ": the guest reset itself, as a kernel that panics does"
	default:
		return machine.OffCrashed + fmt.Sprintf(": QEMU ended for the reason %q", i.shutdown.Data.Reason)
	}
}

// socketPair makes a connection and the file by which a child inherits its other end.
func socketPair() (net.Conn, *os.File, error) {
	descriptors, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socket pair: %w", err)
	}
	theirs := os.NewFile(uintptr(descriptors[1]), "inherited socket")
	ours := os.NewFile(uintptr(descriptors[0]), "own socket")
	connection, err := net.FileConn(ours)
	return connection, theirs, errors.Join(err, ours.Close())
}

// tail is the end of a small log, for an error message.
func tail(path string) string {
	const longest = 2048
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	content = bytes.TrimSpace(content)
	return string(content[max(0, len(content)-longest):])
}

// cleanups are run in reverse, all of them.
type cleanups []func() error

func (c *cleanups) add(f func() error) {
	*c = append(*c, f)
}

func (c cleanups) run() error {
	var errs []error
	for n := len(c) - 1; n >= 0; n-- {
		errs = append(errs, c[n]())
	}
	return errors.Join(errs...)
}
