// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The table of methods that the lab implements. All others are the simulator's.

package vsim

import (
	"maps"
	"slices"
)

// installMethods registers the methods. It is called after the inventory is built.
func (s *Server) installMethods() {
	s.methods = map[string]handler{
		"SessionManager.AcquireGenericServiceTicket": method(s.acquireTicket),
		"SessionManager.Logout":                      method(s.logout),
		"ServiceInstance.CurrentTime":                method(s.currentTime),

		"TaskHistoryCollector.ReadNextTasks":     method(s.readNextTasks),
		"TaskHistoryCollector.ReadPreviousTasks": method(s.readPreviousTasks),

		"EventManager.PostEvent":   method(s.postClientEvent),
		"EventManager.QueryEvents": method(s.queryEvents),

		"CustomFieldsManager.AddCustomFieldDef":    method(s.addCustomField),
		"CustomFieldsManager.RemoveCustomFieldDef": method(s.removeCustomField),
		"CustomFieldsManager.RenameCustomFieldDef": method(s.renameCustomField),
		"CustomFieldsManager.SetField":             method(s.setField),

		"Folder.CreateVM_Task":             method(s.createVM),
		"Folder.RegisterVM_Task":           method(s.registerVM),
		"Folder.CreateFolder":              method(s.createFolder),
		"Folder.Rename_Task":               method(s.renameFolder),
		"Folder.Destroy_Task":              method(s.destroyFolder),
		"Folder.UnregisterAndDestroy_Task": method(s.unregisterFolder),
		"Folder.MoveIntoFolder_Task":       method(s.moveIntoFolder),

		"VirtualMachine.CloneVM_Task":                 method(s.cloneVM),
		"VirtualMachine.InstantClone_Task":            method(s.instantCloneVM),
		"VirtualMachine.ReconfigVM_Task":              method(s.reconfigVM),
		"VirtualMachine.Rename_Task":                  method(s.renameVM),
		"VirtualMachine.Destroy_Task":                 method(s.destroyVM),
		"VirtualMachine.UnregisterVM":                 method(s.unregisterVM),
		"VirtualMachine.MarkAsTemplate":               method(s.markAsTemplate),
		"VirtualMachine.MarkAsVirtualMachine":         method(s.markAsVirtualMachine),
		"VirtualMachine.RefreshStorageInfo":           method(s.refreshStorage),
		"VirtualMachine.PowerOnVM_Task":               method(s.powerOnVM),
		"VirtualMachine.PowerOffVM_Task":              method(s.powerOffVM),
		"VirtualMachine.ResetVM_Task":                 method(s.resetVM),
		"VirtualMachine.ShutdownGuest":                method(s.shutdownGuest),
		"VirtualMachine.RebootGuest":                  method(s.rebootGuest),
		"VirtualMachine.StandbyGuest":                 method(s.standbyGuest),
		"VirtualMachine.SuspendVM_Task":               method(s.suspendVM),
		"VirtualMachine.CreateSnapshot_Task":          method(s.createSnapshot),
		"VirtualMachine.CreateSnapshotEx_Task":        method(s.createSnapshotEx),
		"VirtualMachine.RemoveAllSnapshots_Task":      method(s.removeAllSnapshots),
		"VirtualMachine.RevertToCurrentSnapshot_Task": method(s.revertToCurrentSnapshot),
		"VirtualMachine.ExportVm":                     method(s.exportVM),

		"VirtualMachineSnapshot.RemoveSnapshot_Task":   method(s.removeSnapshot),
		"VirtualMachineSnapshot.RevertToSnapshot_Task": method(s.revertToSnapshot),
		"VirtualMachineSnapshot.RenameSnapshot":        method(s.renameSnapshot),
		"VirtualMachineSnapshot.ExportSnapshot":        method(s.exportSnapshot),

		"OvfManager.CreateImportSpec":       method(s.createImportSpec),
		"ResourcePool.CreateResourcePool":   method(s.createPool),
		"ResourcePool.UpdateConfig":         method(s.updatePool),
		"ResourcePool.Destroy_Task":         method(s.destroyPool),
		"ResourcePool.DestroyChildren":      method(s.destroyChildren),
		"ResourcePool.ImportVApp":           method(s.importVApp),
		"ResourcePool.MoveIntoResourcePool": method(s.moveIntoPool),

		"ResourcePool.UpdateChildResourceConfiguration": method(s.updateChildren),

		"HttpNfcLease.HttpNfcLeaseComplete":    method(s.completeLease),
		"HttpNfcLease.HttpNfcLeaseAbort":       method(s.abortLease),
		"HttpNfcLease.HttpNfcLeaseProgress":    method(s.progressLease),
		"HttpNfcLease.HttpNfcLeaseGetManifest": method(s.leaseManifest),

		"HostVsanSystem.QueryHostStatus":         method(s.queryVsanStatus),
		"EnvironmentBrowser.QueryConfigOptionEx": method(s.queryConfigOption),

		"Datacenter.PowerOnMultiVM_Task":          method(s.powerOnMulti),
		"ClusterComputeResource.GetResourceUsage": method(s.resourceUsage),
		"ClusterComputeResource.PlaceVm":          method(s.placeVM),

		"Datastore.RefreshDatastore":                          method(s.refreshDatastore),
		"HostDatastoreBrowser.SearchDatastore_Task":           method(s.searchDatastore),
		"HostDatastoreBrowser.SearchDatastoreSubFolders_Task": method(s.searchSubFolders),
		"FileManager.MakeDirectory":                           method(s.makeDirectory),
		"FileManager.DeleteDatastoreFile_Task":                method(s.deleteFile),
		"FileManager.MoveDatastoreFile_Task":                  method(s.moveFile),
		"FileManager.CopyDatastoreFile_Task":                  method(s.copyFile),
		"VirtualDiskManager.CreateVirtualDisk_Task":           method(s.createVirtualDisk),
		"VirtualDiskManager.DeleteVirtualDisk_Task":           method(s.deleteVirtualDisk),
		"VirtualDiskManager.CopyVirtualDisk_Task":             method(s.copyVirtualDisk),
		"VirtualDiskManager.ExtendVirtualDisk_Task":           method(s.extendVirtualDisk),
		"VirtualDiskManager.QueryVirtualDiskUuid":             method(s.queryVirtualDiskUUID),
	}
	maps.Copy(s.methods, s.drsMethods())
	maps.Copy(s.methods, s.moveMethods())
	maps.Copy(s.methods, s.networkMethods())
	maps.Copy(s.methods, s.perfMethods())
	maps.Copy(s.methods, s.ipPoolMethods())
	maps.Copy(s.methods, s.volumeMethods())
	maps.Copy(s.methods, s.authorizationMethods())
	for _, name := range slices.Concat(simulatedOnly, absent) {
		s.methods[name] = refused
	}
}

