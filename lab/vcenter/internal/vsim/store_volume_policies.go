// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Storage policies of First Class Disks: which disk has which one, and which datastores fulfil it.

package vsim

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	pbmmethods "github.com/vmware/govmomi/pbm/methods"
	pbm "github.com/vmware/govmomi/pbm/simulator"
	pbmtypes "github.com/vmware/govmomi/pbm/types"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// tagNamespace is that of rules about the tags of datastores. (govmomi, cli/storage/policy/create.go.)
const tagNamespace = "http://www.vmware.com/storage/tag"

// volumePolicyMethods are the methods whose specifications may name a policy.
var volumePolicyMethods = []string{"CreateDisk_Task", "CloneVStorageObject_Task", "CreateDiskFromSnapshot_Task",
	"UpdateVStorageObjectPolicy_Task"}

// policyManager is the simulator's, and knows the policies of First Class Disks.
type policyManager struct {
	*pbm.ProfileManager
	server *Server
	mu     sync.Mutex // held while policies are found, created or deleted
}

// policySolver compares datastores with policies.
type policySolver struct {
	Self   ref
	server *Server
}

func (p *policySolver) Reference() ref { return p.Self }

// policyNamed returns a policy by its id, or nil.
func (s *Server) policyNamed(id string) *pbmtypes.PbmCapabilityProfile {
	s.storagePolicies.mu.Lock()
	defer s.storagePolicies.mu.Unlock()
	asked := &pbmtypes.PbmRetrieveContent{ProfileIds: []pbmtypes.PbmProfileId{{UniqueId: id}}}
	found := s.storagePolicies.PbmRetrieveContent(asked).(*pbmmethods.PbmRetrieveContentBody)
	if found.Fault_ != nil {
		return nil
	}
	return found.Res.Returnval[0].(*pbmtypes.PbmCapabilityProfile)
}

// policyOf returns the id of the policy in a specification, or nothing.
func policyOf(profiles []types.BaseVirtualMachineProfileSpec) string {
	for _, one := range profiles {
		if defined, ok := one.(*types.VirtualMachineDefinedProfileSpec); ok {
			return defined.ProfileId
		}
	}
	return ""
}

// isVolumePolicy returns whether a specification names no policy, or one that exists. Which fault vCenter has for one that does not
// exist is unconfirmed.
func (s *Server) isVolumePolicy(profiles []types.BaseVirtualMachineProfileSpec) bool {
	id := policyOf(profiles)
	return len(profiles) <= 1 && (id == "" || s.policyNamed(id) != nil)
}

// updateVolumePolicy changes the policy of a disk, whether or not a VM uses it. A datastore that does not fulfil a policy of tags is not
// refused: the disk is then not compliant.
func (s *Server) updateVolumePolicy(ctx *simulator.Context, request *types.UpdateVStorageObjectPolicy_Task) (soap.HasFault, types.BaseMethodFault) {
	if !s.isVolumePolicy(request.Profile) {
		return nil, invalidArgument("profile")
	}
	return s.volumeTask(ctx, "UpdateVStorageObjectPolicy_Task", request.Datastore, request.Id, func(v *volume, _ *simulator.VirtualMachine) (types.AnyType, types.BaseMethodFault) {
		s.volumes.change(func() { v.policy = policyOf(request.Profile) })
		return nil, nil
	})
}

func (m *policyManager) PbmCreate(ctx *simulator.Context, request *pbmtypes.PbmCreate) soap.HasFault {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ProfileManager.PbmCreate(ctx, request)
}

// PbmDelete refuses policies that disks have ("ResourceInUse", in the outcome of the policy).
func (m *policyManager) PbmDelete(request *pbmtypes.PbmDelete) soap.HasFault {
	m.mu.Lock()
	defer m.mu.Unlock()
	used := m.server.policiesInUse()
	var unused []pbmtypes.PbmProfileId
	var outcomes []pbmtypes.PbmProfileOperationOutcome
	for _, id := range request.ProfileId {
		if slices.Contains(used, id.UniqueId) {
			outcomes = append(outcomes, pbmtypes.PbmProfileOperationOutcome{ProfileId: id,
				Fault: localized(&types.ResourceInUse{Type: "PbmCapabilityProfile", Name: id.UniqueId})})
			continue
		}
		unused = append(unused, id)
	}
	m.ProfileManager.PbmDelete(&pbmtypes.PbmDelete{ProfileId: unused})
	return &pbmmethods.PbmDeleteBody{Res: &pbmtypes.PbmDeleteResponse{Returnval: outcomes}}
}

// policiesInUse returns the ids of the policies that disks have.
func (s *Server) policiesInUse() (used []string) {
	for _, one := range s.volumes.all() {
		s.volumes.change(func() { used = append(used, one.policy) })
	}
	return used
}

