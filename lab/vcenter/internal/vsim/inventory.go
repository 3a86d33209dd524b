// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The lab's initial inventory: a datacenter, DRS clusters, their hosts, datastores and networks.

package vsim

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/simulator/vpx"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/config"
	"gantry.invalid/lab/vcenter/internal/vim"
)

const apiVersion = "8.0.3.0"

func newServiceInstance() (*simulator.Context, *simulator.ServiceInstance) {
	content := vpx.ServiceContent
	content.About.ApiVersion = apiVersion
	content.About.Version = "8.0.3"
	content.About.Build = "0"
	content.About.Name = "VMware vCenter Server"
	content.About.FullName = "VMware vCenter Server 8.0.3 (gantry lab)"
	content.About.LicenseProductVersion = "8.0"
	content.About.InstanceUuid = uuid.NewString()
	return simulator.NewServiceInstance(simulator.NewContext(), content, vpx.RootFolder)
}

// buildInventory uses the API where the simulator implements it, and sets the other properties directly.
func (s *Server) buildInventory() error {
	ctx := context.Background()
	client, err := vim25.NewClient(ctx, s.service)
	if err != nil {
		return err
	}
	datacenter, err := object.NewRootFolder(client).CreateDatacenter(ctx, s.config.Datacenter)
	if err != nil {
		return err
	}
	s.site.datacenter = s.registry.Get(datacenter.Reference()).(*simulator.Datacenter)
	folders, err := datacenter.Folders(ctx)
	if err != nil {
		return err
	}
	s.addNetworks(s.config.Networks)
	for _, cluster := range s.config.AllClusters() {
		if err := s.addCluster(ctx, folders, cluster); err != nil {
			return err
		}
	}
	s.site.cluster = s.clusterOf(s.site.hosts[0].Self)
	s.describeNetworks()
	if fault := s.addDistributedSwitches(); fault != nil {
		return fmt.Errorf("distributed switches: %T", fault)
	}
	s.addOpaqueNetworks(s.config.OpaqueNetworks)
	if err := s.addDatastores(ctx, client); err != nil {
		return err
	}
	return s.addDatastoreCluster(ctx, folders)
}

func (s *Server) addCluster(ctx context.Context, folders *object.DatacenterFolders, wanted config.Cluster) error {
	cluster, err := folders.HostFolder.CreateCluster(ctx, wanted.Name, types.ClusterConfigSpecEx{})
	if err != nil {
		return err
	}
	made := s.registry.Get(cluster.Reference()).(*simulator.ClusterComputeResource)
	drs := &made.ConfigurationEx.(*types.ClusterConfigInfoEx).DrsConfig
	drs.Enabled, drs.DefaultVmBehavior = types.NewBool(true), types.DrsBehaviorFullyAutomated
	drs.EnableVmBehaviorOverrides, drs.VmotionRate = types.NewBool(true), 3
	for _, name := range wanted.Hosts {
		task, err := cluster.AddHost(ctx, types.HostConnectSpec{HostName: name}, true, nil, nil)
		if err != nil {
			return err
		}
		result, err := task.WaitForResult(ctx)
		if err != nil {
			return err
		}
		host := s.registry.Get(result.Result.(ref)).(*simulator.HostSystem)
		s.configureHost(host)
		s.site.hosts = append(s.site.hosts, host)
	}
	s.sizeCluster(made)
	return nil
}

func (s *Server) configureHost(host *simulator.HostSystem) {
	size := s.config.Hosts
	hardware := host.Summary.Hardware
	hardware.NumCpuPkgs, hardware.NumCpuCores, hardware.NumCpuThreads = 1, int16(size.CPUs), int16(size.CPUs)
	hardware.CpuMhz, hardware.MemorySize = int32(size.CPUMHz), size.MemoryMB<<20
	host.Hardware.MemorySize = hardware.MemorySize
	host.Hardware.CpuInfo.NumCpuPackages = 1
	host.Hardware.CpuInfo.NumCpuCores, host.Hardware.CpuInfo.NumCpuThreads = int16(size.CPUs), int16(size.CPUs)
	host.Hardware.CpuInfo.Hz = int64(size.CPUMHz) * 1e6
	s.configureHostNetwork(host)
	s.completeManagers(host)
}

// completeManagers gives a host the vSAN system that every host has, although vSAN is off, and removes the references to other
// managers that the simulator does not have.
func (s *Server) completeManagers(host *simulator.HostSystem) {
	vsan := &mo.HostVsanSystem{Self: ref{Type: "HostVsanSystem", Value: "vsanSystem-" + host.Self.Value},
		Config: types.VsanHostConfigInfo{Enabled: types.NewBool(false), HostSystem: &host.Self}}
	s.registry.Put(vsan)
	host.ConfigManager.VsanSystem = &vsan.Self
	managers := reflect.ValueOf(&host.ConfigManager).Elem()
	for i := range managers.NumField() {
		if manager, isRef := managers.Field(i).Interface().(*ref); isRef && manager != nil && s.registry.Get(*manager) == nil {
			managers.Field(i).SetZero()
		}
	}
}

