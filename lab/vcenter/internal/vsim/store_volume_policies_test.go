// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Storage policies of First Class Disks with govmomi's clients.

package vsim

import (
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/pbm"
	pbmtypes "github.com/vmware/govmomi/pbm/types"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

// tagPolicy creates a policy for datastores with a tag.
func (l *lab) tagPolicy(client *pbm.Client, name, category, tag string) string {
	l.Helper()
	property := pbmtypes.PbmCapabilityPropertyInstance{Id: "com.vmware.storage.tag." + category + ".property",
		Value: pbmtypes.PbmCapabilityDiscreteSet{Values: []types.AnyType{tag}}}
	rule := pbmtypes.PbmCapabilityInstance{Id: pbmtypes.PbmCapabilityMetadataUniqueId{Namespace: tagNamespace, Id: category},
		Constraint: []pbmtypes.PbmCapabilityConstraintInstance{{PropertyInstance: []pbmtypes.PbmCapabilityPropertyInstance{property}}}}
	created, err := client.CreateProfile(l.Context(), pbmtypes.PbmCapabilityProfileCreateSpec{Name: name, Category: "REQUIREMENT",
		ResourceType: pbmtypes.PbmProfileResourceType{ResourceType: "STORAGE"},
		Constraints: &pbmtypes.PbmCapabilitySubProfileConstraints{SubProfiles: []pbmtypes.PbmCapabilitySubProfile{
			{Name: "Tag based placement", Capability: []pbmtypes.PbmCapabilityInstance{rule}}}}})
	if err != nil {
		l.Fatal(err)
	}
	return created.UniqueId
}

func TestDatastoresAreComparedWithPolicies(t *testing.T) {
	l := newLab(t)
	client := must(pbm.NewClient(t.Context(), l.client.Client))(t)
	gold := l.tagPolicy(client, "gold", "tier", "gold")
	check := func(policy string, hubs ...pbmtypes.PbmPlacementHub) (pbm.PlacementCompatibilityResult, error) {
		return client.CheckRequirements(t.Context(), hubs, nil, []pbmtypes.BasePbmPlacementRequirement{
			&pbmtypes.PbmPlacementCapabilityProfileRequirement{ProfileId: pbmtypes.PbmProfileId{UniqueId: policy}}})
	}
	if found := must(check(gold))(t); len(found) == 0 || len(found.CompatibleDatastores()) != 0 {
		t.Errorf("no datastore has the tag, but compatible are %+v", found.CompatibleDatastores())
	}
	vsan := must(client.ProfileIDByName(t.Context(), "vSAN Default Storage Policy"))(t)
	if found := must(check(vsan))(t); len(found.CompatibleDatastores()) != 0 {
		t.Errorf("vSAN's policy is fulfilled by %+v", found.CompatibleDatastores())
	}
	_, err := check("none")
	isFault[types.InvalidArgument](l, l.faultOf(err))
	_, err = check(gold, pbmtypes.PbmPlacementHub{HubType: "Datastore", HubId: "datastore-0"})
	if missing := isFault[pbmtypes.PbmNonExistentHubs](l, l.faultOf(err)); len(missing.Hubs) != 1 {
		t.Errorf("the fault is %+v", missing)
	}
}

func TestRulesAboutTags(t *testing.T) {
	rule := func(operator, namespace string) pbmtypes.PbmCapabilityInstance {
		property := pbmtypes.PbmCapabilityPropertyInstance{Operator: operator, Value: pbmtypes.PbmCapabilityDiscreteSet{Values: []types.AnyType{"gold", "silver"}}}
		return pbmtypes.PbmCapabilityInstance{Id: pbmtypes.PbmCapabilityMetadataUniqueId{Namespace: namespace, Id: "tier"},
			Constraint: []pbmtypes.PbmCapabilityConstraintInstance{{PropertyInstance: []pbmtypes.PbmCapabilityPropertyInstance{property}}}}
	}
	silver, bronze := map[string][]string{"tier": {"silver"}}, map[string][]string{"tier": {"bronze"}, "other": {"gold"}}
	for name, one := range map[string]struct {
		tags map[string][]string
		rule pbmtypes.PbmCapabilityInstance
		fits bool
	}{
		"one of the tags":       {silver, rule("", tagNamespace), true},
		"another tag":           {bronze, rule("", tagNamespace), false},
		"none of the tags":      {bronze, rule("NOT", tagNamespace), true},
		"one that must not be":  {silver, rule("NOT", tagNamespace), false},
		"a rule of other kinds": {silver, rule("", "VSAN"), false},
	} {
		if fits := hasTag(one.tags, one.rule); fits != one.fits {
			t.Errorf("%s: %v", name, fits)
		}
	}
}

func TestADiskHasThePolicyThatItIsGiven(t *testing.T) {
	l := newLab(t)
	client := must(pbm.NewClient(t.Context(), l.client.Client))(t)
	gold, silver := l.tagPolicy(client, "gold", "tier", "gold"), l.tagPolicy(client, "silver", "tier", "silver")
	profile := func(id string) []types.BaseVirtualMachineProfileSpec {
		return []types.BaseVirtualMachineProfileSpec{&types.VirtualMachineDefinedProfileSpec{ProfileId: id}}
	}
	manager := *l.client.ServiceContent.VStorageObjectManager
	spec := types.VslmCreateSpec{Name: "data", CapacityInMB: 16, BackingSpec: &types.VslmCreateSpecDiskFileBackingSpec{
		VslmCreateSpecBackingSpec: types.VslmCreateSpecBackingSpec{Datastore: l.store.Reference()}}}
	spec.Profile = profile("none")
	_, err := methods.CreateDisk_Task(t.Context(), l.client, &types.CreateDisk_Task{This: manager, Spec: spec})
	isFault[types.InvalidArgument](l, l.faultOf(err))
	spec.Profile = profile(gold)
	task := must(methods.CreateDisk_Task(t.Context(), l.client, &types.CreateDisk_Task{This: manager, Spec: spec}))(t)
	info := must(object.NewTask(l.client.Client, task.Returnval).WaitForResult(t.Context(), nil))(t)
	disk := info.Result.(types.VStorageObject).Config.Id
	of := func() []pbmtypes.PbmProfileId {
		asked := []pbmtypes.PbmServerObjectRef{{ObjectType: string(pbmtypes.PbmObjectTypeVirtualDiskUUID), Key: disk.Id}}
		return must(client.QueryAssociatedProfiles(t.Context(), asked))(t)[0].ProfileId
	}
	if found := of(); len(found) != 1 || found[0].UniqueId != gold {
		t.Errorf("the policies are %v", found)
	}
	update := &types.UpdateVStorageObjectPolicy_Task{This: manager, Id: disk, Datastore: l.store.Reference(), Profile: profile(silver)}
	changed := must(methods.UpdateVStorageObjectPolicy_Task(t.Context(), l.client, update))(t)
	must(object.NewTask(l.client.Client, changed.Returnval).WaitForResult(t.Context(), nil))(t)
	if found := of(); len(found) != 1 || found[0].UniqueId != silver {
		t.Errorf("the policies are %v", found)
	}
	outcomes := must(client.DeleteProfile(t.Context(), []pbmtypes.PbmProfileId{{UniqueId: silver}, {UniqueId: gold}}))(t)
	if len(outcomes) != 1 || outcomes[0].ProfileId.UniqueId != silver {
		t.Errorf("the outcomes are %+v", outcomes)
	}
}