// PbmQueryAssociatedProfiles returns the policies of First Class Disks. (vsphere-csi-driver, pkg/common/cns-lib/vsphere/pbm.go: a disk is a
// virtualDiskUUID whose key is its id.) The lab knows no policies of other objects.
func (m *policyManager) PbmQueryAssociatedProfiles(request *pbmtypes.PbmQueryAssociatedProfiles) soap.HasFault {
	body := &pbmmethods.PbmQueryAssociatedProfilesBody{Res: &pbmtypes.PbmQueryAssociatedProfilesResponse{}}
	known := map[string]string{}
	for _, one := range m.server.volumes.all() {
		m.server.volumes.change(func() { known[one.id] = one.policy })
	}
	for _, object := range request.Entities {
		result := pbmtypes.PbmQueryProfileResult{Object: object}
		policy, found := known[object.Key]
		switch {
		case object.ObjectType != string(pbmtypes.PbmObjectTypeVirtualDiskUUID):
			return &pbmmethods.PbmQueryAssociatedProfilesBody{Fault_: simulator.Fault("", notSupported("The lab knows the storage policies of virtual storage objects only."))}
		case !found:
			result.Fault = localized(noVolume(object.Key))
		case policy != "":
			result.ProfileId = []pbmtypes.PbmProfileId{{UniqueId: policy}}
		}
		body.Res.Returnval = append(body.Res.Returnval, result)
	}
	return body
}

// PbmCheckRequirements compares datastores with one policy. Each datastore has an error if it does not fulfil it.
func (p *policySolver) PbmCheckRequirements(request *pbmtypes.PbmCheckRequirements) soap.HasFault {
	refused := func(fault types.BaseMethodFault) soap.HasFault {
		return &pbmmethods.PbmCheckRequirementsBody{Fault_: simulator.Fault("", fault)}
	}
	// "It is invalid to specify no requirements. It is also invalid to specify duplicate requirements or multiple conflicting requirements."
	if len(request.PlacementSubjectRequirement) != 1 {
		return refused(invalidArgument("placementSubjectRequirement"))
	}
	required, ok := request.PlacementSubjectRequirement[0].(*pbmtypes.PbmPlacementCapabilityProfileRequirement)
	if !ok {
		return refused(notSupported("The lab compares datastores with storage policies only."))
	}
	policy := p.server.policyNamed(required.ProfileId.UniqueId)
	if policy == nil {
		return refused(invalidArgument("profileId"))
	}
	hubs, missing := p.hubs(request.HubsToSearch)
	if len(missing) > 0 {
		return refused(&pbmtypes.PbmNonExistentHubs{Hubs: missing})
	}
	body := &pbmmethods.PbmCheckRequirementsBody{Res: &pbmtypes.PbmCheckRequirementsResponse{}}
	for _, hub := range hubs {
		result := pbmtypes.PbmPlacementCompatibilityResult{Hub: hub}
		if !p.server.fulfils(ref{Type: hub.HubType, Value: hub.HubId}, policy) {
			fault := &pbmtypes.PbmCompatibilityCheckFault{Hub: hub}
			because(&fault.MethodFault, fmt.Sprintf("The datastore does not satisfy the storage policy %s.", policy.Name))
			result.Error = append(result.Error, *localized(fault))
		}
		body.Res.Returnval = append(body.Res.Returnval, result)
	}
	return body
}

// hubs returns the datastores that a call names ("If this parameter is not specified, the Server uses all"), and those that do not exist.
func (p *policySolver) hubs(asked []pbmtypes.PbmPlacementHub) (found, missing []pbmtypes.PbmPlacementHub) {
	if asked == nil {
		for _, store := range p.server.registry.All("Datastore") {
			asked = append(asked, pbmtypes.PbmPlacementHub{HubType: store.Reference().Type, HubId: store.Reference().Value})
		}
	}
	for _, hub := range asked {
		if _, isStore := p.server.registry.Get(ref{Type: hub.HubType, Value: hub.HubId}).(*simulator.Datastore); isStore {
			found = append(found, hub)
		} else {
			missing = append(missing, hub)
		}
	}
	return found, missing
}

// fulfils returns whether a datastore fulfils all rules of one of the rule sets. The lab's datastores have tags, and nothing that vSAN,
// vVols, persistent memory or data services would add.
func (s *Server) fulfils(store ref, policy *pbmtypes.PbmCapabilityProfile) bool {
	constraints, ok := policy.Constraints.(*pbmtypes.PbmCapabilitySubProfileConstraints)
	if !ok {
		return false
	}
	tags := s.automation.TagsOf(store)
	fulfilled := func(set pbmtypes.PbmCapabilitySubProfile) bool {
		return !slices.ContainsFunc(set.Capability, func(rule pbmtypes.PbmCapabilityInstance) bool { return !hasTag(tags, rule) })
	}
	return len(constraints.SubProfiles) == 0 || slices.ContainsFunc(constraints.SubProfiles, fulfilled)
}

// hasTag returns whether one of the tags is what a rule asks for: by category the names of which the datastore must have one, or, with
// the operator NOT, none.
func hasTag(tags map[string][]string, rule pbmtypes.PbmCapabilityInstance) bool {
	if rule.Id.Namespace != tagNamespace {
		return false
	}
	for _, constraint := range rule.Constraint {
		for _, property := range constraint.PropertyInstance {
			wanted, ok := property.Value.(pbmtypes.PbmCapabilityDiscreteSet)
			if !ok {
				return false
			}
			has := slices.ContainsFunc(tags[rule.Id.Id], func(name string) bool { return slices.Contains(wanted.Values, any(name)) })
			if has == strings.EqualFold(property.Operator, string(pbmtypes.PbmCapabilityOperatorNOT)) {
				return false
			}
		}
	}
	return true
}
