// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package spec

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
)

const (
	testCommand = "CMD"
	testShell   = "CMD-SHELL"
)

// validate returns an error for the first invalid value in the document, with its path.
func (s *Spec) validate() error {
	if !isUUID(s.ID) {
		return fmt.Errorf("id %q is not a lower-case UUID", s.ID)
	}
	if s.Revision < 0 {
		return fmt.Errorf("revision %d is negative", s.Revision)
	}
	if len(s.Image.Disk) != 64 || !consistsOf(s.Image.Disk, hexDigits) {
		return fmt.Errorf("image.disk %q is not 64 hexadecimal digits", s.Image.Disk)
	}
	if !isHostname(s.Hostname) {
		return fmt.Errorf("hostname %q is not a host name of at most 64 characters", s.Hostname)
	}
	for _, check := range []func() error{
		s.Process.validate, s.validateNetworks, s.validateNames, s.validateRoot, s.Stop.validate, s.Restart.validate,
		s.validateSysctls, s.validateVolumes, s.validateNFS, s.validateRedirects, s.Hooks.validate,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	if s.Healthcheck != nil {
		if err := s.Healthcheck.validate(); err != nil {
			return err
		}
	}
	if s.Log.MaxBytes < 1 {
		return fmt.Errorf("log.max_bytes %d is not positive", s.Log.MaxBytes)
	}
	if err := s.Log.Syslog.validate(); err != nil {
		return fmt.Errorf("log.syslog: %w", err)
	}
	if err := s.GuestOperations.validate(); err != nil {
		return err
	}
	return s.validateFiles()
}

func (g *GuestOperations) validate() error {
	if g != nil && (len(g.SecretSHA256) != 64 || !consistsOf(g.SecretSHA256, hexDigits)) {
		return errors.New("guest_operations.secret_sha256 is not 64 hexadecimal digits")
	}
	return nil
}

func (p *Process) validate() error {
	if len(p.Args) == 0 || p.Args[0] == "" {
		return errors.New("process.args names no program")
	}
	for _, list := range []struct {
		name  string
		items []string
	}{{"args", p.Args}, {"env", p.Env}, {"groups", p.Groups}} {
		for _, item := range list.items {
			if strings.ContainsRune(item, 0) {
				return fmt.Errorf("process.%s holds a NUL character", list.name)
			}
		}
	}
	for _, variable := range p.Env {
		if strings.IndexByte(variable, '=') < 1 {
			return fmt.Errorf("process.env item %q is not NAME=value", variable)
		}
	}
	if !path.IsAbs(p.Cwd) {
		return fmt.Errorf("process.cwd %q is not an absolute path", p.Cwd)
	}
	if p.Capabilities != nil {
		if _, err := CapabilityNumbers(*p.Capabilities); err != nil {
			return fmt.Errorf("process.capabilities: %w", err)
		}
	}
	return p.validateUlimits()
}

func (s *Spec) validateNetworks() error {
	for i, network := range s.Networks {
		if err := network.validate(); err != nil {
			return fmt.Errorf("networks[%d]: %w", i, err)
		}
	}
	return nil
}

func (n Network) validate() error {
	if n.MAC != "" {
		if _, err := net.ParseMAC(n.MAC); err != nil {
			return fmt.Errorf("mac %q is not a MAC address", n.MAC)
		}
	}
	if err := n.validateIPv4(); err != nil {
		return err
	}
	return n.IPv6.validate()
}

func (n Network) validateIPv4() error {
	if n.DHCP || (n.Address == "" && n.IPv6 != nil) {
		if n.Address != "" || n.Gateway != "" {
			return errors.New("dhcp, and an adapter without IPv4, exclude address and gateway")
		}
		return nil
	}
	return validateStatic(n.Address, n.Gateway, netip.Addr.Is4)
}

func (v *IPv6) validate() error {
	if v == nil {
		return nil
	}
	switch v.Mode {
	case IPv6Static:
		if err := validateStatic(v.Address, v.Gateway, netip.Addr.Is6); err != nil {
			return fmt.Errorf("ipv6.%w", err)
		}
	case IPv6Auto, IPv6Disabled:
		if v.Address != "" || v.Gateway != "" {
			return fmt.Errorf("ipv6.mode %s excludes address and gateway", v.Mode)
		}
	default:
		return fmt.Errorf("ipv6.mode %q is not auto, static or disabled", v.Mode)
	}
	return nil
}

func validateStatic(address, gateway string, isOfFamily func(netip.Addr) bool) error {
	prefix, err := netip.ParsePrefix(address)
	if err != nil || !isOfFamily(prefix.Addr()) {
		return fmt.Errorf("address %q is not an address of this family with a prefix length", address)
	}
	if gateway == "" {
		return nil
	}
	if router, err := netip.ParseAddr(gateway); err != nil || !isOfFamily(router) {
		return fmt.Errorf("gateway %q is not an address of the same family as %s", gateway, address)
	}
	return nil
}

func (s *Spec) validateNames() error {
	for _, server := range s.DNS.Servers {
		if _, err := netip.ParseAddr(server); err != nil {
			return fmt.Errorf("dns.servers item %q is not an address", server)
		}
	}
	for _, word := range append(append([]string{}, s.DNS.Search...), s.DNS.Options...) {
		if word == "" || strings.ContainsAny(word, " \t\r\n") {
			return fmt.Errorf("dns.search or dns.options item %q is not one word", word)
		}
	}
	for name, address := range s.Hosts {
		if name == "" || strings.ContainsAny(name, " \t\r\n#") {
			return fmt.Errorf("hosts: %q is not a host name", name)
		}
		if _, err := netip.ParseAddr(address); err != nil {
			return fmt.Errorf("hosts: %q of %s is not an address", address, name)
		}
	}
	return nil
}

func (s *Spec) validateRoot() error {
	if s.Root.Scratch != nil && (s.Root.Scratch.Unit < 0 || s.Root.Scratch.Unit > 63) {
		return fmt.Errorf("root.scratch.unit %d is not a unit of a SCSI controller", s.Root.Scratch.Unit)
	}
	if s.Root.TmpfsSize != nil && *s.Root.TmpfsSize < 1 {
		return fmt.Errorf("root.tmpfs_size %d is not positive", *s.Root.TmpfsSize)
	}
	if s.ShmSize != nil && *s.ShmSize < 1 {
		return fmt.Errorf("shm_size %d is not positive", *s.ShmSize)
	}
	for i, mount := range s.Tmpfs {
		if !isTarget(mount.Target) {
			return fmt.Errorf("tmpfs[%d].target %q is not an absolute path below /", i, mount.Target)
		}
		if mount.Size != nil && *mount.Size < 1 {
			return fmt.Errorf("tmpfs[%d].size %d is not positive", i, *mount.Size)
		}
		if mount.Mode != "" && (len(mount.Mode) > 4 || !consistsOf(mount.Mode, "01234567")) {
			return fmt.Errorf("tmpfs[%d].mode %q is not an octal mode", i, mount.Mode)
		}
	}
	return nil
}

func (s *Spec) validateVolumes() error {
	known := map[string]bool{}
	for i, volume := range s.Volumes {
		if !isUUID(volume.ID) || volume.ID == s.ID || known[volume.ID] {
			return fmt.Errorf("volumes[%d].id %q is not a lower-case UUID of its own", i, volume.ID)
		}
		known[volume.ID] = true
		for _, origin := range volume.Origins {
			if !isUUID(origin) || origin == volume.ID || origin == s.ID {
				return fmt.Errorf("volumes[%d].origins has %q, which is not a lower-case UUID of another volume", i, origin)
			}
		}
		if !isTarget(volume.Target) {
			return fmt.Errorf("volumes[%d].target %q is not an absolute path below /", i, volume.Target)
		}
		if volume.FileSystem != "" && !slices.Contains(FileSystems, volume.FileSystem) {
			return fmt.Errorf("volumes[%d].file_system %q is none of %s", i, volume.FileSystem, strings.Join(FileSystems, ", "))
		}
		if volume.Unit != nil && (*volume.Unit < 0 || *volume.Unit > 63) {
			return fmt.Errorf("volumes[%d].unit %d is not a unit of a SCSI controller", i, *volume.Unit)
		}
	}
	return nil
}

func (s *Spec) validateNFS() error {
	for i, one := range s.NFS {
		switch {
		case one.Server == "" || strings.ContainsAny(one.Server, ",/ "):
			return fmt.Errorf("nfs[%d].server %q is neither a name nor an address", i, one.Server)
		case one.Port < 0 || one.Port > math.MaxUint16:
			return fmt.Errorf("nfs[%d].port %d is not a port", i, one.Port)
		case !strings.HasPrefix(one.Path, "/"):
			return fmt.Errorf("nfs[%d].path %q is not an absolute path", i, one.Path)
		case !isTarget(one.Target):
			return fmt.Errorf("nfs[%d].target %q is not an absolute path below /", i, one.Target)
		case one.Version != "" && !slices.Contains(NFSVersions, one.Version):
			return fmt.Errorf("nfs[%d].version %q is none of %s", i, one.Version, strings.Join(NFSVersions, ", "))
		case slices.ContainsFunc(one.Options, func(option string) bool { return strings.Contains(option, ",") }):
			return fmt.Errorf("nfs[%d].options has several options in one", i)
		}
	}
	return nil
}

func isTarget(text string) bool { return path.IsAbs(text) && path.Clean(text) != "/" }

func (s *Stop) validate() error {
	if _, err := ParseSignal(s.Signal); err != nil {
		return fmt.Errorf("stop.signal: %w", err)
	}
	return nonNegative("stop.timeout", s.Timeout)
}

func (r *Restart) validate() error {
	switch r.Policy {
	case RestartNo, RestartOnFailure, RestartAlways, RestartUnlessStopped:
	default:
		return fmt.Errorf("restart.policy %q is none of no, on-failure, always, unless-stopped", r.Policy)
	}
	if r.MaxRetries < 0 {
		return fmt.Errorf("restart.max_retries %d is negative", r.MaxRetries)
	}
	return nil
}

func (h *Healthcheck) validate() error {
	switch {
	case len(h.Test) >= 2 && h.Test[0] == testCommand && h.Test[1] != "":
	case len(h.Test) == 2 && h.Test[0] == testShell:
	default:
		return fmt.Errorf("healthcheck.test %q is neither CMD with a program nor CMD-SHELL with one line", h.Test)
	}
	for name, value := range map[string]Seconds{
		"interval": h.Interval, "timeout": h.Timeout, "start_interval": h.StartInterval,
	} {
		if math.IsNaN(float64(value)) || value <= 0 {
			return fmt.Errorf("healthcheck.%s %v is not positive", name, value)
		}
	}
	if err := nonNegative("healthcheck.start_period", h.StartPeriod); err != nil {
		return err
	}
	if h.Retries < 1 {
		return errors.New("healthcheck.retries " + strconv.Itoa(h.Retries) + " is not positive")
	}
	return nil
}

func nonNegative(name string, value Seconds) error {
	if math.IsNaN(float64(value)) || value < 0 {
		return fmt.Errorf("%s %v is negative", name, value)
	}
	return nil
}

// These formats are checked without regular expressions, which would have to be compiled at every boot.

const (
	hexDigits     = "0123456789abcdef"
	hostnameRunes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."
	hostnameMax   = 64
)

func consistsOf(text, alphabet string) bool {
	return strings.Trim(text, alphabet) == ""
}

func isUUID(text string) bool {
	parts := strings.Split(text, "-")
	if len(parts) != 5 {
		return false
	}
	for i, length := range []int{8, 4, 4, 4, 12} {
		if len(parts[i]) != length || !consistsOf(parts[i], hexDigits) {
			return false
		}
	}
	return true
}

func isHostname(text string) bool {
	return text != "" && len(text) <= hostnameMax && consistsOf(text, hostnameRunes) &&
		strings.Trim(text, "-.") == text
}