// queryVsanStatus answers for a host of a cluster without vSAN. ("disabled: The node is disabled for the VSAN service"; a node that is no
// member of a vSAN cluster has no UUID: API, VsanHostNodeState and VsanHostClusterStatus.)
func (s *Server) queryVsanStatus(*simulator.Context, *types.QueryHostStatus) (soap.HasFault, types.BaseMethodFault) {
	return &methods.QueryHostStatusBody{Res: &types.QueryHostStatusResponse{Returnval: types.VsanHostClusterStatus{
		Health:    string(types.VsanHostHealthStateUnknown),
		NodeState: types.VsanHostClusterStatusState{State: string(types.VsanHostNodeStateDisabled)}}}}, nil
}

// configureHostNetwork gives a host its switch, and the port groups that it is configured to have.
func (s *Server) configureHostNetwork(host *simulator.HostSystem) {
	vswitch, _ := newVirtualSwitch(standardSwitch, types.HostVirtualSwitchSpec{NumPorts: switchPorts}) // of valid constants
	n := &hostNetwork{server: s, host: host, switches: []types.HostVirtualSwitch{vswitch}}
	host.Network = nil
	for index, network := range s.config.Networks {
		if !seenBy(network.Hosts, host) {
			continue
		}
		host.Network = append(host.Network, s.registry.FindByName(network.Name, s.site.datacenter.Network).Reference())
		group, _ := n.newGroup(types.HostPortGroupSpec{Name: network.Name, VswitchName: standardSwitch, VlanId: configuredVLAN(index)})
		n.groups = append(n.groups, group)
	}
	n.publish()
}

// seenBy returns true if the configuration lists no hosts, or lists this one.
func seenBy(hosts []string, host *simulator.HostSystem) bool {
	return len(hosts) == 0 || slices.Contains(hosts, host.Name)
}

// sizeCluster sets the cluster's sums over its hosts. The simulator computes them before the hosts have their sizes.
func (s *Server) sizeCluster(cluster *simulator.ClusterComputeResource) {
	hosts := s.hostsWith(cluster.Self)
	size, count := s.config.Hosts, len(hosts)
	cluster.Network = nil
	for _, host := range hosts {
		for _, network := range host.Network {
			cluster.Network = vim.With(cluster.Network, network)
		}
	}
	summary := cluster.Summary.GetComputeResourceSummary()
	summary.NumHosts, summary.NumEffectiveHosts = int32(count), int32(count)
	summary.NumCpuCores, summary.NumCpuThreads = int16(size.CPUs*count), int16(size.CPUs*count)
	summary.TotalCpu = int32(size.CPUs * size.CPUMHz * count)
	summary.EffectiveCpu = summary.TotalCpu
	summary.TotalMemory = size.MemoryMB << 20 * int64(count)
	summary.EffectiveMemory = size.MemoryMB * int64(count) // in MB, unlike the total
	pool := s.registry.Get(*cluster.ResourcePool).(*simulator.ResourcePool)
	limitPool(&pool.Config.CpuAllocation, int64(summary.TotalCpu))
	limitPool(&pool.Config.MemoryAllocation, size.MemoryMB*int64(count))
}

func limitPool(allocation *types.ResourceAllocationInfo, all int64) {
	allocation.Reservation, allocation.Limit = types.NewInt64(all), types.NewInt64(all)
	allocation.ExpandableReservation = types.NewBool(false)
}

// describeNetworks sets the list of hosts of each network.
func (s *Server) describeNetworks() {
	for _, configured := range s.config.Networks {
		network := s.registry.FindByName(configured.Name, s.site.datacenter.Network).(*mo.Network)
		network.Host = nil
		for _, host := range s.site.hosts {
			if seenBy(configured.Hosts, host) {
				network.Host = append(network.Host, host.Self)
			}
		}
	}
}

// addNetworks creates the standard port groups. The one that every datacenter of the simulator has becomes the first.
func (s *Server) addNetworks(networks []config.Network) {
	ctx := s.context()
	datacenter := s.site.datacenter
	folder := s.registry.Get(datacenter.NetworkFolder).(*simulator.Folder)
	for number, configured := range networks {
		network := &mo.Network{}
		if number == 0 {
			network = s.registry.Get(datacenter.Network[0]).(*mo.Network)
		}
		network.Name = configured.Name
		network.Entity().Name = configured.Name
		if number > 0 {
			s.registry.NewEntity(network)
			s.addChild(folder, network)
			s.registry.AddReference(ctx, datacenter, &datacenter.Network, network.Self)
		}
		network.Summary = &types.NetworkSummary{Network: &network.Self, Name: configured.Name, Accessible: true}
	}
}

