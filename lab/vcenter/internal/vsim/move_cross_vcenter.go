// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// RelocateVM_Task to another vCenter: the other one is proved to be the one that is meant, the VM's disks are copied
// to its datastores, a running guest continues there, and the VM is gone from here. (vSphere Web Services API,
// VirtualMachineRelocateSpec.service and ServiceLocator.)

package vsim

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/certificates"
	"gantry.invalid/lab/vcenter/internal/datastore"
	"gantry.invalid/lab/vcenter/internal/machine"
)

// link is another vCenter that this one reaches.
type link struct {
	server      *Server
	certificate tls.Certificate
}

// Link tells of another vCenter, which uses the same hypervisor. It is called before the API is served.
func (s *Server) Link(other *Server, certificate tls.Certificate) {
	s.links = append(s.links, link{other, certificate})
}

// elsewhere is the part of a call that speaks of another vCenter's objects: nil, if it does not.
func elsewhere(body any) *types.VirtualMachineRelocateSpec {
	var spec *types.VirtualMachineRelocateSpec
	switch call := body.(type) {
	case *types.RelocateVM_Task:
		spec = &call.Spec
	case *types.CheckRelocate_Task:
		spec = &call.Spec
	}
	if spec == nil || spec.Service == nil {
		return nil
	}
	return spec
}

// linked finds the vCenter that a locator speaks of, and logs in there.
func (s *Server) linked(locator *types.ServiceLocator) (*Server, types.BaseMethodFault) {
	address, err := url.Parse(locator.Url)
	if err != nil || address.Scheme != "https" || address.Host == "" {
		return nil, invalidArgument("spec.service.url")
	}
	found := s.linkTo(address)
	if found == nil {
		return nil, &types.NoHost{Name: address.Host}
	}
	thumbprint := certificates.Thumbprint(found.certificate)
	given := strings.ToUpper(strings.TrimSpace(locator.SslThumbprint))
	if given != thumbprint && given != certificates.ThumbprintSHA1(found.certificate) {
		// No authority that this vCenter trusts vouches for the other one.
		return nil, &types.SSLVerifyFault{SelfSigned: true, Thumbprint: thumbprint}
	}
	credential, ok := locator.Credential.(*types.ServiceLocatorNamePassword)
	if !ok {
		return nil, notSupported("The lab logs in to another vCenter only with a user name and a password.")
	}
	if !found.server.validPassword(credential.Username, credential.Password) {
		return nil, &types.InvalidLogin{}
	}
	if locator.InstanceUuid != found.server.serviceContent().About.InstanceUuid {
		return nil, invalidArgument("spec.service.instanceUuid")
	}
	return found.server, nil
}

func (s *Server) linkTo(address *url.URL) *link {
	port := address.Port()
	if port == "" {
		port = "443"
	}
	for n, candidate := range s.links {
		host, listens, err := net.SplitHostPort(candidate.server.config.Listen)
		if err == nil && port == listens && (address.Hostname() == host || address.Hostname() == "localhost") {
			return &s.links[n]
		}
	}
	return nil
}

// crossing is a move of a VM to another vCenter.
type crossing struct {
	from, to *Server
	vm       *simulator.VirtualMachine
	spec     *types.VirtualMachineRelocateSpec
	place    destination
	config   types.VirtualMachineConfigInfo // as it is here, a copy
	isOn     bool
}

// crossingOf checks all that can be checked before anything is done.
func (s *Server) crossingOf(vm *simulator.VirtualMachine, spec *types.VirtualMachineRelocateSpec) (*crossing, types.BaseMethodFault) {
	other, fault := s.linked(spec.Service)
	if fault != nil {
		return nil, fault
	}
	c := &crossing{from: s, to: other, vm: vm, spec: spec}
	hasSnapshots := false
	s.locked(vm, func(*simulator.Context) {
		c.config, hasSnapshots = copied(*vm.Config), vm.Snapshot != nil
		c.isOn = vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn
	})
	switch {
	case c.config.Template:
		return nil, notSupported("The lab does not move templates to another vCenter.")
	case hasSnapshots:
		return nil, notSupported("The lab does not move virtual machines with snapshots to another vCenter.")
	}
	if fault := c.resolve(); fault != nil {
		return c, fault
	}
	// linked has checked the type of the credential.
	return c, other.permitArrival(spec.Service.Credential.(*types.ServiceLocatorNamePassword).Username, spec)
}

