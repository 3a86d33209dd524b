// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package spec parses and validates the document that describes what to run (docs/developers/contracts.md, section 2). It
// does no I/O.
package spec

import (
	"encoding/hex"
	"math"
	"net/netip"
	"strconv"
	"syscall"
	"time"
)

// Version is the only version of the document that this init supports.
const Version = 1

// MaxBytes limits the size of the document, so that a damaged disk or length field cannot exhaust the memory.
const MaxBytes = 1 << 20

// Spec is the whole document.
type Spec struct {
	Version     int               `json:"version"`
	Revision    int               `json:"revision"` // raised by each change that is made while the container runs
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Image       Image             `json:"image"`
	Process     Process           `json:"process"`
	Hostname    string            `json:"hostname"`
	Networks    []Network         `json:"networks"`
	DNS         DNS               `json:"dns"`
	Hosts       map[string]string `json:"hosts"`
	Root        Root              `json:"root"`
	Tmpfs       []Tmpfs           `json:"tmpfs"`
	Volumes     []Volume          `json:"volumes"`
	NFS         []NFS             `json:"nfs"`
	ShmSize     *int64            `json:"shm_size"` // nil: DefaultShmSize
	Stop        Stop              `json:"stop"`
	Restart     Restart           `json:"restart"`
	Healthcheck *Healthcheck      `json:"healthcheck"`
	Hooks       Hooks             `json:"hooks"`
	Log         Log               `json:"log"`
	Sysctls     map[string]string `json:"sysctls"`
	Redirects   []Redirect        `json:"redirects"`

	GuestOperations *GuestOperations `json:"guest_operations"` // nil: none are offered
	Files           *Files           `json:"files"`            // nil: none
}

// Files announces the files and secrets that are delivered by guest operations before the container starts.
type Files struct {
	SHA256  string `json:"sha256"` // of the delivery
	Entries []File `json:"entries"`
	// Signals are what the first process of a container gets whose files become these while it runs.
	Signals []string `json:"signals"`
}

// File is one file, in the order of the delivery. Its owner and group are names of the image or numbers.
type File struct {
	Target string `json:"target"`
	Owner  string `json:"owner"`
	Group  string `json:"group"`
	Mode   string `json:"mode"`
}

// Permissions returns the mode as a number. It must only be called for validated documents.
func (f File) Permissions() uint32 {
	mode, err := strconv.ParseUint(f.Mode, 8, 32)
	if err != nil {
		panic(err)
	}
	return uint32(mode)
}

// Numbers returns the signals. It must only be called for validated documents.
func (f Files) Numbers() []syscall.Signal {
	numbers := make([]syscall.Signal, 0, len(f.Signals))
	for _, text := range f.Signals {
		numbers = append(numbers, mustParseSignal(text))
	}
	return numbers
}

// FileEntries returns the files of the container, if any.
func (s *Spec) FileEntries() []File {
	if s.Files == nil {
		return nil
	}
	return s.Files.Entries
}

// GuestOperations has what protects the guest operations: the SHA-256 of the secret that requests must have.
type GuestOperations struct {
	SecretSHA256 string `json:"secret_sha256"`
}

// Hash returns the SHA-256. It must only be called for validated documents.
func (g GuestOperations) Hash() []byte {
	hash, err := hex.DecodeString(g.SecretSHA256)
	if err != nil {
		panic(err)
	}
	return hash
}

// Image identifies the image disk.
type Image struct {
	Digest string `json:"digest"`
	Disk   string `json:"disk"`
}

// Process is the container's main process.
type Process struct {
	Args         []string          `json:"args"`
	Env          []string          `json:"env"`
	User         string            `json:"user"`
	Groups       []string          `json:"groups"`
	Cwd          string            `json:"cwd"`
	Capabilities *[]string         `json:"capabilities"` // nil: Docker's default set
	Init         bool              `json:"init"`         // the program is not PID 1, but a child of a process that reaps orphans
	Ulimits      map[string]Ulimit `json:"ulimits"`      // by Docker's names
}

// Network is one network adapter's configuration.
type Network struct {
	MAC     string `json:"mac"` // empty: the adapter at the same position in the VM's configuration
	DHCP    bool   `json:"dhcp"`
	Address string `json:"address"`
	Gateway string `json:"gateway"`
	IPv6    *IPv6  `json:"ipv6"` // nil: what routers advertise, and the boot does not wait for it
}

// IPv6 is how an adapter gets its IPv6 addresses.
type IPv6 struct {
	Mode    string `json:"mode"`
	Address string `json:"address"`
	Gateway string `json:"gateway"`
}

// The modes of IPv6.
const (
	IPv6Auto     = "auto" // what routers advertise, which the boot waits for
	IPv6Static   = "static"
	IPv6Disabled = "disabled"
)

// Static is an address with its prefix length, and the gateway, which is not valid if there is none.
type Static struct {
	Prefix  netip.Prefix
	Gateway netip.Addr
}

// Statics returns the static addresses of the adapter. It must only be called for validated networks.
func (n Network) Statics() []Static {
	var statics []Static
	if n.Address != "" {
		statics = append(statics, newStatic(n.Address, n.Gateway))
	}
	if n.IPv6 != nil && n.IPv6.Mode == IPv6Static {
		statics = append(statics, newStatic(n.IPv6.Address, n.IPv6.Gateway))
	}
	return statics
}

