// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package machine is the interface between the lab's vCenter API and the hypervisor that runs its VMs.
package machine

import (
	"context"
	"errors"
	"net"
	"time"
)

// Disk is one disk file of a VM.
type Disk struct {
	Path     string // absolute
	Format   string // raw or qcow2
	Unit     int    // on the VM's SCSI controller
	UUID     string
	ReadOnly bool
	// HasBootCode means that BIOS boots the disk: its first sector ends in 55 AA.
	HasBootCode bool
}

// NIC is one network adapter.
type NIC struct {
	MAC       string
	Network   string // the layer 2 network; the hypervisor creates those that it does not know
	Connected bool
}

// Spec describes the VM to start. It does not change while the VM runs.
type Spec struct {
	ID       string // the VM's MoID
	UUID     string // of the firmware; empty: none
	Name     string
	Host     string // the host's name
	CPUs     int
	MemoryMB int64
	// To which size it can grow while it runs; 0: it cannot.
	MaxCPUs     int
	MaxMemoryMB int64

	Firmware  string // bios or efi
	ISO       string // absolute path; empty: none connected
	DiskFirst bool   // the firmware tries the disk before the CD
	Disks     []Disk
	NICs      []NIC
	GuestInfo map[string]string // guestinfo.* keys at power-on
}

// GuestNIC is an adapter as the guest's tools report it.
type GuestNIC struct {
	MAC       string   `json:"mac"`
	Addresses []string `json:"addresses"` // with prefix length: 10.0.0.5/24
}

// GuestInfo is what the guest's tools report. A report means that the tools run; it is empty while they have reported nothing
// yet, at boot and after a move.
type GuestInfo struct {
	Hostname string     `json:"hostname"`
	NICs     []GuestNIC `json:"nics"`
	// Operations means that the guest offers guest operations.
	Operations bool `json:"operations"`
}

// Info describes a running VM.
type Info struct {
	PID        int // 0: there is no process
	CPUSeconds float64
	// ResidentBytes is how much memory of the lab's machine the process has; 0: not measured.
	ResidentBytes int64
	Console       string    // path of the console's log; empty: there is none
	Heartbeat     time.Time // of the guest tools; zero: they have not run
}

// Traffic is what the current process of a VM has transferred.
type Traffic struct {
	ReadBytes, WrittenBytes int64 // of its disks
	ReceivedBytes           int64 // by its adapters
	SentBytes               int64
}

// The guestinfo keys of a container VM.
const (
	SpecKey   = "guestinfo.gantry.spec"
	StatusKey = "guestinfo.gantry.status"
	LogKey    = "guestinfo.gantry.log"
)

// The values of Move.Mode.
const (
	// MoveLive means that the guest ran while its memory was copied.
	MoveLive = "live"
	// MoveStopCopy means that the guest was stopped while its state was copied.
	MoveStopCopy = "stop-copy"
)

// Move describes the migration of a running VM.
type Move struct {
	Mode  string
	Pause time.Duration // how long the guest was stopped
}

// The reasons of Events.Off, or how they begin.
const (
	OffGuest   = "the guest powered off"
	OffKilled  = "powered off"
	OffCrashed = "crashed"
	OffReset   = OffCrashed + ": the guest reset itself, as a kernel that panics does"
)

// ErrNoTools is the error of relaying a command to a guest whose tools do not run.
var ErrNoTools = errors.New("the guest tools do not run")

// ErrNoHotAdd is the error of a hypervisor that cannot change the CPUs and memory of a running VM.
var ErrNoHotAdd = errors.New("the lab's hypervisor cannot add CPUs or memory to a running VM; power it off first")

// FirstDisk returns the disk that the firmware tries before the CD, or nil.
func (s Spec) FirstDisk() *Disk {
	var first *Disk
	for i := range s.Disks {
		if s.DiskFirst && (first == nil || s.Disks[i].Unit < first.Unit) {
			first = &s.Disks[i]
		}
	}
	return first
}

// BootsISO returns whether the firmware boots the ISO.
func (s Spec) BootsISO() bool {
	first := s.FirstDisk()
	return s.ISO != "" && (first == nil || !first.HasBootCode)
}

// Events receives the events of VMs. Its methods are called without locks of the hypervisor, and may block.
type Events interface {
	// Set is called when the guest sets a guestinfo key.
	Set(id, key, value string)
	Guest(id string, info GuestInfo)
	// Restarted is called when the guest has restarted as it was asked to. Its tools do not run until it reports again.
	Restarted(id string)
	// Off is called once for each successful start, however the VM ended.
	Off(id, reason string)
}

// Hypervisor runs VMs.
type Hypervisor interface {
	// Start returns when the VM runs.
	Start(Spec) error
	// PowerButton asks the guest to shut down, and does not wait for it.
	PowerButton(id string) error
	// Restart asks the tools of the guest to restart it, and does not wait for that.
	Restart(id string) error
	// Suspend saves the state of a running VM and releases its memory. The VM can be resumed or killed then. After an error it
	// continues unchanged.
	Suspend(id string) error
	// Resume continues a suspended VM: the spec is the same VM, possibly with another host and other files and networks. After an
	// error it stays suspended.
	Resume(Spec) error
	// Quiesce asks the tools of the guest to freeze its file systems for a snapshot.
	Quiesce(id string) error
	// SetGuestInfo changes guestinfo.* keys of a running VM, which its guest reads. A key with an empty value is removed.
	SetGuestInfo(id string, values map[string]string) error
	// Relay sends a command of a guest operation to the tools of the guest, and returns their answer.
	Relay(ctx context.Context, id string, command []byte) ([]byte, error)
	// Kill returns when the VM, which may be suspended, is powered off.
	Kill(id string) error
	// Migrate moves a running VM: to is the same VM with another host, and possibly other files and networks. copyFiles
	// creates the other files, and is called when the guest is stopped; nil: the files stay. After an error the VM continues
	// unchanged, unless it ended meanwhile.
	Migrate(id string, to Spec, copyFiles func() error) (Move, error)
	// Fork creates a VM from a running one, with a copy of its memory and the state of its devices. continued is the source VM
	// with other disks; clone is the new VM. The disks of both must have the content of the source's disks when the guest is
	// stopped, as empty overlays do. The clone's guest starts with the addresses of the source's adapters, and can use the
	// network when it has changed to its own. After an error the source continues unchanged.
	Fork(id string, continued, clone Spec) (Move, error)
	// Grow adds CPUs or memory to a running VM. After an error, it may have a part of them.
	Grow(id string, cpus int, memoryMB int64) error
	// Connect connects the adapters of a running VM to networks, one for each adapter.
	Connect(id string, networks []string) error
	// Info describes a VM. It returns false for a VM that does not run.
	Info(id string) (Info, bool)
	// Traffic returns false for a VM that does not run, or that has no process.
	Traffic(id string) (Traffic, bool)
	// Dial connects to a TCP port of a guest.
	Dial(ctx context.Context, ip string, port int) (net.Conn, error)
	// Close powers off all VMs.
	Close() error
}
