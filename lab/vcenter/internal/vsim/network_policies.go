// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The policies of standard switches and port groups.

package vsim

import "github.com/vmware/govmomi/vim25/types"

// defaultHostPolicy returns what a new standard switch has.
func defaultHostPolicy() *types.HostNetworkPolicy {
	return &types.HostNetworkPolicy{
		Security: &types.HostNetworkSecurityPolicy{AllowPromiscuous: types.NewBool(false), MacChanges: types.NewBool(true),
			ForgedTransmits: types.NewBool(true)},
		NicTeaming: &types.HostNicTeamingPolicy{Policy: "loadbalance_srcid", ReversePolicy: types.NewBool(true),
			NotifySwitches: types.NewBool(true), RollingOrder: types.NewBool(false)},
		OffloadPolicy: &types.HostNetOffloadCapabilities{CsumOffload: types.NewBool(true), TcpSegmentation: types.NewBool(true),
			ZeroCopyXmit: types.NewBool(true)},
		ShapingPolicy: &types.HostNetworkTrafficShapingPolicy{Enabled: types.NewBool(false)},
	}
}

// completePolicy adds the groups of settings that a port group does not set. They are there, and empty, in the configuration of an ESXi
// host that govmomi has recorded (simulator/esx/host_config_info.go, "VM Network").
func completePolicy(policy types.HostNetworkPolicy) types.HostNetworkPolicy {
	teaming := types.HostNicTeamingPolicy{}
	if policy.NicTeaming != nil {
		teaming = *policy.NicTeaming
	}
	teaming.FailureCriteria = orElse(teaming.FailureCriteria, &types.HostNicFailureCriteria{})
	return types.HostNetworkPolicy{Security: orElse(policy.Security, &types.HostNetworkSecurityPolicy{}), NicTeaming: &teaming,
		OffloadPolicy: orElse(policy.OffloadPolicy, &types.HostNetOffloadCapabilities{}),
		ShapingPolicy: orElse(policy.ShapingPolicy, &types.HostNetworkTrafficShapingPolicy{})}
}

// computedPolicy returns the effective policy: "every individual policy setting can be inherited" (API, HostNetworkPolicy).
func computedPolicy(inherited, policy *types.HostNetworkPolicy) types.HostNetworkPolicy {
	own := completePolicy(*policy)
	return types.HostNetworkPolicy{
		Security: &types.HostNetworkSecurityPolicy{
			AllowPromiscuous: orElse(own.Security.AllowPromiscuous, inherited.Security.AllowPromiscuous),
			MacChanges:       orElse(own.Security.MacChanges, inherited.Security.MacChanges),
			ForgedTransmits:  orElse(own.Security.ForgedTransmits, inherited.Security.ForgedTransmits)},
		NicTeaming: computedTeaming(inherited.NicTeaming, own.NicTeaming),
		OffloadPolicy: &types.HostNetOffloadCapabilities{
			CsumOffload:     orElse(own.OffloadPolicy.CsumOffload, inherited.OffloadPolicy.CsumOffload),
			TcpSegmentation: orElse(own.OffloadPolicy.TcpSegmentation, inherited.OffloadPolicy.TcpSegmentation),
			ZeroCopyXmit:    orElse(own.OffloadPolicy.ZeroCopyXmit, inherited.OffloadPolicy.ZeroCopyXmit)},
		ShapingPolicy: computedShaping(inherited.ShapingPolicy, own.ShapingPolicy),
	}
}

func computedTeaming(inherited, own *types.HostNicTeamingPolicy) *types.HostNicTeamingPolicy {
	criteria := own.FailureCriteria
	if *criteria == (types.HostNicFailureCriteria{}) {
		criteria = inherited.FailureCriteria
	}
	return &types.HostNicTeamingPolicy{Policy: orDefault(own.Policy, inherited.Policy),
		ReversePolicy: orElse(own.ReversePolicy, inherited.ReversePolicy), NotifySwitches: orElse(own.NotifySwitches, inherited.NotifySwitches),
		RollingOrder: orElse(own.RollingOrder, inherited.RollingOrder), FailureCriteria: criteria,
		NicOrder: orElse(own.NicOrder, inherited.NicOrder)}
}

// computedShaping inherits the bandwidths with the flag: they have no effect without it.
func computedShaping(inherited, own *types.HostNetworkTrafficShapingPolicy) *types.HostNetworkTrafficShapingPolicy {
	if own.Enabled == nil {
		return inherited
	}
	return own
}
