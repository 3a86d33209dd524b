// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The requests of the guest. A reply begins with 1 or 0, for success or failure.

package vmx

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"

	"github.com/vmware/govmomi/toolbox"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// longestRequest is the most that a guest may send at once (open-vm-tools, guest_msg_def.h: GUESTMSG_MAX_IN_SIZE).
const longestRequest = 64 << 10

// The kinds of SetGuestInfo that the lab keeps (open-vm-tools, guestInfo.h).
const (
	hostnameInfo = "1"
	nicInfo      = "9"
)

// answer returns the reply to a request of the guest. The texts of the refusals are unconfirmed, but for the unknown key and
// the unknown command.
func (v *VMX) answer(command []byte) []byte {
	if len(command) > longestRequest {
		return fmt.Appendf(nil, "0 Request too long: %d bytes; the limit is %d", len(command), longestRequest)
	}
	name, rest, _ := bytes.Cut(bytes.TrimRight(command, "\x00"), []byte{' '})
	switch string(name) {
	case "info-set":
		return v.setInfo(string(rest))
	case "info-get":
		return v.getInfo(string(rest))
	case "SetGuestInfo":
		return v.setGuestInfo(command)
	case "tools.set.version":
		return []byte("1 ")
	case "tools.capability.hgfs_server":
		v.mu.Lock()
		v.servesFiles = true
		v.mu.Unlock()
		v.askOperations()
		return []byte("1 ")
	case "tools.capability.statechange":
		v.toolsRun()
		return []byte("1 ")
	case "tools.os.statechange.status":
		if !bytes.HasPrefix(rest, []byte("1 ")) {
			slog.Warn("a guest refused a power operation", "status", string(rest))
		}
		return []byte("1 ")
	}
	return []byte("0 Unknown command")
}

func (v *VMX) setInfo(assignment string) []byte {
	key, value, _ := strings.Cut(assignment, " ")
	if !strings.HasPrefix(key, "guestinfo.") {
		return []byte("0 Permission denied")
	}
	v.mu.Lock()
	v.values[key] = value
	v.mu.Unlock()
	v.events.Set(key, value)
	return []byte("1 ")
}

func (v *VMX) getInfo(key string) []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	value, known := v.values[key]
	if !known {
		return []byte("0 No value found")
	}
	return []byte("1 " + value)
}

// SetInfo changes values as the API does, without an event. A key with an empty value is removed.
func (v *VMX) SetInfo(values map[string]string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for key, value := range values {
		if value == "" {
			delete(v.values, key)
			continue
		}
		v.values[key] = value
	}
}

// toolsRun records that the tools run and handle power operations.
func (v *VMX) toolsRun() {
	v.mu.Lock()
	v.stateChange = true
	v.mu.Unlock()
	v.report(func(*machine.GuestInfo) {})
}

// setGuestInfo handles "SetGuestInfo  <kind> <data>", with two blanks and binary data.
func (v *VMX) setGuestInfo(command []byte) []byte {
	kind, data, _ := bytes.Cut(bytes.TrimPrefix(command, []byte("SetGuestInfo  ")), []byte{' '})
	var nics []machine.GuestNIC
	switch string(kind) {
	case hostnameInfo:
	case nicInfo:
		var err error
		if nics, err = decodeNICs(data); err != nil {
			return fmt.Appendf(nil, "0 %v", err)
		}
	default:
		return []byte("0 The lab keeps no guest information of this kind")
	}
	v.report(func(info *machine.GuestInfo) {
		if string(kind) == nicInfo {
			info.NICs = nics
		} else {
			info.Hostname = string(bytes.TrimRight(data, "\x00"))
		}
	})
	v.askOperations()
	return []byte("1 ")
}

// decodeNICs decodes GuestNicInfo in XDR (open-vm-tools, nicinfo.x).
func decodeNICs(data []byte) ([]machine.GuestNIC, error) {
	var info toolbox.GuestNicInfo
	if err := toolbox.DecodeXDR(data, &info); err != nil {
		return nil, fmt.Errorf("the network information is no XDR: %w", err)
	}
	if info.V3 == nil {
		return nil, fmt.Errorf("the network information has version %d instead of 3", info.Version)
	}
	var nics []machine.GuestNIC
	for _, reported := range info.V3.Nics {
		nic := machine.GuestNIC{MAC: reported.MacAddress}
		for _, entry := range reported.IPs {
			address, ok := netip.AddrFromSlice(entry.Address.Address)
			if !ok {
				return nil, fmt.Errorf("an address of %d bytes", len(entry.Address.Address))
			}
			nic.Addresses = append(nic.Addresses, netip.PrefixFrom(address, int(entry.PrefixLength)).String())
		}
		nics = append(nics, nic)
	}
	return nics, nil
}