// absent lists methods that neither the lab nor the simulator implements, and that common clients call: the lab has no consoles, no
// keyboards, no customization, no OVF descriptors, no EVC and no health checks. For others, clients get MethodNotFound, which would mislead: a vCenter has them.
var absent = []string{
	"VirtualMachine.CreateScreenshot_Task", "VirtualMachine.PutUsbScanCodes", "VirtualMachine.AcquireTicket",
	"VirtualMachine.AcquireMksTicket", "VirtualMachine.CheckCustomizationSpec", "OvfManager.CreateDescriptor",
	"ClusterComputeResource.EvcManager",
	"DistributedVirtualSwitch.UpdateDVSHealthCheckConfig_Task",
}

// simulatedOnly lists methods whose simulator implementation is refused here: it changes the inventory, but not the files,
// disks or running VMs.
var simulatedOnly = []string{
	"Task.SetTaskState",
	"Folder.CreateDatacenter", "Folder.AddStandaloneHost_Task", "Folder.CreateStoragePod",
	"Folder.PlaceVmsXCluster",
	"Datacenter.Destroy_Task", "Datastore.Destroy_Task",
	"VirtualMachine.UpgradeVM_Task",
	"VirtualMachine.PromoteDisks_Task", "VirtualMachine.CustomizeVM_Task",
	"ResourcePool.CreateVApp", "ResourcePool.CreateChildVM_Task", "VirtualApp.CreateChildVM_Task", "VirtualApp.CloneVApp_Task",
	"VirtualDiskManager.MoveVirtualDisk_Task", "VirtualDiskManager.SetVirtualDiskUuid",
	"HostSystem.Destroy_Task", "HostDatastoreSystem.CreateLocalDatastore", "HostDatastoreSystem.CreateNasDatastore",
	"HostNetworkSystem.UpdateNetworkConfig",
}
