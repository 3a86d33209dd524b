// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Fixes of the simulator's objects: pyVmomi must be able to decode them, and they must not affect other objects.

package vsim

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// fixer is called for every object when it is registered.
type fixer struct {
	self   ref
	server *Server
}

func (s *Server) installFixes() {
	f := &fixer{ref{Type: "GantryFixer", Value: "fixer"}, s}
	s.registry.AddHandler(f)
	for _, object := range s.registry.AllReference("") {
		f.PutObject(nil, object)
	}
}

func (f *fixer) Reference() ref { return f.self }

func (f *fixer) PutObject(_ *simulator.Context, object mo.Reference) {
	switch o := object.(type) {
	case *simulator.Task:
		if hasEnded(o.Info.State) { // while the inventory was built
			f.server.forgetLater(o.Self, *o.Info.Entity)
		}
		if o.Execute != nil { // it is the simulator's
			f.server.simulated.contain(f.server.registry, o)
			nameSimulated(o)
			o.Info.QueueTime = f.server.clock.At(o.Info.QueueTime)
		}
	case *simulator.ResourcePool:
		ownPoolSummary(o)
	}
	if entity, ok := object.(mo.Entity); ok {
		f.server.addFields(entity)
	}
}

func (f *fixer) UpdateObject(_ *simulator.Context, object mo.Reference, changes []types.PropertyChange) {
	task, ok := object.(*mo.Task)
	if !ok {
		return
	}
	if f.server.simulated.has(task.Self) {
		f.server.stampSimulated(task, changes)
	}
	if hasEnded(task.Info.State) && changesState(changes) {
		f.server.simulated.end(task.Self)
		f.server.forgetLater(task.Self, *task.Info.Entity)
	}
}

func (f *fixer) RemoveObject(*simulator.Context, ref) {}

// ownPoolSummary gives a pool its own summary. In the simulator, all pools share one object.
func ownPoolSummary(pool *simulator.ResourcePool) {
	summary := *pool.Summary.GetResourcePoolSummary()
	summary.Name = pool.Name
	summary.Config = pool.Config
	pool.Summary = &summary
}
