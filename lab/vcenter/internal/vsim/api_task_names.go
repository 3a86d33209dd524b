// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Description ids of tasks: the keys of TaskManager.description.methodInfo. They are the methods' names in the API's object model,
// which differ from the names on the wire (SearchDatastore_Task is host.DatastoreBrowser.search).

package vsim

import (
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// taskDescriptions maps methods whose description id is not their name without _Task. The type of the entity is prefixed to
// an id that begins with a dot.
var taskDescriptions = map[string]string{
	"AddDVPortgroup_Task":                        ".addPortgroups",
	"CheckCompatibility_Task":                    "vm.check.CompatibilityChecker.checkCompatibility",
	"CheckMigrate_Task":                          "vm.check.ProvisioningChecker.checkMigrate",
	"CheckRelocate_Task":                         "vm.check.ProvisioningChecker.checkRelocate",
	"CheckVmConfig_Task":                         "vm.check.CompatibilityChecker.checkVMCompatibility",
	"CloneVM_Task":                               ".clone",
	"CloneVStorageObject_Task":                   "vslm.vcenter.VStorageObjectManager.cloneVStorageObject",
	"CopyDatastoreFile_Task":                     "FileManager.copyFile",
	"CopyVirtualDisk_Task":                       "VirtualDiskManager.copyVirtualDisk",
	"CreateDVPortgroup_Task":                     ".addPortgroup",
	"CreateDVS_Task":                             ".createDistributedVirtualSwitch",
	"CreateDiskFromSnapshot_Task":                "vslm.vcenter.VStorageObjectManager.createDiskFromSnapshot",
	"CreateDisk_Task":                            "vslm.vcenter.VStorageObjectManager.createDisk",
	"CreateVM_Task":                              ".createVm",
	"CreateVirtualDisk_Task":                     "VirtualDiskManager.createVirtualDisk",
	"DeleteDatastoreFile_Task":                   "FileManager.deleteFile",
	"DeleteSnapshot_Task":                        "vslm.vcenter.VStorageObjectManager.deleteSnapshot",
	"DeleteVStorageObject_Task":                  "vslm.vcenter.VStorageObjectManager.deleteVStorageObject",
	"DeleteVirtualDisk_Task":                     "VirtualDiskManager.deleteVirtualDisk",
	"DisconnectHost_Task":                        ".disconnect",
	"ExtendDisk_Task":                            "vslm.vcenter.VStorageObjectManager.extendDisk",
	"ExtendVirtualDisk_Task":                     "VirtualDiskManager.extendVirtualDisk",
	"MigrateVM_Task":                             ".migrate",
	"MoveDatastoreFile_Task":                     "FileManager.moveFile",
	"MoveIntoFolder_Task":                        ".moveInto",
	"PowerOffVM_Task":                            ".powerOff",
	"PowerOnMultiVM_Task":                        ".powerOnVm",
	"PowerOnVM_Task":                             ".powerOn",
	"QueryVMotionCompatibilityEx_Task":           "vm.check.ProvisioningChecker.queryVMotionCompatibilityEx",
	"ReconcileDatastoreInventory_Task":           "vslm.vcenter.VStorageObjectManager.reconcileDatastoreInventory",
	"ReconfigVM_Task":                            ".reconfigure",
	"ReconfigureCluster_Task":                    ".reconfigure",
	"ReconfigureComputeResource_Task":            ".reconfigureEx",
	"ReconfigureDVPortgroup_Task":                ".reconfigure",
	"ReconfigureDvs_Task":                        ".reconfigure",
	"ReconnectHost_Task":                         ".reconnect",
	"RegisterVM_Task":                            ".registerVm",
	"RelocateVM_Task":                            ".relocate",
	"RemoveSnapshot_Task":                        "vm.Snapshot.remove",
	"ResetVM_Task":                               ".reset",
	"RevertToSnapshot_Task":                      "vm.Snapshot.revert",
	"RevertVStorageObject_Task":                  "vslm.vcenter.VStorageObjectManager.revertVStorageObject",
	"SearchDatastoreSubFolders_Task":             "host.DatastoreBrowser.searchSubFolders",
	"SearchDatastore_Task":                       "host.DatastoreBrowser.search",
	"SuspendVM_Task":                             ".suspend",
	"UpdateDVSHealthCheckConfig_Task":            ".updateHealthCheckConfig",
	"UpdateVStorageObjectPolicy_Task":            "vslm.vcenter.VStorageObjectManager.updateVStorageObjectPolicy",
	"VCenterUpdateVStorageObjectMetadataEx_Task": "vslm.vcenter.VStorageObjectManager.updateVStorageObjectMetadataEx",
	"VStorageObjectCreateSnapshot_Task":          "vslm.vcenter.VStorageObjectManager.createSnapshot",
}

// modelNames maps types that have another name in the object model.
var modelNames = map[string]string{
	"DistributedVirtualPortgroup":    "dvs.DistributedVirtualPortgroup",
	"VmwareDistributedVirtualSwitch": "DistributedVirtualSwitch",
	"VirtualMachineSnapshot":         "vm.Snapshot",
	"HostDatastoreBrowser":           "host.DatastoreBrowser",
}

// taskDescription returns the description id for a method, or for an internal operation (Drm.ExecuteVMotionLRO).
func taskDescription(entity ref, method string) string {
	if strings.Contains(method, ".") {
		return method
	}
	description, known := taskDescriptions[method]
	if !known {
		name := strings.TrimSuffix(method, "_Task")
		description = "." + strings.ToLower(name[:1]) + name[1:]
	}
	if !strings.HasPrefix(description, ".") {
		return description
	}
	if name, differs := modelNames[entity.Type]; differs {
		return name + description
	}
	return entity.Type + description
}

// taskLabel returns the text that the vSphere Client shows: "Power On virtual machine".
func (s *Server) taskLabel(info *types.TaskInfo) string {
	manager, ok := s.registry.Get(*s.serviceContent().TaskManager).(*simulator.TaskManager)
	if !ok {
		return info.Name
	}
	for _, described := range manager.Description.MethodInfo {
		if element := described.GetElementDescription(); element.Key == info.DescriptionId {
			return element.Label
		}
	}
	return info.Name
}