func (s *Server) addDatastores(ctx context.Context, client *vim25.Client) error {
	s.site.datastores = map[string]*simulator.Datastore{}
	for _, configured := range s.config.Datastores {
		_, directory, err := s.stores.Locate(storePath(configured.Name))
		if err != nil {
			return err
		}
		for _, host := range s.site.hosts {
			if !seenBy(configured.Hosts, host) {
				continue
			}
			system := object.NewHostDatastoreSystem(client, *host.ConfigManager.DatastoreSystem)
			spec := types.HostNasVolumeSpec{RemoteHost: "storage.lab.invalid", RemotePath: "/" + configured.Name,
				LocalPath: directory, AccessMode: string(types.HostMountModeReadWrite),
				Type: string(types.HostFileSystemVolumeFileSystemTypeNFS)}
			added, err := system.CreateNasDatastore(ctx, spec)
			if err != nil {
				return fmt.Errorf("datastore %s on host %s: %w", configured.Name, host.Name, err)
			}
			// For all hosts but the first, the simulator returns an invalid reference.
			if store, ok := s.registry.Get(added.Reference()).(*simulator.Datastore); ok {
				s.site.datastores[configured.Name] = store
			}
		}
		s.describeDatastore(s.site.datastores[configured.Name], configured)
	}
	return nil
}

// describeDatastore sets the properties that clients see, without the directory of the files.
func (s *Server) describeDatastore(store *simulator.Datastore, configured config.Datastore) {
	key := uuid.NewSHA1(uuid.NameSpaceURL, []byte(configured.Name)).String()
	address := fmt.Sprintf("ds:///vmfs/volumes/%s/", key)
	store.Summary.Url, store.Summary.Capacity = address, configured.CapacityBytes
	store.Summary.MultipleHostAccess = types.NewBool(len(configured.Hosts) != 1)
	info := store.Info.(*types.NasDatastoreInfo)
	info.Url, info.Name = address, configured.Name
	info.MaxFileSize, info.MaxVirtualDiskCapacity = configured.CapacityBytes, configured.CapacityBytes
	info.Nas.Name, info.Nas.Capacity = configured.Name, configured.CapacityBytes
	if len(configured.Hosts) == 1 {
		// A local disk of the host: it is not mounted from a server.
		kind := types.HostFileSystemVolume{Type: string(types.HostFileSystemVolumeFileSystemTypeVMFS), Name: configured.Name,
			Capacity: configured.CapacityBytes}
		store.Summary.Type = kind.Type
		store.Info = &types.VmfsDatastoreInfo{DatastoreInfo: info.DatastoreInfo, Vmfs: &types.HostVmfsVolume{
			HostFileSystemVolume: kind, BlockSizeMb: 1, MajorVersion: 6, Version: "6.82", Uuid: key, Local: types.NewBool(true),
			Extent: []types.HostScsiDiskPartition{{DiskName: "t10.LAB_" + configured.Name, Partition: 1}}}}
	}
	browser := s.registry.Get(store.Browser).(*simulator.HostDatastoreBrowser)
	browser.Datastore = []ref{store.Self}
	s.publishFree(configured.Name)
}

// addDatastoreCluster creates a datastore cluster, from which storage DRS chooses.
func (s *Server) addDatastoreCluster(ctx context.Context, folders *object.DatacenterFolders) error {
	wanted := s.config.DatastoreCluster
	if wanted == nil {
		return nil
	}
	pod, err := folders.DatastoreFolder.CreateStoragePod(ctx, wanted.Name)
	if err != nil {
		return err
	}
	var members []ref
	for _, name := range wanted.Datastores {
		members = append(members, s.site.datastores[name].Self)
	}
	task, err := pod.MoveInto(ctx, members)
	if err != nil {
		return err
	}
	if err := task.Wait(ctx); err != nil {
		return err
	}
	s.site.pod = s.registry.Get(pod.Reference()).(*simulator.StoragePod)
	s.site.pod.PodStorageDrsEntry.StorageDrsConfig.PodConfig.DefaultVmBehavior = string(types.StorageDrsPodConfigInfoBehaviorManual)
	s.site.pod.Summary.Name = wanted.Name
	s.publishFree(wanted.Datastores[0])
	return nil
}

// publishFree publishes the free space of a datastore.
func (s *Server) publishFree(name string) {
	store, entity := s.stores.Named(name), s.site.datastores[name]
	free := max(store.Free(), 0)
	s.locked(entity, func(ctx *simulator.Context) {
		info := entity.Info.GetDatastoreInfo()
		info.FreeSpace, info.Timestamp = free, types.NewTime(s.clock.Now())
		ctx.Update(entity, []types.PropertyChange{set("summary.freeSpace", free)})
	})
	if s.site.pod != nil && slices.Contains(s.config.DatastoreCluster.Datastores, name) {
		s.publishPod()
	}
}

// publishPod publishes the capacity and free space of the datastore cluster.
func (s *Server) publishPod() {
	var capacity, free int64
	for _, name := range s.config.DatastoreCluster.Datastores {
		store := s.stores.Named(name)
		capacity, free = capacity+store.Capacity(), free+max(store.Free(), 0)
	}
	s.locked(s.site.pod, func(ctx *simulator.Context) {
		ctx.Update(s.site.pod, []types.PropertyChange{set("summary.capacity", capacity), set("summary.freeSpace", free)})
	})
}