func newStatic(address, gateway string) Static {
	static := Static{Prefix: netip.MustParsePrefix(address)}
	if gateway != "" {
		static.Gateway = netip.MustParseAddr(gateway)
	}
	return static
}

// DNS is the configuration of the resolver. For empty lists, the values from DHCP are used.
type DNS struct {
	Servers []string `json:"servers"`
	Search  []string `json:"search"`
	Options []string `json:"options"`
	Names   bool     `json:"names"` // other containers are found by name: the container asks init's resolver
}

// Root describes the root file system.
type Root struct {
	ReadOnly  bool     `json:"read_only"`
	Scratch   *Scratch `json:"scratch"`
	TmpfsSize *int64   `json:"tmpfs_size"`
}

// Scratch is the writable disk: its unit on SCSI controller 0.
type Scratch struct {
	Unit int `json:"unit"`
}

// Tmpfs is one in-memory mount of the container.
type Tmpfs struct {
	Target string `json:"target"`
	Size   *int64 `json:"size"`
	Mode   string `json:"mode"`
}

// Volume is a disk of its own that is mounted in the container.
type Volume struct {
	Name     string `json:"name"` // for messages
	ID       string `json:"id"`   // the UUID of its file system
	Unit     *int   `json:"unit"` // its unit on SCSI controller 0, where it may be formatted; nil: only a formatted disk is used
	Target   string `json:"target"`
	ReadOnly bool   `json:"read_only"`
	Copy     bool   `json:"copy"` // the image's files at the target are copied to it at its first use
	// Origins are the UUIDs that a copy of another volume may still have. It gets its own when it is mounted.
	Origins []string `json:"origins"`
	// FileSystem is the one that a blank disk gets: ext4, xfs, or "" for ext4.
	FileSystem string `json:"file_system"`
}

// NFS is a directory of an NFS server that is mounted in the container.
type NFS struct {
	Server   string   `json:"server"` // its name or its address
	Port     int      `json:"port"`   // 0: that of NFS
	Path     string   `json:"path"`
	Target   string   `json:"target"`
	ReadOnly bool     `json:"read_only"`
	Version  string   `json:"version"` // 4.0, 4.1, 4.2, or "" for the newest that the server has
	Options  []string `json:"options"` // of the kernel
}

// NFSVersions are the versions of the protocol, the newest first.
var NFSVersions = []string{"4.2", "4.1", "4.0"}

// The file systems of volumes, as the kernel calls them.
const (
	FileSystemExt4 = "ext4"
	FileSystemXFS  = "xfs"
)

// FileSystems are all of them.
var FileSystems = []string{FileSystemExt4, FileSystemXFS}

// DefaultShmSize is the size of /dev/shm in Docker.
const DefaultShmSize = 64 << 20

// Shm returns the size of /dev/shm.
func (s *Spec) Shm() int64 {
	if s.ShmSize == nil {
		return DefaultShmSize
	}
	return *s.ShmSize
}

// Seconds is a duration in the document.
type Seconds float64

// Duration converts the value, limited to the longest duration in Go.
func (s Seconds) Duration() time.Duration {
	nanoseconds := float64(s) * float64(time.Second)
	if nanoseconds >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(nanoseconds)
}

// Stop describes how the container is stopped.
type Stop struct {
	Signal  string  `json:"signal"`
	Timeout Seconds `json:"timeout"`
}

// Number returns the stop signal. It must only be called for validated documents.
func (s Stop) Number() syscall.Signal { return mustParseSignal(s.Signal) }

func mustParseSignal(text string) syscall.Signal {
	number, err := ParseSignal(text)
	if err != nil {
		panic(err)
	}
	return number
}

// The restart policies.
const (
	RestartNo            = "no"
	RestartOnFailure     = "on-failure"
	RestartAlways        = "always"
	RestartUnlessStopped = "unless-stopped"
)

// Restart is the policy for a process that ends by itself.
type Restart struct {
	Policy     string `json:"policy"`
	MaxRetries int    `json:"max_retries"` // 0: no limit
}

// Healthcheck is a command run inside the container, in Docker's form.
type Healthcheck struct {
	Test          []string `json:"test"`
	Interval      Seconds  `json:"interval"`
	Timeout       Seconds  `json:"timeout"`
	Retries       int      `json:"retries"`
	StartPeriod   Seconds  `json:"start_period"`
	StartInterval Seconds  `json:"start_interval"`
}

// Command returns the argument vector of the check. It must only be called for validated documents.
func (h Healthcheck) Command() []string {
	if h.Test[0] == testShell {
		return []string{"/bin/sh", "-c", h.Test[1]}
	}
	return h.Test[1:]
}

// Hooks are commands that are run inside the container: after each start of its process, and before it is stopped.
type Hooks struct {
	PostStart []Hook `json:"post_start"`
	PreStop   []Hook `json:"pre_stop"`
}

// Hook is one command.
type Hook struct {
	Args []string `json:"args"`
	Env  []string `json:"env"`  // added to the container's
	User string   `json:"user"` // empty: the container's
	Cwd  string   `json:"cwd"`  // empty: the container's
}

// Log limits the size of the stored output.
type Log struct {
	MaxBytes int64   `json:"max_bytes"`
	Syslog   *Syslog `json:"syslog"` // nil: the output is not sent
}

// Encrypted returns whether the output is sent by TLS.
func (l Log) Encrypted() bool { return l.Syslog != nil && l.Syslog.Transport == SyslogTLS }
