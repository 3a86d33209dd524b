// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Storage policies with govmomi's client.

package vsim

import (
	"strings"
	"testing"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/pbm"
	pbmtypes "github.com/vmware/govmomi/pbm/types"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/authz"
)

func TestStoragePoliciesRequireASessionAndPrivileges(t *testing.T) {
	l := newLab(t)
	connect := func(client *govmomi.Client) *pbm.Client {
		t.Helper()
		return must(pbm.NewClient(t.Context(), client.Client))(t)
	}
	query := func(client *pbm.Client) ([]pbmtypes.PbmProfileId, error) {
		return client.QueryProfile(t.Context(), pbmtypes.PbmProfileResourceType{ResourceType: string(pbmtypes.PbmProfileResourceTypeEnumSTORAGE)}, "")
	}
	create := func(client *pbm.Client) error {
		_, err := client.CreateProfile(t.Context(), pbmtypes.PbmCapabilityProfileCreateSpec{Name: "gold", Category: "REQUIREMENT",
			ResourceType: pbmtypes.PbmProfileResourceType{ResourceType: "STORAGE"}, Constraints: &pbmtypes.PbmCapabilitySubProfileConstraints{}})
		return err
	}
	administrator := connect(l.client)
	before := must(query(administrator))(t)
	if err := create(administrator); err != nil {
		t.Fatal(err)
	}
	if after := must(query(administrator))(t); len(before) == 0 || len(after) != len(before)+1 {
		t.Errorf("%d policies, then %d", len(before), len(after))
	}
	if id := must(administrator.ProfileIDByName(t.Context(), "gold"))(t); id == "" {
		t.Error("the new policy has no id")
	}
	_, err := administrator.CheckRequirements(t.Context(), nil, nil, nil)
	isFault[types.InvalidArgument](l, l.faultOf(err))

	ann := l.ann(authz.ReadOnly, l.client.ServiceContent.RootFolder)
	_, err = query(connect(ann))
	if refused := isFault[types.NoPermission](l, l.faultOf(err)); refused.PrivilegeId != "StorageProfile.View" {
		t.Errorf("the fault is %+v", refused)
	}
	l.give(l.role("viewer", "StorageProfile.View"), l.client.ServiceContent.RootFolder)
	must(query(connect(ann)))(t)
	if refused := isFault[types.NoPermission](l, l.faultOf(create(connect(ann)))); refused.PrivilegeId != "StorageProfile.Update" {
		t.Errorf("the fault is %+v", refused)
	}
	stale := connect(ann)
	if err := ann.Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = query(stale)
	isFault[types.NotAuthenticated](l, l.faultOf(err))
}

func TestAPolicyIsNotIgnored(t *testing.T) {
	l := newLab(t)
	disk := newDisk(16 * mib)
	disk.GetVirtualDeviceConfigSpec().Profile = []types.BaseVirtualMachineProfileSpec{&types.VirtualMachineDefinedProfileSpec{ProfileId: "gold"}}
	fault := isFault[types.NotSupported](l, l.refusal(l.folder.CreateVM(t.Context(), l.spec("web", scsi(), disk), l.pool, nil)))
	if !strings.Contains(faultText(fault), "storage policies") {
		t.Errorf("the fault is %+v", fault)
	}
	disk.GetVirtualDeviceConfigSpec().Profile = []types.BaseVirtualMachineProfileSpec{&types.VirtualMachineDefaultProfileSpec{}}
	l.create(l.spec("web", scsi(), disk))
}
