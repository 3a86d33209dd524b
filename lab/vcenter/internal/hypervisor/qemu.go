// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// A QEMU process with its taps, its monitor and its guest channel.

package hypervisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// firstInheritedFD is the number that os/exec gives the first of a command's ExtraFiles.
const firstInheritedFD = 3

const (
	greetingDeadline = 30 * time.Second // QEMU opens its disks before it sends its greeting, and the host may be busy
	commandDeadline  = 5 * time.Second
	quitDeadline     = 3 * time.Second // between QMP quit and SIGKILL
	quiesceDeadline  = 30 * time.Second
)

// qemu is a QEMU process. launch sets its fields; fields that change later are guarded by mu.
type qemu struct {
	spec      machine.Spec
	directory string   // of the VM
	number    int      // number of previous processes of the VM
	spent     float64  // CPU seconds of the previous processes
	forked    bool     // the VM starts with the state of another VM
	taps      []string // of the adapters, in their order
	growth    growth   // guarded by the instance's moveLock
	addresses []string // MAC addresses of a fork's adapters, which start with those of the source; nil if the VM is not a fork
	process   *exec.Cmd
	monitor   *monitor
	channel   *net.UnixConn
	cleanup   cleanups      // called when the process has ended or could not be started
	moved     chan struct{} // receives a value at each MIGRATION event; capacity 1
	drained   chan struct{} // closed when the VM has left this process and all its output has been read
	finished  sync.Once     // closes drained
	reset     func()        // called when the guest has been reset

	mu        sync.Mutex
	shutdown  qmpEvent // the last SHUTDOWN event
	migration string   // the status of the last MIGRATION event
}

// cpuSeconds returns the CPU time of the VM since its start.
func (q *qemu) cpuSeconds() (float64, error) {
	_, seconds, err := processTimes(q.process.Process.Pid)
	return q.spent + seconds, err
}

func (q *qemu) errorLogPath() string {
	return filepath.Join(q.directory, "qemu.log")
}

func (q *qemu) consolePath() string {
	return filepath.Join(q.directory, "console.log")
}

// name returns the name of the process record. It contains a plus sign, which ids of VMs do not.
func (q *qemu) name() string {
	if q.number == 0 {
		return "qemu-" + q.spec.ID
	}
	return fmt.Sprintf("qemu-%s+%d", q.spec.ID, q.number)
}

// launch starts QEMU and returns when the VM is set up. The destination of a migration then waits for the state of the VM.
// After an error, everything is cleaned up.
func (h *Hypervisor) launch(q *qemu) (err error) {
	q.moved, q.drained = make(chan struct{}, 1), make(chan struct{})
	defer func() {
		if err != nil {
			err = errors.Join(err, q.abandon())
		}
	}()
	options, err := h.prepare(q)
	if err != nil {
		return err
	}
	monitorOurs, monitorTheirs, err := socketPair()
	if err != nil {
		return err
	}
	defer monitorTheirs.Close()
	q.cleanup.add(monitorOurs.Close)
	channelOurs, channelTheirs, err := socketPair()
	if err != nil {
		return err
	}
	defer channelTheirs.Close()
	q.cleanup.add(channelOurs.Close)

	options.monitorFD, options.channelFD = firstInheritedFD, firstInheritedFD+1
	arguments, err := options.arguments()
	if err != nil {
		return err
	}
	process := exec.Command(qemuBinary, arguments...)
	process.ExtraFiles = []*os.File{monitorTheirs, channelTheirs}
	if err := h.spawn(q, process); err != nil {
		return err
	}
	q.channel = channelOurs
	// Only QEMU holds its ends now, so that ours are closed when QEMU exits.
	if err := errors.Join(monitorTheirs.Close(), channelTheirs.Close()); err != nil {
		return err
	}
	if err := q.greet(monitorOurs); err != nil {
		return fmt.Errorf("QEMU did not start VM %s: %w: %s", q.spec.Name, err, tail(q.errorLogPath()))
	}
	return nil
}

// spawn starts and records the process, with its stderr in the VM's error log.
func (h *Hypervisor) spawn(q *qemu, process *exec.Cmd) error {
	mode := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if q.number == 0 {
		mode |= os.O_TRUNC
	}
	errorLog, err := os.OpenFile(q.errorLogPath(), mode, 0o644)
	if err != nil {
		return err
	}
	defer errorLog.Close()
	process.Stdout, process.Stderr = errorLog, errorLog
	name := q.name()
	if err := h.networks.spawner.start(name, process); err != nil {
		return err
	}
	q.process = process
	q.cleanup.add(func() error { return h.networks.spawner.forget(name) })
	return nil
}