// resolve reads where the VM is to be. Host or pool, and the datastore, have to be given: this vCenter's mean
// nothing there.
func (c *crossing) resolve() types.BaseMethodFault {
	for _, given := range []*ref{c.spec.Folder, c.spec.Pool, c.spec.Host, c.spec.Datastore} {
		if given != nil && c.to.registry.Get(*given) == nil {
			return &types.ManagedObjectNotFound{Obj: *given}
		}
	}
	pool := c.spec.Pool
	switch {
	case pool != nil:
	case c.spec.Host == nil:
		return invalidArgument("spec.host")
	default:
		cluster := c.to.clusterOf(*c.spec.Host)
		if cluster == nil {
			return invalidArgument("spec.host")
		}
		pool = cluster.ResourcePool
	}
	if c.spec.Datastore == nil {
		return invalidArgument("spec.datastore")
	}
	folder := c.to.site.datacenter.VmFolder
	if c.spec.Folder != nil {
		folder = *c.spec.Folder
	}
	var fault types.BaseMethodFault
	if c.place, fault = c.to.resolve(folder, pool, c.spec.Host); fault != nil {
		return fault
	}
	c.place.store, fault = c.to.cloneStore(&c.config, c.spec.Datastore)
	return fault
}

// blockers are what the VM is connected to and would lose. A device that is not connected does not matter.
func (c *crossing) blockers() []types.BaseMethodFault {
	var faults []types.BaseMethodFault
	for _, device := range c.config.Hardware.Device {
		base := device.GetVirtualDevice()
		if base.Connectable == nil || !base.Connectable.Connected {
			continue
		}
		switch d := device.(type) {
		case *types.VirtualCdrom:
			if iso, isISO := d.Backing.(*types.VirtualCdromIsoBackingInfo); isISO {
				faults = append(faults, &types.CannotAccessVmDevice{Device: base.DeviceInfo.GetDescription().Label,
					Backing: iso.FileName, Connected: true})
			}
		case types.BaseVirtualEthernetCard:
			if c.cardChange(base.Key) == nil {
				network, name := c.from.networkOf(d.GetVirtualEthernetCard())
				faults = append(faults, cannotAccessNetwork(d.GetVirtualEthernetCard(), network, name))
			}
		}
	}
	return faults
}

// checkRelocateAcross says beforehand what a move to another vCenter would be refused for.
func (s *Server) checkRelocateAcross(ctx *simulator.Context, request *types.CheckRelocate_Task) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.Vm)
	if vm == nil {
		return nil, &types.ManagedObjectNotFound{Obj: request.Vm}
	}
	return s.task(ctx, vm.Self, "CheckRelocate_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		c, fault := s.crossingOf(vm, &request.Spec)
		if fault != nil {
			return nil, fault
		}
		faults := c.blockers()
		release, taken := c.to.takeName(c.place.folder.Self, vm.Name)
		if taken == nil {
			release()
		} else {
			faults = append(faults, taken)
		}
		result := types.CheckResult{Vm: &vm.Self, Host: request.Spec.Host}
		for _, fault := range faults {
			result.Error = append(result.Error, *localized(fault))
		}
		return types.ArrayOfCheckResult{CheckResult: []types.CheckResult{result}}, nil
	})
}

// cardChange is what the spec says of a network adapter.
func (c *crossing) cardChange(key int32) *types.VirtualDevice {
	for _, change := range c.spec.DeviceChange {
		edited := change.GetVirtualDeviceConfigSpec()
		if edited.Operation == types.VirtualDeviceConfigSpecOperationEdit && edited.Device != nil &&
			edited.Device.GetVirtualDevice().Key == key && edited.Device.GetVirtualDevice().Backing != nil {
			return edited.Device.GetVirtualDevice()
		}
	}
	return nil
}

