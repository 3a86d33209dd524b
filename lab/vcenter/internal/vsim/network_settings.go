// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The settings of distributed ports: VLANs and policies.

package vsim

import (
	"strconv"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// highestVLAN is the last VLAN ID of distributed port groups; 4095, a trunk of standard port groups, is written as a range here.
const highestVLAN = 4094

// defaultSetting returns what a new distributed switch has.
func defaultSetting() *types.VMwareDVSPortSetting {
	setting := &types.VMwareDVSPortSetting{
		DVPortSetting: types.DVPortSetting{Blocked: boolPolicy(false), VmDirectPathGen2Allowed: boolPolicy(false),
			InShapingPolicy:        &types.DVSTrafficShapingPolicy{Enabled: boolPolicy(false)},
			OutShapingPolicy:       &types.DVSTrafficShapingPolicy{Enabled: boolPolicy(false)},
			NetworkResourcePoolKey: &types.StringPolicy{Value: "-1"}},
		Vlan:         &types.VmwareDistributedVirtualSwitchVlanIdSpec{},
		QosTag:       &types.IntPolicy{Value: -1},
		IpfixEnabled: boolPolicy(false), TxUplink: boolPolicy(false),
		UplinkTeamingPolicy: &types.VmwareUplinkPortTeamingPolicy{Policy: &types.StringPolicy{Value: "loadbalance_srcid"},
			ReversePolicy: boolPolicy(true), NotifySwitches: boolPolicy(true), RollingOrder: boolPolicy(false),
			FailureCriteria: &types.DVSFailureCriteria{CheckSpeed: &types.StringPolicy{Value: "minimum"}, CheckBeacon: boolPolicy(false)},
			UplinkPortOrder: &types.VMwareUplinkPortOrderPolicy{ActiveUplinkPort: []string{uplinkName}}},
	}
	setPolicies(setting, security{types.NewBool(false), types.NewBool(false), types.NewBool(false)},
		&types.DVSMacLearningPolicy{AllowUnicastFlooding: types.NewBool(true), Limit: types.NewInt32(4096), LimitPolicy: "DROP"})
	return setting
}

func boolPolicy(value bool) *types.BoolPolicy { return &types.BoolPolicy{Value: types.NewBool(value)} }

// inheritedSetting returns the switch's settings as those of a port group that sets none of its own.
func inheritedSetting(defaults *types.VMwareDVSPortSetting) *types.VMwareDVSPortSetting {
	setting := *defaults
	if vlan, ok := defaults.Vlan.(*types.VmwareDistributedVirtualSwitchVlanIdSpec); ok {
		inherited := *vlan
		inherited.Inherited = true
		setting.Vlan = &inherited
	}
	setPolicies(&setting, securityOf(defaults), defaults.MacManagementPolicy.MacLearningPolicy)
	setting.SecurityPolicy.Inherited, setting.MacManagementPolicy.Inherited = true, true
	return &setting
}

// mergedSetting applies a setting to another, which is not changed: what it leaves out stays.
func mergedSetting(old *types.VMwareDVSPortSetting, asked types.BaseDVPortSetting) (*types.VMwareDVSPortSetting, types.BaseMethodFault) {
	merged := *old
	if asked == nil {
		return &merged, nil
	}
	base := asked.GetDVPortSetting()
	merged.Blocked = orElse(base.Blocked, old.Blocked)
	merged.InShapingPolicy, merged.OutShapingPolicy = orElse(base.InShapingPolicy, old.InShapingPolicy), orElse(base.OutShapingPolicy, old.OutShapingPolicy)
	merged.NetworkResourcePoolKey = orElse(base.NetworkResourcePoolKey, old.NetworkResourcePoolKey)
	spec, ok := asked.(*types.VMwareDVSPortSetting)
	if !ok {
		return &merged, nil
	}
	if spec.Vlan != nil {
		if fault := requireVLAN(spec.Vlan); fault != nil {
			return nil, fault
		}
		merged.Vlan = spec.Vlan
	}
	merged.UplinkTeamingPolicy = mergedTeaming(old.UplinkTeamingPolicy, spec.UplinkTeamingPolicy)
	merged.QosTag, merged.LacpPolicy = orElse(spec.QosTag, old.QosTag), orElse(spec.LacpPolicy, old.LacpPolicy)
	merged.IpfixEnabled, merged.TxUplink = orElse(spec.IpfixEnabled, old.IpfixEnabled), orElse(spec.TxUplink, old.TxUplink)
	if spec.SecurityPolicy != nil || spec.MacManagementPolicy != nil {
		learning := old.MacManagementPolicy.MacLearningPolicy
		if spec.MacManagementPolicy != nil {
			learning = orElse(spec.MacManagementPolicy.MacLearningPolicy, learning)
		}
		setPolicies(&merged, securityOf(spec).or(securityOf(old)), learning)
	}
	return &merged, nil
}

// mergedTeaming applies a policy to another: like all settings of ports, what it leaves out stays.
func mergedTeaming(old, asked *types.VmwareUplinkPortTeamingPolicy) *types.VmwareUplinkPortTeamingPolicy {
	if asked == nil {
		return old
	}
	return &types.VmwareUplinkPortTeamingPolicy{InheritablePolicy: asked.InheritablePolicy,
		Policy: orElse(asked.Policy, old.Policy), ReversePolicy: orElse(asked.ReversePolicy, old.ReversePolicy),
		NotifySwitches: orElse(asked.NotifySwitches, old.NotifySwitches), RollingOrder: orElse(asked.RollingOrder, old.RollingOrder),
		FailureCriteria: orElse(asked.FailureCriteria, old.FailureCriteria),
		UplinkPortOrder: orElse(asked.UplinkPortOrder, old.UplinkPortOrder)}
}

// requireVLAN checks the IDs. ("The VLAN ID for ports. Possible values: A value of 0 is used for no VLAN. 1 to 4094", and ranges
// of 0 to 4094 for trunks: API, VmwareDistributedVirtualSwitchVlanIdSpec and …TrunkVlanSpec.)
func requireVLAN(vlan types.BaseVmwareDistributedVirtualSwitchVlanSpec) types.BaseMethodFault {
	var ranges []types.NumericRange
	switch v := vlan.(type) {
	case *types.VmwareDistributedVirtualSwitchVlanIdSpec:
		ranges = []types.NumericRange{{Start: v.VlanId, End: v.VlanId}}
	case *types.VmwareDistributedVirtualSwitchTrunkVlanSpec:
		ranges = v.VlanId
	default:
		return notSupported("The lab has no private VLANs.")
	}
	for _, r := range ranges {
		if r.Start < 0 || r.End > highestVLAN || r.Start > r.End {
			return vim.InvalidArgumentf("spec.defaultPortConfig.vlan.vlanId", "%d to %d is not within 0 to %d.", r.Start, r.End, highestVLAN)
		}
	}
	return nil
}

// security are the flags that a setting has in two places: "securityPolicy: deprecated as of vSphere API 6.7.1, use
// macManagementPolicy instead" (API, VMwareDVSPortSetting). If both are given, the newer one is applied (unconfirmed).
type security struct {
	promiscuous, macChanges, forged *bool
}

func securityOf(setting *types.VMwareDVSPortSetting) security {
	var found security
	if policy := setting.SecurityPolicy; policy != nil {
		found = security{valueOf(policy.AllowPromiscuous), valueOf(policy.MacChanges), valueOf(policy.ForgedTransmits)}
	}
	if policy := setting.MacManagementPolicy; policy != nil {
		found = security{policy.AllowPromiscuous, policy.MacChanges, policy.ForgedTransmits}.or(found)
	}
	return found
}

func valueOf(policy *types.BoolPolicy) *bool {
	if policy == nil {
		return nil
	}
	return policy.Value
}

func (s security) or(other security) security {
	return security{orElse(s.promiscuous, other.promiscuous), orElse(s.macChanges, other.macChanges), orElse(s.forged, other.forged)}
}

// setPolicies replaces both policies.
func setPolicies(setting *types.VMwareDVSPortSetting, flags security, learning *types.DVSMacLearningPolicy) {
	setting.SecurityPolicy = &types.DVSSecurityPolicy{AllowPromiscuous: &types.BoolPolicy{Value: flags.promiscuous},
		MacChanges: &types.BoolPolicy{Value: flags.macChanges}, ForgedTransmits: &types.BoolPolicy{Value: flags.forged}}
	setting.MacManagementPolicy = &types.DVSMacManagementPolicy{AllowPromiscuous: flags.promiscuous, MacChanges: flags.macChanges,
		ForgedTransmits: flags.forged, MacLearningPolicy: learning}
}

func defaultGroupPolicy() *types.VMwareDVSPortgroupPolicy {
	no := types.NewBool(false)
	return &types.VMwareDVSPortgroupPolicy{
		DVPortgroupPolicy: types.DVPortgroupPolicy{BlockOverrideAllowed: true, PortConfigResetAtDisconnect: true,
			NetworkResourcePoolOverrideAllowed: no, TrafficFilterOverrideAllowed: no},
		IpfixOverrideAllowed: no, MacManagementOverrideAllowed: no}
}

func requireVersion(given, current string) types.BaseMethodFault {
	if given == "" {
		return invalidArgument("spec.configVersion")
	}
	if given != current {
		return &types.ConcurrentAccess{}
	}
	return nil
}

func nextVersion(current string) string {
	number, _ := strconv.Atoi(current) // of the lab itself, so a number
	return strconv.Itoa(number + 1)
}
