// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// CreateVM_Task, and the code shared by all methods that create VMs.

package vsim

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
)

// destination is the place of a new VM in the inventory.
type destination struct {
	folder *simulator.Folder
	pool   *simulator.ResourcePool
	host   *ref   // nil: any host that can run it
	store  string // the datastore of its files, which the host must mount
}

// resolve checks the folder and the pool that a call names.
func (s *Server) resolve(folder ref, pool, host *ref) (destination, types.BaseMethodFault) {
	var d destination
	var ok bool
	if d.folder, ok = s.registry.Get(folder).(*simulator.Folder); !ok || !holdsVMs(d.folder) {
		return d, invalidArgument("folder")
	}
	if pool == nil {
		return d, invalidArgument("spec.location.pool")
	}
	if d.pool, ok = s.registry.Get(*pool).(*simulator.ResourcePool); !ok {
		return d, invalidArgument("pool")
	}
	if host != nil {
		if _, ok = s.registry.Get(*host).(*simulator.HostSystem); !ok {
			return d, invalidArgument("host")
		}
		// CreateVM_Task, CloneVM_Task and ImportVApp require a pool and a host of one compute resource.
		if s.clusterOf(*host) != s.clusterOf(d.pool.Self) {
			return d, invalidArgument("host")
		}
	}
	d.host = host
	return d, nil
}

func holdsVMs(folder *simulator.Folder) bool {
	for _, kind := range folder.ChildType {
		if kind == "VirtualMachine" {
			return true
		}
	}
	return false
}

func (s *Server) createVM(ctx *simulator.Context, request *types.CreateVM_Task) (soap.HasFault, types.BaseMethodFault) {
	to, fault := s.resolve(request.This, &request.Pool, request.Host)
	if fault != nil {
		return nil, fault
	}
	return s.task(ctx, request.This, "CreateVM_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		vm, fault := s.create(by, to, &request.Config)
		if fault != nil {
			return nil, fault
		}
		return vm.Self, nil
	})
}

func (s *Server) create(by cause, to destination, spec *types.VirtualMachineConfigSpec) (*simulator.VirtualMachine, types.BaseMethodFault) {
	name := escaped(spec.Name)
	release, fault := s.takeName(to.folder.Self, name)
	if fault != nil {
		return nil, fault
	}
	defer release()
	if spec.Files == nil || spec.Files.VmPathName == "" {
		return nil, invalidConfig("configSpec.files.vmPathName")
	}
	home, err := datastore.ParsePath(spec.Files.VmPathName)
	if err != nil {
		return nil, &types.InvalidDatastorePath{DatastorePath: spec.Files.VmPathName}
	}
	if s.site.datastores[home.Store] == nil {
		return nil, &types.InvalidDatastorePath{InvalidDatastore: types.InvalidDatastore{Name: home.Store},
			DatastorePath: spec.Files.VmPathName}
	}
	config := newConfig(s.clock.Now())
	to.store = home.Store
	host, fault := s.hostFor(to, &config)
	if fault != nil {
		return nil, fault
	}
	d := &draft{server: s, name: name, home: home, host: host, config: config}
	fault = d.makeNewHome()
	if fault == nil {
		fault = d.apply(spec)
	}
	if fault != nil {
		d.drop()
		return nil, fault
	}
	vm := s.publishNew(d, to.folder, &to.pool.Self)
	s.postCreated(by, vm, spec)
	return vm, nil
}

// makeNewHome creates the folder in the path of the spec, or one with the VM's name.
func (d *draft) makeNewHome() types.BaseMethodFault {
	if !strings.HasSuffix(d.home.Relative, ".vmx") {
		if d.home.Relative == "" {
			d.home = d.home.Join(d.name)
		}
		return d.makeHome()
	}
	vmx := d.home
	d.home = vmx.Dir()
	switch err := d.server.stores.MakeFolder(d.home, false); {
	case err == nil:
		folder := d.home
		d.undo = append(d.undo, func() error { return d.server.stores.RemoveFolder(folder) })
	case !errors.Is(err, fs.ErrExist):
		return fileFault(d.home, err)
	}
	return d.makeConfigFiles(vmx)
}