// relocateAcross is called with the VM's operations locked.
func (s *Server) relocateAcross(by cause, vm *simulator.VirtualMachine, spec *types.VirtualMachineRelocateSpec) types.BaseMethodFault {
	c, fault := s.crossingOf(vm, spec)
	if fault != nil {
		return fault
	}
	if faults := c.blockers(); len(faults) > 0 {
		return faults[0]
	}
	release, fault := c.to.takeName(c.place.folder.Self, vm.Name)
	if fault != nil {
		return fault
	}
	defer release()
	d, copies, fault := c.draft()
	if fault == nil && !c.isOn {
		fault = copies.fill(c)
	}
	if fault != nil {
		d.drop()
		return fault
	}
	arrived := c.to.publishNew(d, c.place.folder, &c.place.pool.Self)
	if c.isOn {
		lock := c.to.operations.of(arrived.Self)
		lock.Lock()
		defer lock.Unlock()
		if fault := c.carry(arrived, copies); fault != nil {
			logRemoval(c.to.destroy(cause{}, arrived), arrived.Name)
			return fault
		}
	}
	// Unconfirmed: what a real vCenter posts at the two ends.
	c.to.post(cause{}, &types.VmRegisteredEvent{VmEvent: c.to.vmEvent(arrived)})
	s.erase(by, vm)
	return nil
}

func logRemoval(fault types.BaseMethodFault, name string) {
	if fault != nil {
		logFailure(fmt.Errorf("%s", faultText(fault)), "a machine that did not arrive", datastore.Path{Relative: name})
	}
}

// diskCopy is a disk here and the one that it becomes there.
type diskCopy struct {
	source, target datastore.Path
	unit           int
	thin           bool
	uuid           string
}

type diskCopies []diskCopy

// draft makes the VM there: all but the content of its disks.
func (c *crossing) draft() (*draft, diskCopies, types.BaseMethodFault) {
	d := &draft{server: c.to, name: c.vm.Name, home: datastore.Path{Store: c.place.store, Relative: c.vm.Name}, config: copied(c.config)}
	empty := newConfig()
	var fault types.BaseMethodFault
	if d.host, fault = c.to.hostFor(c.place, &empty); fault != nil {
		return d, nil, fault
	}
	if fault := d.makeHome(); fault != nil {
		return d, nil, fault
	}
	copies, fault := c.draftDisks(d)
	if fault != nil {
		return d, nil, fault
	}
	return d, copies, c.draftDevices(d)
}

// draftDevices connects the VM to the other vCenter's networks. A reference of this one's may mean anything there.
func (c *crossing) draftDevices(d *draft) types.BaseMethodFault {
	var cards []types.BaseVirtualDeviceConfigSpec
	for _, device := range d.config.Hardware.Device {
		base := device.GetVirtualDevice()
		switch typed := device.(type) {
		case types.BaseVirtualEthernetCard:
			backing, fault := c.cardBacking(d, typed.GetVirtualEthernetCard())
			if fault != nil {
				return fault
			}
			changed := copied(types.ArrayOfVirtualDevice{VirtualDevice: []types.BaseVirtualDevice{device}}).VirtualDevice[0]
			changed.GetVirtualDevice().Backing = backing
			cards = append(cards, &types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationEdit, Device: changed})
		case *types.VirtualDisk:
		default:
			if file, ok := base.Backing.(types.BaseVirtualDeviceFileBackingInfo); ok {
				file.GetVirtualDeviceFileBackingInfo().Datastore = nil
			}
		}
	}
	return d.apply(&types.VirtualMachineConfigSpec{DeviceChange: cards})
}