// prepare creates the VM's files and taps.
func (h *Hypervisor) prepare(q *qemu) (launch, error) {
	options := launch{spec: q.spec, growth: q.growth, accelerator: h.accelerator, directKernel: h.config.DirectKernel,
		consolePath: q.consolePath(), incoming: q.number > 0 || q.forked}
	if err := os.MkdirAll(q.directory, 0o755); err != nil {
		return launch{}, err
	}
	if q.spec.Firmware == "efi" {
		options.varsPath = filepath.Join(q.directory, "efivars.fd")
		variables, err := os.ReadFile(firmwareVars)
		if err != nil {
			return launch{}, fmt.Errorf("UEFI firmware (Debian package ovmf): %w", err)
		}
		if err := writeFileAtomically(options.varsPath, variables, 0o600); err != nil {
			return launch{}, err
		}
	}
	for index, nic := range q.spec.NICs {
		tap := h.nextTap()
		b, err := h.networks.bridgeOf(nic.Network)
		if err != nil {
			return launch{}, err
		}
		if err := h.networks.namespace.addTap(tap, b); err != nil {
			return launch{}, err
		}
		options.taps = append(options.taps, tap)
		q.cleanup.add(func() error { return h.networks.namespace.removeTap(tap) })
		if q.addresses != nil {
			if err := h.networks.namespace.bindTap(tap, q.addresses[index]); err != nil {
				return launch{}, err
			}
		}
	}
	q.taps = options.taps
	return options, nil
}

// greet opens the monitor and prepares the VM for running the guest.
func (q *qemu) greet(connection *net.UnixConn) error {
	if err := connection.SetReadDeadline(time.Now().Add(greetingDeadline)); err != nil {
		return err
	}
	var err error
	if q.monitor, err = newMonitor(connection); err != nil {
		return err
	}
	if err := connection.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	go q.monitor.run(q.handleMonitorEvent)
	ctx, cancel := context.WithTimeout(context.Background(), greetingDeadline)
	defer cancel()
	if err := q.monitor.execute(ctx, "qmp_capabilities", nil); err != nil {
		return err
	}
	for index, nic := range q.spec.NICs {
		if nic.Connected {
			continue
		}
		if err := q.monitor.execute(ctx, "set_link", map[string]any{"name": nicID(index), "up": false}); err != nil {
			return err
		}
	}
	return nil
}

func (q *qemu) handleMonitorEvent(event qmpEvent) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch event.Event {
	case "SHUTDOWN":
		q.shutdown = event
	case "RESET":
		q.reset()
	case "MIGRATION":
		q.migration = event.Data.Status
		select {
		case q.moved <- struct{}{}:
		default: // a notification is pending already
		}
	}
}

// finish records that all output of the process has been read.
func (q *qemu) finish() {
	q.finished.Do(func() { close(q.drained) })
}

// What a reset of the guest does: the process ends, which is how it is started, or the guest boots again.
const (
	resetEnds      = "shutdown"
	resetContinues = "reset"
)

// atReset sets what a reset of the guest does.
func (q *qemu) atReset(action string) error {
	ctx, cancel := context.WithTimeout(context.Background(), commandDeadline)
	defer cancel()
	return q.monitor.execute(ctx, "set-action", map[string]any{"reboot": action})
}

// abandon kills a process that the VM does not run in.
func (q *qemu) abandon() error {
	var errs []error
	if q.process != nil {
		if err := q.process.Process.Kill(); !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, err)
		}
		errs = append(errs, q.reap())
	}
	return errors.Join(append(errs, q.cleanup.run())...)
}

// reap waits for the end of the process and ignores its exit code.
func (q *qemu) reap() error {
	err := q.process.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}

// quit makes QEMU flush its image caches and exit. QEMU is killed if it does not answer or exit in time. ended must be
// closed when it has exited.
func (q *qemu) quit(ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), quitDeadline)
	defer cancel()
	quitErr := q.monitor.execute(ctx, "quit", nil)
	if quitErr == nil {
		select {
		case <-ended:
			return nil
		case <-ctx.Done():
		}
	}
	if err := q.process.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return errors.Join(quitErr, err)
	}
	<-ended
	return nil
}

// socketPair returns a connection and the file of its other end, which a child inherits.
func socketPair() (*net.UnixConn, *os.File, error) {
	descriptors, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socket pair: %w", err)
	}
	theirs := os.NewFile(uintptr(descriptors[1]), "inherited socket")
	ours := os.NewFile(uintptr(descriptors[0]), "own socket")
	connection, err := net.FileConn(ours)
	if err = errors.Join(err, ours.Close()); err != nil {
		return nil, nil, errors.Join(err, theirs.Close())
	}
	return connection.(*net.UnixConn), theirs, nil
}

// tail returns the end of a small log for an error message.
func tail(path string) string {
	const longest = 2048
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	content = bytes.TrimSpace(content)
	return string(content[max(0, len(content)-longest):])
}

// cleanups are functions that are all called, in reverse order.
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
