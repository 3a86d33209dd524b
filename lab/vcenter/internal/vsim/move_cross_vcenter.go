// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// RelocateVM_Task to another vCenter: the identity of the target vCenter is verified, the VM's disks are copied to its
// datastores, a running guest is migrated, and the VM is removed from this vCenter. (vSphere Web Services API,
// VirtualMachineRelocateSpec.service and ServiceLocator.)

package vsim

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
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

// link is another vCenter that this one can reach.
type link struct {
	server      *Server
	certificate tls.Certificate
}

// Link adds another vCenter with the same hypervisor. It is called before the API is served.
func (s *Server) Link(other *Server, certificate tls.Certificate) {
	s.links = append(s.links, link{other, certificate})
}

// crossVCenterSpec returns the spec of a call whose references belong to another vCenter, or nil.
func crossVCenterSpec(body any) *types.VirtualMachineRelocateSpec {
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

// linked finds the vCenter of a service locator, and verifies certificate, credentials and instance UUID.
func (s *Server) linked(locator *types.ServiceLocator) (*Server, types.BaseMethodFault) {
	address, err := url.Parse(locator.Url)
	if err != nil || address.Scheme != "https" || address.Host == "" {
		return nil, invalidArgument("spec.service.url")
	}
	found := s.linkTo(address)
	if found == nil {
		return nil, &types.NoHost{Name: address.Host}
	}
	if fault := s.verifyLocator(locator, found.certificate); fault != nil {
		return nil, fault
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

// verifyLocator verifies the certificate of the other vCenter by what the locator has of it: before 9.0 a thumbprint, since 9.0
// the certificate (ServiceLocator.sslCertificate of the API reference, which supersedes sslThumbprint; both must correspond).
// That 9.0 does not accept a thumbprint alone is unconfirmed; it refuses one in the specification of a host (pyvmomi issue 1098).
func (s *Server) verifyLocator(locator *types.ServiceLocator, shown tls.Certificate) types.BaseMethodFault {
	thumbprint := certificates.Thumbprint(shown)
	given := strings.ToUpper(strings.TrimSpace(locator.SslThumbprint))
	corresponds := given == thumbprint || given == certificates.ThumbprintSHA1(shown)
	if !s.Behavior().knowsCertificates() {
		if !corresponds {
			// This vCenter trusts no authority that has signed the other one's certificate.
			return &types.SSLVerifyFault{SelfSigned: true, Thumbprint: thumbprint}
		}
		return nil
	}
	if given != "" && (locator.SslCertificate == "" || !corresponds) {
		return invalidArgument("spec.service.sslThumbprint")
	}
	block, _ := pem.Decode([]byte(locator.SslCertificate))
	if block == nil || !bytes.Equal(block.Bytes, shown.Leaf.Raw) {
		return &types.SSLVerifyFault{SelfSigned: true, Thumbprint: thumbprint}
	}
	return nil
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

// crossMigration is a cross-vCenter migration of a VM.
type crossMigration struct {
	from, to *Server
	vm       *simulator.VirtualMachine
	spec     *types.VirtualMachineRelocateSpec
	place    destination
	config   types.VirtualMachineConfigInfo // a copy of the source VM's configuration
	isOn     bool
}

// planCrossMigration resolves the spec and checks all preconditions, without changes.
func (s *Server) planCrossMigration(vm *simulator.VirtualMachine, spec *types.VirtualMachineRelocateSpec) (*crossMigration, types.BaseMethodFault) {
	other, fault := s.linked(spec.Service)
	if fault != nil {
		return nil, fault
	}
	c := &crossMigration{from: s, to: other, vm: vm, spec: spec}
	hasSnapshots, isSuspended := false, false
	s.locked(vm, func(*simulator.Context) {
		c.config, hasSnapshots = copied(*vm.Config), vm.Snapshot != nil
		c.isOn = vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn
		isSuspended = vm.Runtime.PowerState == types.VirtualMachinePowerStateSuspended
	})
	switch {
	case isSuspended:
		return nil, notSupported("The lab does not move suspended virtual machines to another vCenter.")
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

// resolve resolves the destination. The spec must have a host or a pool, and a datastore: the VM's current ones do not exist
// in the target vCenter.
func (c *crossMigration) resolve() types.BaseMethodFault {
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

// blockers returns the faults of connected devices whose backing does not exist in the target vCenter. Disconnected devices
// are ignored.
func (c *crossMigration) blockers() []types.BaseMethodFault {
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

// checkCrossVCenterRelocate implements CheckRelocate_Task for another vCenter.
func (s *Server) checkCrossVCenterRelocate(ctx *simulator.Context, request *types.CheckRelocate_Task) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.Vm)
	if vm == nil {
		return nil, &types.ManagedObjectNotFound{Obj: request.Vm}
	}
	return s.task(ctx, vm.Self, "CheckRelocate_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		c, fault := s.planCrossMigration(vm, &request.Spec)
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

// cardChange returns the spec's change of a network adapter, or nil.
func (c *crossMigration) cardChange(key int32) *types.VirtualDevice {
	for _, change := range c.spec.DeviceChange {
		edited := change.GetVirtualDeviceConfigSpec()
		if edited.Operation == types.VirtualDeviceConfigSpecOperationEdit && edited.Device != nil &&
			edited.Device.GetVirtualDevice().Key == key && edited.Device.GetVirtualDevice().Backing != nil {
			return edited.Device.GetVirtualDevice()
		}
	}
	return nil
}

// relocateCrossVCenter moves the VM. The caller holds the VM's operation lock.
func (s *Server) relocateCrossVCenter(by cause, vm *simulator.VirtualMachine, spec *types.VirtualMachineRelocateSpec) types.BaseMethodFault {
	c, fault := s.planCrossMigration(vm, spec)
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
	target := c.to.publishNew(d, c.place.folder, &c.place.pool.Self)
	if c.isOn {
		lock := c.to.operations.of(target.Self)
		lock.Lock()
		defer lock.Unlock()
		if fault := c.migrateGuest(target, copies); fault != nil {
			logRemoval(c.to.destroy(cause{}, target), target.Name)
			return fault
		}
	}
	// Unconfirmed: which events the two real vCenters post.
	c.to.post(cause{}, &types.VmRegisteredEvent{VmEvent: c.to.vmEvent(target)})
	s.erase(by, vm)
	return nil
}

func logRemoval(fault types.BaseMethodFault, name string) {
	if fault != nil {
		logFailure(fmt.Errorf("%s", faultText(fault)), "a VM whose migration failed", datastore.Path{Relative: name})
	}
}

// diskCopy maps a source disk to its copy in the target vCenter.
type diskCopy struct {
	source, target datastore.Path
	unit           int
	thin           bool
	uuid           string
}

type diskCopies []diskCopy

// draft creates the VM in the target vCenter, without the content of its disks.
func (c *crossMigration) draft() (*draft, diskCopies, types.BaseMethodFault) {
	d := &draft{server: c.to, name: c.vm.Name, home: datastore.Path{Store: c.place.store, Relative: c.vm.Name}, config: copied(c.config)}
	empty := newConfig(c.to.clock.Now())
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

// draftDevices connects the VM to networks of the target vCenter. References of this vCenter are not valid there.
func (c *crossMigration) draftDevices(d *draft) types.BaseMethodFault {
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

// cardBacking returns the backing from the spec, or the network of the same name for a disconnected adapter.
func (c *crossMigration) cardBacking(d *draft, card *types.VirtualEthernetCard) (types.BaseVirtualDeviceBackingInfo, types.BaseMethodFault) {
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

// draftDisks creates an empty disk for each source disk. A linked clone's disk becomes a full disk.
func (c *crossMigration) draftDisks(d *draft) (diskCopies, types.BaseMethodFault) {
	var copies diskCopies
	for _, disk := range disksOf(d.config.Hardware.Device) {
		backing := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
		if disk.VDiskId != nil {
			return nil, notSupported("The lab does not move virtual storage objects to another vCenter.")
		}
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
		d.removeDiskOnDrop(one.target)
		if fault := d.describeDisk(disk, backing, one.target); fault != nil {
			return nil, fault
		}
		copies = append(copies, one)
	}
	return copies, nil
}

// homeOfDisk returns the VM's folder, or a folder of its name on the datastore that the spec has for this disk.
func (c *crossMigration) homeOfDisk(d *draft, key int32) (datastore.Path, types.BaseMethodFault) {
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
		d.undo = append(d.undo, func() error { return c.to.stores.RemoveFolder(made) })
		return made, nil
	}
	return d.home, nil
}

// fill copies the content of the disks.
func (copies diskCopies) fill(c *crossMigration) types.BaseMethodFault {
	for _, one := range copies {
		if err := c.to.stores.FillDisk(one.target, c.from.stores, one.source); err != nil {
			return fileFault(one.target, err)
		}
	}
	return nil
}

// migrateGuest migrates the running guest. Afterwards the target VM is powered on and the source VM is not.
func (c *crossMigration) migrateGuest(target *simulator.VirtualMachine, copies diskCopies) types.BaseMethodFault {
	tenant, shares := c.from.hypervisor.(*machine.Tenant)
	other, otherShares := c.to.hypervisor.(*machine.Tenant)
	if !shares || !otherShares {
		return notSupported("The two vCenters do not share a hypervisor.")
	}
	host, fault := c.to.admit(target, c.place.host)
	if fault != nil {
		return fault
	}
	c.to.setHost(target, host)
	spec, fault := c.machineSpec(target, copies)
	if fault != nil {
		c.to.endAdmission(target.Self)
		return fault
	}
	was := c.from.runs.get(c.vm.Self.Value)
	begun := c.to.runs.begin(target)
	move, err := tenant.HandOver(c.vm.Self.Value, other, spec, func() error {
		if fault := copies.fill(c); fault != nil {
			return fmt.Errorf("copying its disks: %s", faultText(fault))
		}
		return nil
	})
	if err != nil {
		begun.failed = true
		close(begun.shown)
		c.to.runs.end(target.Self.Value, begun)
		c.to.endAdmission(target.Self)
		return migrationFault(fmt.Sprintf("Moving virtual machine %s to another vCenter failed. It continues where it was: %v.", spec.Name, err))
	}
	from := c.from.nameOf(c.from.hostOf(c.vm))
	c.to.moves.add(target.Self, MoveRecord{From: from, To: spec.Host, Mode: move.Mode, PauseSeconds: move.Pause.Seconds()})
	c.publishMigrated(target)
	close(begun.shown)
	c.from.runs.end(c.vm.Self.Value, was)
	c.from.endAdmission(c.vm.Self)
	close(was.done)
	return nil
}

// machineSpec returns the specification of the running VM with the files, networks and host of the target vCenter.
func (c *crossMigration) machineSpec(target *simulator.VirtualMachine, copies diskCopies) (machine.Spec, types.BaseMethodFault) {
	spec, fault := c.from.machineSpec(c.vm)
	if fault != nil {
		return spec, fault
	}
	spec.ID, spec.Host = target.Self.Value, c.to.nameOf(c.to.hostOf(target))
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
	for n, card := range cardsOf(target.Config.Hardware.Device) {
		spec.NICs[n].Network = c.to.segmentOf(card, c.to.hostOf(target))
	}
	return spec, nil
}

// publishMigrated publishes the target VM as powered on, with the guest information reported so far.
func (c *crossMigration) publishMigrated(target *simulator.VirtualMachine) {
	var options []types.BaseOptionValue
	var runtime types.VirtualMachineRuntimeInfo
	var guest types.GuestInfo
	c.from.locked(c.vm, func(*simulator.Context) {
		options, runtime, guest = c.vm.Config.ExtraConfig, c.vm.Runtime, copied(*c.vm.Guest)
	})
	c.to.overlays.adopt(target.Self, c.from.overlays.of(c.vm.Self))
	c.to.locked(target, func(ctx *simulator.Context) {
		config := *target.Config
		config.ExtraConfig = rebase(config.ExtraConfig, options, config.ExtraConfig)
		config.Hardware.Device = connectedAs(config.Hardware.Device, c.config.Hardware.Device)
		for n := range guest.Net {
			for _, card := range cardsOf(config.Hardware.Device) {
				if strings.EqualFold(card.MacAddress, guest.Net[n].MacAddress) {
					_, guest.Net[n].Network = c.to.networkOf(card)
				}
			}
		}
		changes := append(diffOptions(target.Config.ExtraConfig, config.ExtraConfig), powerChanges(types.VirtualMachinePowerStatePoweredOn)...)
		target.Config = &config
		ctx.Update(target, append(changes, set("config.extraConfig", config.ExtraConfig), set("config.hardware.device", config.Hardware.Device),
			set("runtime.bootTime", *runtime.BootTime), set("summary.runtime.bootTime", *runtime.BootTime), set("runtime.cleanPowerOff", false)))
		showGuest(ctx, target, &guest)
	})
}

// connectedAs returns the devices with the connection states of other devices with the same keys.
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