// cardBacking is what the spec says, or the network of the same name for an adapter that is not connected.
func (c *crossing) cardBacking(d *draft, card *types.VirtualEthernetCard) (types.BaseVirtualDeviceBackingInfo, types.BaseMethodFault) {
	if wanted := c.cardChange(card.Key); wanted != nil {
		return wanted.Backing, nil
	}
	reference, name := c.from.networkOf(card)
	backing := &types.VirtualEthernetCardNetworkBackingInfo{
		VirtualDeviceDeviceBackingInfo: types.VirtualDeviceDeviceBackingInfo{DeviceName: name}}
	if d.standardNetwork(backing) == nil {
		return nil, cannotAccessNetwork(card, reference, name)
	}
	return backing, nil
}

func cannotAccessNetwork(card *types.VirtualEthernetCard, network ref, name string) types.BaseMethodFault {
	return &types.CannotAccessNetwork{Network: &network, CannotAccessVmDevice: types.CannotAccessVmDevice{
		Device: card.DeviceInfo.GetDescription().Label, Backing: name, Connected: card.Connectable != nil && card.Connectable.Connected}}
}

// draftDisks makes an empty disk there for each one here. What depends on another becomes whole.
func (c *crossing) draftDisks(d *draft) (diskCopies, types.BaseMethodFault) {
	var copies diskCopies
	for _, disk := range disksOf(d.config.Hardware.Device) {
		backing := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
		source := diskPath(disk)
		home, fault := c.homeOfDisk(d, disk.Key)
		if fault != nil {
			return nil, fault
		}
		one := diskCopy{source: source, target: c.to.freeDiskPath(home, d.name, "%s_%d.vmdk"), unit: int(*disk.UnitNumber),
			thin: backing.ThinProvisioned != nil && *backing.ThinProvisioned, uuid: backing.Uuid}
		if err := c.to.stores.CreateDisk(one.target, disk.CapacityInBytes, one.thin, one.uuid); err != nil {
			return nil, fileFault(one.target, err)
		}
		d.madeDisk(one.target)
		if fault := d.describeDisk(disk, backing, one.target); fault != nil {
			return nil, fault
		}
		copies = append(copies, one)
	}
	return copies, nil
}

// homeOfDisk is the VM's folder, or one of its name on the datastore that the spec has for this disk.
func (c *crossing) homeOfDisk(d *draft, key int32) (datastore.Path, types.BaseMethodFault) {
	for _, locator := range c.spec.Disk {
		if locator.DiskId != key {
			continue
		}
		store, fault := c.to.cloneStore(&d.config, &locator.Datastore)
		if fault != nil || store == d.home.Store {
			return d.home, fault
		}
		if fault := c.to.hostMounts(d.host, store); fault != nil {
			return d.home, fault
		}
		home := datastore.Path{Store: store, Relative: d.name}
		made, err := c.to.stores.MakeUniqueFolder(home)
		if err != nil {
			return d.home, fileFault(home, err)
		}
		d.made = append(d.made, func() error { return c.to.stores.RemoveFolder(made) })
		return made, nil
	}
	return d.home, nil
}

// fill copies the content of the disks.
func (copies diskCopies) fill(c *crossing) types.BaseMethodFault {
	for _, one := range copies {
		if err := c.to.stores.FillDisk(one.target, c.from.stores, one.source); err != nil {
			return fileFault(one.target, err)
		}
	}
	return nil
}

// carry lets the running guest continue there. The VM there is on then, and the one here off.
func (c *crossing) carry(arrived *simulator.VirtualMachine, copies diskCopies) types.BaseMethodFault {
	tenant, shares := c.from.hypervisor.(*machine.Tenant)
	other, otherShares := c.to.hypervisor.(*machine.Tenant)
	if !shares || !otherShares {
		return notSupported("The two vCenters do not share a hypervisor.")
	}
	host, fault := c.to.admit(arrived, c.place.host)
	if fault != nil {
		return fault
	}
	c.to.setHost(arrived, host)
	spec, fault := c.machineSpec(arrived, copies)
	if fault != nil {
		c.to.dismiss(arrived.Self)
		return fault
	}
	was := c.from.runs.get(c.vm.Self.Value)
	begun := c.to.runs.begin(arrived)
	move, err := tenant.HandOver(c.vm.Self.Value, other, spec, func() error {
		if fault := copies.fill(c); fault != nil {
			return fmt.Errorf("copying its disks: %s", faultText(fault))
		}
		return nil
	})
	if err != nil {
		begun.failed = true
		close(begun.shown)
		c.to.runs.end(arrived.Self.Value, begun)
		c.to.dismiss(arrived.Self)
		return migrationFault(fmt.Sprintf("Moving virtual machine %s to another vCenter failed. It continues where it was: %v.", spec.Name, err))
	}
	from := c.from.nameOf(c.from.hostOf(c.vm))
	c.to.moves.add(arrived.Self, MoveRecord{From: from, To: spec.Host, Mode: move.Mode, PauseSeconds: move.Pause.Seconds()})
	c.showArrived(arrived)
	close(begun.shown)
	c.from.runs.end(c.vm.Self.Value, was)
	c.from.dismiss(c.vm.Self)
	close(was.done)
	return nil
}

