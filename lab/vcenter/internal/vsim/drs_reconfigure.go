// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// ReconfigureComputeResource_Task: a cluster's configuration changes as a whole, or not at all.
//
// What is refused, and why, is said where it is. "API" is the vSphere Web Services API reference; "unconfirmed" means that
// it does not say which fault a real vCenter gives, or whether it gives one.

package vsim

import (
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// reconfiguration is a change of a cluster's configuration on its way.
type reconfiguration struct {
	server   *Server
	cluster  *simulator.ClusterComputeResource
	modify   bool
	config   types.ClusterConfigInfoEx // as it will be
	lastRule int32
	touched  map[int32]bool // rules that this change adds or edits, by key
}

func (s *Server) reconfigureCompute(ctx *simulator.Context, request *types.ReconfigureComputeResource_Task) (soap.HasFault, types.BaseMethodFault) {
	cluster := s.clusterOf(request.This)
	if request.Spec == nil {
		return nil, invalidArgument("spec")
	}
	spec, ok := request.Spec.(*types.ClusterConfigSpecEx)
	if !ok {
		spec = &types.ClusterConfigSpecEx{ComputeResourceConfigSpec: *request.Spec.GetComputeResourceConfigSpec()}
	}
	return s.task(ctx, request.This, "ReconfigureComputeResource_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		return nil, s.reconfigureCluster(cluster, spec, request.Modify)
	})
}

// reconfigureOld is the method of API 2.0, with a part of the specification.
func (s *Server) reconfigureOld(ctx *simulator.Context, request *types.ReconfigureCluster_Task) (soap.HasFault, types.BaseMethodFault) {
	cluster := s.clusterOf(request.This)
	spec := &types.ClusterConfigSpecEx{DasConfig: request.Spec.DasConfig, DasVmConfigSpec: request.Spec.DasVmConfigSpec,
		DrsConfig: request.Spec.DrsConfig, DrsVmConfigSpec: request.Spec.DrsVmConfigSpec, RulesSpec: request.Spec.RulesSpec}
	return s.task(ctx, request.This, "ReconfigureCluster_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		return nil, s.reconfigureCluster(cluster, spec, request.Modify)
	})
}

func (s *Server) reconfigureCluster(cluster *simulator.ClusterComputeResource, spec *types.ClusterConfigSpecEx, modify bool) types.BaseMethodFault {
	s.drs.mu.Lock()
	defer s.drs.mu.Unlock()
	state := s.drs.stateOf(cluster.Self)
	r := &reconfiguration{server: s, cluster: cluster, modify: modify, lastRule: state.lastRule, touched: map[int32]bool{}}
	if modify {
		r.config = copied(*s.clusterConfig(cluster))
	} else {
		// "If modify is false ..., the configuration of the cluster matches the specification exactly" (API,
		// ReconfigureComputeResource_Task).
		r.config = defaultClusterConfig()
	}
	for _, step := range []func(*types.ClusterConfigSpecEx) types.BaseMethodFault{
		r.refuseUnknown, r.applyServices, r.applyGroups, r.applyRules, r.applyOverrides, r.check} {
		if fault := step(spec); fault != nil {
			return fault
		}
	}
	r.settleConflicts()
	state.lastRule = r.lastRule
	s.judge(&r.config)
	s.publishConfig(cluster, &r.config)
	s.scaleShares(cluster, r.config.DrsConfig.ScaleDescendantsShares)
	s.poke(cluster)
	return nil
}

// defaultClusterConfig is that of a cluster of which nothing has been said. The API names the defaults of enableVmBehavior-
// Overrides, hostMonitoring, vmMonitoring, vmComponentProtecting and hBDatastoreCandidatePolicy; the others are those that
// the vSphere Client shows for a new cluster.
func defaultClusterConfig() types.ClusterConfigInfoEx {
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
	}
}

// installClusters gives the clusters of the inventory all settings that the simulator leaves out, and DRS its eyes.
func (s *Server) installClusters() {
	s.drs.pause, s.drs.poked = time.Second, map[ref]bool{}
	s.registry.AddHandler(&hostWatch{ref{Type: "GantryHostWatch", Value: "hostWatch"}, s})
	s.drs.mu.Lock()
	defer s.drs.mu.Unlock()
	for _, entity := range s.registry.All("ClusterComputeResource") {
		cluster := entity.(*simulator.ClusterComputeResource)
		config := defaultClusterConfig()
		merge(&config, s.clusterConfig(cluster))
		s.publishConfig(cluster, &config)
	}
}

// refuseUnknown refuses what the lab does not have. "A cluster cannot be reconfigured to place it in the HCI workflow"
// (API, ClusterConfigSpecEx.inHciWorkflow).
func (r *reconfiguration) refuseUnknown(spec *types.ClusterConfigSpecEx) types.BaseMethodFault {
	switch {
	case isTrue(spec.InHciWorkflow):
		return invalidArgument("spec.inHciWorkflow")
	case spec.VsanConfig != nil || len(spec.VsanHostConfigSpec) > 0 || spec.VsanCoreConfigSpec != nil:
		return notSupported("the lab has no vSAN")
	case spec.CryptoConfig != nil:
		return notSupported("the lab does not encrypt")
	case spec.SystemVMsConfig != nil:
		return notSupported("the lab has no system VMs")
	case spec.DesiredSoftwareSpec != nil || spec.HostSeedSpec != nil || isTrue(spec.EnableConfigManager):
		return notSupported("the lab does not manage the software of hosts")
	}
	return nil
}

// scaleShares is "equivalent to setting the scaleDescendantsShares on the root resource pool" (API, ClusterDrsConfigInfo).
func (s *Server) scaleShares(cluster *simulator.ClusterComputeResource, behavior string) {
	pool := s.registry.Get(*cluster.ResourcePool).(*simulator.ResourcePool)
	s.locked(pool, func(ctx *simulator.Context) {
		if pool.Config.ScaleDescendantsShares != behavior {
			ctx.Update(pool, []types.PropertyChange{set("config.scaleDescendantsShares", behavior)})
		}
	})
}
