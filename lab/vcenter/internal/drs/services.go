// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The settings of DRS, HA, DPM and related services.

package drs

import (
	"slices"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// applyServices changes the settings that the specification sets.
func (r *reconfiguration) applyServices(spec *types.ClusterConfigSpecEx) types.BaseMethodFault {
	merge(&r.config.ComputeResourceConfigInfo, &types.ComputeResourceConfigInfo{VmSwapPlacement: spec.VmSwapPlacement,
		SpbmEnabled: spec.SpbmEnabled, DefaultHardwareVersionKey: spec.DefaultHardwareVersionKey,
		MaximumHardwareVersionKey: spec.MaximumHardwareVersionKey})
	if spec.DrsConfig != nil {
		merge(&r.config.DrsConfig, spec.DrsConfig)
	}
	if spec.DasConfig != nil {
		r.applyHA(spec.DasConfig)
	}
	mergeOptional(&r.config.DpmConfigInfo, spec.DpmConfig)
	mergeOptional(&r.config.Orchestration, spec.Orchestration)
	mergeOptional(&r.config.ProactiveDrsConfig, spec.ProactiveDrsConfig)
	mergeOptional(&r.config.InfraUpdateHaConfig, spec.InfraUpdateHaConfig)
	if infra := r.config.InfraUpdateHaConfig; infra != nil && slices.Equal(infra.Providers, []string{""}) {
		infra.Providers = nil // "a list with a single element {""} will clear the list" (API)
	}
	return nil
}

// applyHA changes the settings of HA. It keeps the deprecated failoverLevel consistent with the policy that replaces it. A
// policy is replaced as a whole, including the fields of later releases that the client leaves out (unconfirmed).
func (r *reconfiguration) applyHA(das *types.ClusterDasConfigInfo) {
	if das.AdmissionControlPolicy != nil {
		r.config.DasConfig.AdmissionControlPolicy = nil
	}
	merge(&r.config.DasConfig, das)
	if das.FailoverLevel != 0 && das.AdmissionControlPolicy == nil {
		r.config.DasConfig.AdmissionControlPolicy = &types.ClusterFailoverLevelAdmissionControlPolicy{FailoverLevel: das.FailoverLevel}
	}
	if policy, ok := r.config.DasConfig.AdmissionControlPolicy.(*types.ClusterFailoverLevelAdmissionControlPolicy); ok {
		r.config.DasConfig.FailoverLevel = policy.FailoverLevel
	}
}

// within refuses a number that is out of its range.
func within(property string, value, least, most int32) types.BaseMethodFault {
	if value >= least && value <= most {
		return nil
	}
	return vim.InvalidArgumentf(property, "%d is not in %d..%d.", value, least, most)
}

// firstFault returns the first of the faults, or nil.
func firstFault(faults ...types.BaseMethodFault) types.BaseMethodFault {
	for _, fault := range faults {
		if fault != nil {
			return fault
		}
	}
	return nil
}

// checkServices refuses values that the reference of the data objects excludes. The faults are unconfirmed: InvalidArgument
// is the API's fault for "a specified parameter was not correct".
func (r *reconfiguration) checkServices() types.BaseMethodFault {
	drs, das := &r.config.DrsConfig, &r.config.DasConfig
	if dpm := r.config.DpmConfigInfo; dpm != nil {
		// "This service can not be enabled, unless DRS is enabled as well" (ClusterDpmConfigInfo.enabled).
		if vim.IsTrue(dpm.Enabled) && !vim.IsTrue(drs.Enabled) {
			return vim.InvalidArgument("spec.dpmConfig.enabled")
		}
		if fault := firstFault(
			vim.OneOf("spec.dpmConfig.defaultDpmBehavior", dpm.DefaultDpmBehavior, types.DpmBehavior("").Values()),
			within("spec.dpmConfig.hostPowerActionRate", dpm.HostPowerActionRate, 1, 5)); fault != nil {
			return fault
		}
	}
	if infra := r.config.InfraUpdateHaConfig; infra != nil {
		maintenance, quarantine := types.ClusterInfraUpdateHaConfigInfoRemediationTypeMaintenanceMode, types.ClusterInfraUpdateHaConfigInfoRemediationTypeQuarantineMode
		// "... is not supported and will throw InvalidArgument" (ClusterInfraUpdateHaConfigInfo.moderateRemediation).
		if infra.ModerateRemediation == string(maintenance) && infra.SevereRemediation == string(quarantine) {
			return vim.InvalidArgument("spec.infraUpdateHaConfig.moderateRemediation")
		}
	}
	monitoring := types.ClusterDasConfigInfoVmMonitoringState("").Strings()
	states := types.ClusterDasConfigInfoServiceState("").Strings()
	if fault := firstFault(
		vim.OneOf("spec.drsConfig.defaultVmBehavior", drs.DefaultVmBehavior, types.DrsBehavior("").Values()),
		within("spec.drsConfig.vmotionRate", drs.VmotionRate, 1, 5), // "ratings vary from 1 to 5"
		vim.OneOf("spec.drsConfig.scaleDescendantsShares", drs.ScaleDescendantsShares, types.ResourceConfigSpecScaleSharesBehavior("").Strings()),
		vim.OneOf("spec.dasConfig.vmMonitoring", das.VmMonitoring, monitoring),
		vim.OneOf("spec.dasConfig.hostMonitoring", das.HostMonitoring, states),
		vim.OneOf("spec.dasConfig.vmComponentProtecting", das.VmComponentProtecting, states),
		vim.OneOf("spec.dasConfig.hBDatastoreCandidatePolicy", das.HBDatastoreCandidatePolicy,
			types.ClusterDasConfigInfoHBDatastoreCandidate("").Strings()),
		checkSettings("spec.dasConfig.defaultVmSettings", das.DefaultVmSettings)); fault != nil {
		return fault
	}
	return r.checkAdmissionControl()
}

// checkSettings refuses unknown values in the restart settings of VMs.
func checkSettings(property string, settings *types.ClusterDasVmSettings) types.BaseMethodFault {
	if settings == nil {
		return nil
	}
	return firstFault(
		vim.OneOf(property+".restartPriority", settings.RestartPriority, types.ClusterDasVmSettingsRestartPriority("").Strings()),
		vim.OneOf(property+".isolationResponse", settings.IsolationResponse, types.ClusterDasVmSettingsIsolationResponse("").Strings()))
}

// checkAdmissionControl refuses invalid values of HA's admission control.
func (r *reconfiguration) checkAdmissionControl() types.BaseMethodFault {
	const property = "spec.dasConfig.admissionControlPolicy"
	switch policy := r.config.DasConfig.AdmissionControlPolicy.(type) {
	case *types.ClusterFailoverLevelAdmissionControlPolicy:
		// "Acceptable values range from one to four" (ClusterDasConfigInfo.failoverLevel) dates from clusters of 32
		// hosts; since vSphere 6 it is less than the number of hosts, up to 32 (vSphere Availability, "Admission Control").
		return within(property+".failoverLevel", policy.FailoverLevel, 1, 32)
	case *types.ClusterFailoverResourcesAdmissionControlPolicy:
		return firstFault( // "You can specify up to 100% of CPU resources for failover"
			within(property+".cpuFailoverResourcesPercent", policy.CpuFailoverResourcesPercent, 0, 100),
			within(property+".memoryFailoverResourcesPercent", policy.MemoryFailoverResourcesPercent, 0, 100))
	case *types.ClusterFailoverHostAdmissionControlPolicy:
		for _, host := range policy.FailoverHosts {
			if !r.hasHost(host) {
				return vim.InvalidArgument(property + ".failoverHosts")
			}
		}
	}
	return nil
}