// machineSpec is the VM that runs, with the other vCenter's files, networks and host.
func (c *crossing) machineSpec(arrived *simulator.VirtualMachine, copies diskCopies) (machine.Spec, types.BaseMethodFault) {
	spec, fault := c.from.machineSpec(c.vm)
	if fault != nil {
		return spec, fault
	}
	spec.ID, spec.Host = arrived.Self.Value, c.to.nameOf(c.to.hostOf(arrived))
	for n := range spec.Disks {
		for _, one := range copies {
			if one.unit != spec.Disks[n].Unit {
				continue
			}
			disk, err := c.to.stores.Disk(one.target)
			if err != nil {
				return spec, fileFault(one.target, err)
			}
			spec.Disks[n].Path, spec.Disks[n].Format = disk.Data, disk.Format
		}
	}
	for n, card := range cardsOf(arrived.Config.Hardware.Device) {
		_, spec.NICs[n].Network = c.to.networkOf(card)
	}
	return spec, nil
}

// showArrived shows the VM there on, with what its guest has said here until now.
func (c *crossing) showArrived(arrived *simulator.VirtualMachine) {
	var options []types.BaseOptionValue
	var runtime types.VirtualMachineRuntimeInfo
	var guest types.GuestInfo
	c.from.locked(c.vm, func(*simulator.Context) {
		options, runtime, guest = c.vm.Config.ExtraConfig, c.vm.Runtime, copied(*c.vm.Guest)
	})
	c.to.locked(arrived, func(ctx *simulator.Context) {
		config := *arrived.Config
		config.ExtraConfig = rebase(config.ExtraConfig, options, config.ExtraConfig)
		config.Hardware.Device = connectedAs(config.Hardware.Device, c.config.Hardware.Device)
		for n := range guest.Net {
			for _, card := range cardsOf(config.Hardware.Device) {
				if strings.EqualFold(card.MacAddress, guest.Net[n].MacAddress) {
					_, guest.Net[n].Network = c.to.networkOf(card)
				}
			}
		}
		changes := append(diffOptions(arrived.Config.ExtraConfig, config.ExtraConfig), powerChanges(types.VirtualMachinePowerStatePoweredOn)...)
		arrived.Config = &config
		ctx.Update(arrived, append(changes, set("config.extraConfig", config.ExtraConfig), set("config.hardware.device", config.Hardware.Device),
			set("runtime.bootTime", *runtime.BootTime), set("summary.runtime.bootTime", *runtime.BootTime), set("runtime.cleanPowerOff", false)))
		showGuest(ctx, arrived, &guest)
	})
}

// connectedAs returns devices that are connected where others of the same keys are.
func connectedAs(devices, others []types.BaseVirtualDevice) []types.BaseVirtualDevice {
	changed := copied(types.ArrayOfVirtualDevice{VirtualDevice: devices}).VirtualDevice
	for _, device := range changed {
		for _, other := range others {
			was, is := other.GetVirtualDevice(), device.GetVirtualDevice()
			if was.Key == is.Key && was.Connectable != nil && is.Connectable != nil {
				is.Connectable.Connected = was.Connectable.Connected
			}
		}
	}
	return changed
}
