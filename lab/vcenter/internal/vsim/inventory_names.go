// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Objects by their names. The simulator compares a name with those of all objects of a folder, so that the time to create many VMs
// grows with the square of their number.

package vsim

import (
	"maps"
	"slices"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// nameIndex has the objects that have a name, and some that have had it.
type nameIndex struct {
	mu     sync.Mutex
	byName map[string]map[ref]bool
	names  map[ref][]string
}

func (n *nameIndex) with(name string) []ref {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Collect(maps.Keys(n.byName[name]))
}

func (n *nameIndex) add(object ref, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.byName == nil {
		n.byName, n.names = map[string]map[ref]bool{}, map[ref][]string{}
	}
	if n.byName[name] == nil {
		n.byName[name] = map[ref]bool{}
	}
	if !n.byName[name][object] {
		n.byName[name][object] = true
		n.names[object] = append(n.names[object], name)
	}
}

// update adds the new name of an object.
func (n *nameIndex) update(object ref, changes []types.PropertyChange) {
	for _, change := range changes {
		if name, ok := change.Val.(string); ok && change.Name == "name" {
			n.add(object, name)
		}
	}
}

func (n *nameIndex) remove(gone ref) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range n.names[gone] {
		if delete(n.byName[name], gone); len(n.byName[name]) == 0 {
			delete(n.byName, name)
		}
	}
	delete(n.names, gone)
}

// ownName returns the name of an entity. Networks and switches have a property of their own for it.
func ownName(entity mo.Entity) string {
	own := ""
	switch one := entity.(type) {
	case *mo.Network:
		own = one.Name
	case *mo.OpaqueNetwork:
		own = one.Name
	case *simulator.DistributedVirtualPortgroup:
		own = one.Name
	case *simulator.DistributedVirtualSwitch:
		own = one.Name
	}
	if own != "" {
		return own
	}
	return entity.Entity().Name
}
