// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package resolver

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// TableVersion is the only version of the table that this init supports.
const TableVersion = 1

// maxNameBytes limits a name, as DNS does.
const maxNameBytes = 253

// Table has the addresses of the containers by their names (docs/developers/contracts.md, section 12).
type Table struct {
	// Serial is higher than that of each earlier table of the same container.
	Serial    int64
	addresses map[string][]netip.Addr
	names     map[netip.Addr][]string
}

// ParseTable decodes and validates a table.
func ParseTable(document []byte) (*Table, error) {
	var parsed struct {
		Version int                     `json:"version"`
		Serial  int64                   `json:"serial"`
		Names   map[string][]netip.Addr `json:"names"`
	}
	if err := json.Unmarshal(document, &parsed); err != nil {
		return nil, fmt.Errorf("not a table of names: %w", err)
	}
	if parsed.Version != TableVersion {
		return nil, fmt.Errorf("version %d of the table is not supported; this init reads version %d", parsed.Version, TableVersion)
	}
	table := &Table{Serial: parsed.Serial, addresses: make(map[string][]netip.Addr, len(parsed.Names))}
	for name, addresses := range parsed.Names {
		if name == "" || len(name) > maxNameBytes {
			return nil, fmt.Errorf("%q is not a name of at most %d characters", name, maxNameBytes)
		}
		if len(addresses) == 0 {
			return nil, fmt.Errorf("%q has no address", name)
		}
		for _, address := range addresses {
			if !address.IsValid() || address.Zone() != "" {
				return nil, errors.New("an address of " + name + " is not valid")
			}
		}
		table.addresses[strings.ToLower(name)] = addresses
	}
	table.names = reverseNames(table.addresses)
	return table, nil
}

// IsFollowedBy returns whether another table replaces this one.
func (t *Table) IsFollowedBy(other *Table) bool { return other.Serial > t.Serial }

// lookup returns the addresses of a name, without its final dot and in any case; false if the table does not have it.
func (t *Table) lookup(name string) ([]netip.Addr, bool) {
	if t == nil {
		return nil, false
	}
	addresses, known := t.addresses[strings.ToLower(strings.TrimSuffix(name, "."))]
	return addresses, known
}

// lookupAddress returns the names of the address that a name of the reverse domains stands for; false if the table does not have it.
func (t *Table) lookupAddress(name string) ([]string, bool) {
	if t == nil {
		return nil, false
	}
	address, ok := reversed(name)
	if !ok {
		return nil, false
	}
	names, known := t.names[address]
	return names, known
}
