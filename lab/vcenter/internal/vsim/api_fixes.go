// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Fixes of the simulator's objects: pyVmomi must be able to decode them, and they must not affect other objects.

package vsim

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
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
		f.server.named.add(entity.Reference(), ownName(entity))
	}
}

func (f *fixer) UpdateObject(_ *simulator.Context, object mo.Reference, changes []types.PropertyChange) {
	task, ok := object.(*mo.Task)
	if !ok {
		f.server.named.update(object.Reference(), changes)
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

func (f *fixer) RemoveObject(_ *simulator.Context, gone ref) { f.server.named.remove(gone) }

// ownPoolSummary gives a pool its own summary. In the simulator, all pools share one object.
func ownPoolSummary(pool *simulator.ResourcePool) {
	summary := *pool.Summary.GetResourcePoolSummary()
	summary.Name = pool.Name
	summary.Config = pool.Config
	pool.Summary = &summary
}

// queryConfigOption completes the simulator's answer: the recommended types of devices and the levels of shares are required (API,
// GuestOsDescriptor and SharesOption).
func (s *Server) queryConfigOption(_ *simulator.Context, request *types.QueryConfigOptionEx) (soap.HasFault, types.BaseMethodFault) {
	browser := s.registry.Get(request.This).(*simulator.EnvironmentBrowser)
	body := browser.QueryConfigOptionEx(request).(*methods.QueryConfigOptionExBody)
	if body.Res == nil {
		return body, nil
	}
	option := *body.Res.Returnval
	option.GuestOSDescriptor = slices.Clone(option.GuestOSDescriptor)
	for n := range option.GuestOSDescriptor {
		guest := &option.GuestOSDescriptor[n]
		guest.SupportedDiskControllerList = []string{"ParaVirtualSCSIController", "VirtualLsiLogicController", "VirtualNVMEController", "VirtualAHCIController"}
		guest.SupportedEthernetCard = []string{"VirtualVmxnet3", "VirtualE1000e"}
		guest.RecommendedDiskController = orDefault(guest.RecommendedDiskController, "ParaVirtualSCSIController")
		guest.RecommendedCdromController = orDefault(guest.RecommendedCdromController, "VirtualAHCIController")
		guest.RecommendedEthernetCard = orDefault(guest.RecommendedEthernetCard, "VirtualVmxnet3")
	}
	resources := &option.HardwareOptions.ResourceConfigOption
	resources.CpuAllocationOption.SharesOption.DefaultLevel = types.SharesLevelNormal
	resources.MemoryAllocationOption.SharesOption.DefaultLevel = types.SharesLevelNormal
	return &methods.QueryConfigOptionExBody{Res: &types.QueryConfigOptionExResponse{Returnval: &option}}, nil
}
