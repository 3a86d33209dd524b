// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Reconfiguration of a cluster: a change is applied completely or not at all.

package drs

import (
	"slices"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// Members describes the hosts and VMs of a cluster.
type Members struct {
	Cluster string // its name
	Hosts   []Ref
	HasVM   func(Ref) bool
	Names   Names
	// Stepwise refuses changes in one request that depend on each other.
	Stepwise bool
}

// reconfiguration is a change of a cluster's configuration in progress.
type reconfiguration struct {
	members  Members
	modify   bool
	config   types.ClusterConfigInfoEx // the new configuration
	lastRule int32
	touched  map[int32]bool // rules that this change adds or edits, by key
}

// Reconfigure applies a specification to a cluster's configuration, which must be a copy that is not shared. It returns the
// new configuration with the key of the newest rule, or the fault of an invalid change. "If modify is false ..., the
// configuration of the cluster matches the specification exactly" (API, ReconfigureComputeResource_Task). Keys of rules are
// never reused: lastRule is the last key that was assigned.
func Reconfigure(current types.ClusterConfigInfoEx, spec *types.ClusterConfigSpecEx, modify bool, lastRule int32,
	members Members) (types.ClusterConfigInfoEx, int32, types.BaseMethodFault) {
	r := &reconfiguration{members: members, modify: modify, config: current, lastRule: lastRule, touched: map[int32]bool{}}
	if !modify {
		r.config = DefaultConfig()
	}
	for _, step := range []func(*types.ClusterConfigSpecEx) types.BaseMethodFault{
		r.refuseUnknown, r.refuseDependent, r.applyServices, r.applyGroups, r.applyRules, r.applyOverrides, r.check} {
		if fault := step(spec); fault != nil {
			return types.ClusterConfigInfoEx{}, lastRule, fault
		}
	}
	r.settleConflicts()
	return r.config, r.lastRule, nil
}

// hasHost returns whether a host is in the cluster. "All virtual machines and hosts that are part of a group must be part of
// the same cluster" (API, ClusterGroupInfo).
func (r *reconfiguration) hasHost(reference Ref) bool {
	return slices.Contains(r.members.Hosts, reference)
}

// Complete adds the defaults to a configuration with unset settings.
func Complete(config *types.ClusterConfigInfoEx) types.ClusterConfigInfoEx {
	completed := DefaultConfig()
	merge(&completed, config)
	return completed
}

// DefaultConfig returns the configuration of a cluster that has not been configured. The API names the defaults of
// enableVmBehaviorOverrides, hostMonitoring, vmMonitoring, vmComponentProtecting and hBDatastoreCandidatePolicy; the others
// are those that the vSphere Client shows for a new cluster.
func DefaultConfig() types.ClusterConfigInfoEx {
	return types.ClusterConfigInfoEx{
		ComputeResourceConfigInfo: types.ComputeResourceConfigInfo{
			VmSwapPlacement: string(types.VirtualMachineConfigInfoSwapPlacementTypeVmDirectory), SpbmEnabled: types.NewBool(false)},
		DasConfig: types.ClusterDasConfigInfo{Enabled: types.NewBool(false), FailoverLevel: 1,
			VmMonitoring:            string(types.ClusterDasConfigInfoVmMonitoringStateVmMonitoringDisabled),
			HostMonitoring:          string(types.ClusterDasConfigInfoServiceStateEnabled),
			VmComponentProtecting:   string(types.ClusterDasConfigInfoServiceStateDisabled),
			AdmissionControlEnabled: types.NewBool(true),
			AdmissionControlPolicy:  &types.ClusterFailoverLevelAdmissionControlPolicy{FailoverLevel: 1},
			DefaultVmSettings: &types.ClusterDasVmSettings{
				RestartPriority:   string(types.ClusterDasVmSettingsRestartPriorityMedium),
				IsolationResponse: string(types.ClusterDasVmSettingsIsolationResponseNone),
				VmToolsMonitoringSettings: &types.ClusterVmToolsMonitoringSettings{
					VmMonitoring:    string(types.ClusterDasConfigInfoVmMonitoringStateVmMonitoringDisabled),
					ClusterSettings: types.NewBool(true), FailureInterval: 30, MinUpTime: 120, MaxFailures: 3, MaxFailureWindow: -1}},
			HBDatastoreCandidatePolicy: string(types.ClusterDasConfigInfoHBDatastoreCandidateAllFeasibleDsWithUserPreference)},
		DrsConfig: types.ClusterDrsConfigInfo{Enabled: types.NewBool(false), EnableVmBehaviorOverrides: types.NewBool(true),
			DefaultVmBehavior: types.DrsBehaviorFullyAutomated, VmotionRate: 3,
			ScaleDescendantsShares: string(types.ResourceConfigSpecScaleSharesBehaviorDisabled)},
		Orchestration: &types.ClusterOrchestrationInfo{DefaultVmReadiness: &types.ClusterVmReadiness{
			ReadyCondition: string(types.ClusterVmReadinessReadyConditionNone)}},
		DpmConfigInfo: &types.ClusterDpmConfigInfo{Enabled: types.NewBool(false), DefaultDpmBehavior: types.DpmBehaviorAutomated,
			HostPowerActionRate: 3},
		ProactiveDrsConfig: &types.ClusterProactiveDrsConfigInfo{Enabled: types.NewBool(false)},
		VsanConfigInfo: &types.VsanClusterConfigInfo{Enabled: types.NewBool(false), DefaultConfig: &types.VsanClusterConfigInfoHostDefaultInfo{
			AutoClaimStorage: types.NewBool(false), ChecksumEnabled: types.NewBool(false)}},
	}
}

// refuseUnknown refuses features that the lab does not implement. "A cluster cannot be reconfigured to place it in the HCI
// workflow" (API, ClusterConfigSpecEx.inHciWorkflow).
func (r *reconfiguration) refuseUnknown(spec *types.ClusterConfigSpecEx) types.BaseMethodFault {
	switch {
	case vim.IsTrue(spec.InHciWorkflow):
		return vim.InvalidArgument("spec.inHciWorkflow")
	case spec.VsanConfig != nil || len(spec.VsanHostConfigSpec) > 0 || spec.VsanCoreConfigSpec != nil:
		return vim.NotSupported("The lab has no vSAN.")
	case spec.CryptoConfig != nil:
		return vim.NotSupported("The lab does not encrypt.")
	case spec.SystemVMsConfig != nil:
		return vim.NotSupported("The lab has no system VMs.")
	case spec.DesiredSoftwareSpec != nil || spec.HostSeedSpec != nil || vim.IsTrue(spec.EnableConfigManager):
		return vim.NotSupported("The lab does not manage the software of hosts.")
	}
	return nil
}
