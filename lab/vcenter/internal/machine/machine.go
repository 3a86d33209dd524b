// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package machine is the seam between the lab's vCenter API and what runs its powered-on VMs.
package machine

import (
	"context"
	"errors"
	"net"
	"time"
)

// Disk is one file of a machine's storage.
type Disk struct {
	Path     string // absolute
	Format   string // raw or qcow2
	Unit     int    // on the machine's one SCSI controller
	UUID     string
	ReadOnly bool
}

// NIC is one network adapter.
type NIC struct {
	MAC       string
	Network   string // the port group's name
	Connected bool
}

// Spec is what is started. It does not change while the machine is on.
type Spec struct {
	ID        string // the VM's MoID
	Name      string
	Host      string // the host's name
	CPUs      int
	MemoryMB  int64
	Firmware  string // bios or efi
	ISO       string // absolute path; empty: none connected
	Disks     []Disk
	NICs      []NIC
	GuestInfo map[string]string // guestinfo.* as they were at power on
}

// GuestNIC is an adapter as the guest's tools see it.
type GuestNIC struct {
	MAC       string
	Addresses []string // with prefix length: 10.0.0.5/24
}

// GuestInfo is what the guest's tools report; having it means that they run.
type GuestInfo struct {
	Hostname string
	NICs     []GuestNIC
}

// Info describes a machine that is on.
type Info struct {
	PID        int // 0: there is no process
	CPUSeconds float64
	Console    string // path of the console's log; empty: there is none
}

// What a container's machine is told, and tells.
const (
	SpecKey   = "guestinfo.gantry.spec"
	StatusKey = "guestinfo.gantry.status"
)

// What Move.Mode says.
const (
	// MoveLive means that the guest ran on while its memory was copied.
	MoveLive = "live"
	// MoveStopCopy means that it stood still while its state was copied.
	MoveStopCopy = "stop-copy"
)

// Move is how a machine that is on was moved.
type Move struct {
	Mode  string
	Pause time.Duration // how long the guest stood still
}

// What Events.Off gives as reason, or as its beginning.
const (
	OffGuest   = "the guest powered off"
	OffKilled  = "powered off"
	OffCrashed = "crashed"
	OffReset   = OffCrashed + ": the guest reset itself, as a kernel that panics does"
)

// ErrNoHotAdd is what a hypervisor gives whose machines keep their CPUs and memory while they are on.
var ErrNoHotAdd = errors.New("the lab's hypervisor cannot add CPUs or memory to a machine that is on; power it off first")

// Events is told what happens in machines. It is called without locks of the hypervisor held, and may block.
type Events interface {
	// Set is the guest's info-set.
	Set(id, key, value string)
	Guest(id string, info GuestInfo)
	// Off comes once for each start that succeeded, whatever ended the machine.
	Off(id, reason string)
}

// Hypervisor runs machines.
type Hypervisor interface {
	// Start returns when the machine runs.
	Start(Spec) error
	// PowerButton asks the guest to shut down, and does not wait for it.
	PowerButton(id string) error
	// Kill returns when the machine is off.
	Kill(id string) error
	// Migrate moves a machine that is on: to is the same machine with another host, and perhaps other files and networks.
	// Other files are made by copyFiles, which is called once the guest stands still; nil: the files stay. After an error the
	// machine goes on as it was, unless it ended meanwhile.
	Migrate(id string, to Spec, copyFiles func() error) (Move, error)
	// Fork makes a machine of another that is on: its memory and its devices' state are the other's, as they were at one
	// point in time. goesOn is that other machine, with other disks; clone is the new one. The disks of both must show
	// what the machine's show when it is stopped, as empty overlays do. The clone's guest begins with the addresses of the
	// other's cards, and is heard on the network once it has taken those of its own. After an error the machine goes on
	// as it was.
	Fork(id string, goesOn, clone Spec) (Move, error)
	// Grow gives a machine that is on more CPUs or memory.
	Grow(id string, cpus int, memoryMB int64) error
	// Info is false for a machine that is not on.
	Info(id string) (Info, bool)
	// Dial connects to a TCP port of a guest.
	Dial(ctx context.Context, ip string, port int) (net.Conn, error)
	// Close powers everything off.
	Close() error
}
