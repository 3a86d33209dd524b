// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What the simulator's objects need to be readable by pyVmomi, and its tasks to be harmless.

package vsim

import (
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// fixer sees every object as it is registered.
type fixer struct {
	self ref
}

func (s *Server) installFixes() {
	f := &fixer{ref{Type: "GantryFixer", Value: "fixer"}}
	s.registry.AddHandler(f)
	for _, object := range s.registry.AllReference("") {
		f.PutObject(nil, object)
	}
}

func (f *fixer) Reference() ref { return f.self }

func (f *fixer) PutObject(_ *simulator.Context, object mo.Reference) {
	switch o := object.(type) {
	case *simulator.Task:
		containTask(o)
		// pyVmomi refuses an entity that is no managed entity, such as the file manager.
		if o.Info.Entity != nil && !isManagedEntity[o.Info.Entity.Type] {
			o.Info.Entity = nil
		}
	case *simulator.ResourcePool:
		ownPoolSummary(o)
	}
}

func (f *fixer) UpdateObject(*simulator.Context, mo.Reference, []types.PropertyChange) {}
func (f *fixer) RemoveObject(*simulator.Context, ref)                                  {}

var isManagedEntity = map[string]bool{"VirtualMachine": true, "HostSystem": true, "Folder": true, "Datacenter": true,
	"Datastore": true, "ClusterComputeResource": true, "ComputeResource": true, "ResourcePool": true, "VirtualApp": true,
	"StoragePod": true, "DistributedVirtualSwitch": true, "VmwareDistributedVirtualSwitch": true,
	"DistributedVirtualPortgroup": true, "Network": true, "OpaqueNetwork": true}

// containTask makes a panic in a simulator's task its fault; it would end the process.
func containTask(task *simulator.Task) {
	run := task.Execute
	if run == nil {
		return
	}
	task.Execute = func(t *simulator.Task) (result types.AnyType, fault types.BaseMethodFault) {
		defer func() {
			if p := recover(); p != nil {
				slog.Error("panic in a task", "task", t.Info.Name, "panic", p, "stack", string(debug.Stack()))
				result, fault = nil, systemError(fmt.Sprintf("%s: %v", t.Info.Name, p))
			}
		}()
		return run(t)
	}
}

// ownPoolSummary separates a pool's summary from those of all others, which the simulator makes the same object.
func ownPoolSummary(pool *simulator.ResourcePool) {
	summary := *pool.Summary.GetResourcePoolSummary()
	summary.Name = pool.Name
	summary.Config = pool.Config
	pool.Summary = &summary
}
