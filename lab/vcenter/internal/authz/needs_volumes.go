// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What calls about First Class Disks require: "Requires Datastore.FileManagement privilege on the datastore where the virtual storage
// object is located." (vSphere Web Services API, VcenterVStorageObjectManager.) The lists of the API name System.View only.

package authz

import (
	"net/url"

	"github.com/vmware/govmomi/vim25/types"
)

// volumeCalls are the calls whose argument datastore has the disk.
var volumeCalls = []string{"ListVStorageObject", "RetrieveVStorageObject", "RetrieveVStorageObjectState", "RetrieveSnapshotInfo",
	"ExtendDisk_Task", "VStorageObjectCreateSnapshot_Task", "DeleteSnapshot_Task", "RevertVStorageObject_Task",
	"CreateDiskFromSnapshot_Task", "ReconcileDatastoreInventory_Task", "UpdateVStorageObjectPolicy_Task"}

func volumeNeeds() map[string]func(*question, any) {
	needs := map[string]func(*question, any){
		"CreateDisk_Task": about(func(q *question, r *types.CreateDisk_Task) { q.volumeBacking(r.Spec.BackingSpec) }),
		"CloneVStorageObject_Task": about(func(q *question, r *types.CloneVStorageObject_Task) {
			q.need(FileManagement, r.Datastore)
			q.volumeBacking(r.Spec.BackingSpec)
		}),
		"RegisterDisk": about(func(q *question, r *types.RegisterDisk) { q.volumeURL(r.Path) }),
	}
	for _, name := range volumeCalls {
		needs[name] = func(q *question, body any) { q.need(FileManagement, argument(body, "datastore")...) }
	}
	return needs
}

func (q *question) volumeBacking(backing types.BaseVslmCreateSpecBackingSpec) {
	if backing != nil {
		q.need(FileManagement, backing.GetVslmCreateSpecBackingSpec().Datastore)
	}
}

// volumeURL is for a disk that is named by its URL in the folder service.
func (q *question) volumeURL(text string) {
	if address, err := url.Parse(text); err == nil {
		q.files("[" + address.Query().Get("dsName") + "] ")
	}
}
