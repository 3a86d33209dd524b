// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package drs

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vmware/govmomi/vim25/types"
)

// members has three hosts and the VMs a to d.
var members = Members{Cluster: "C0", Hosts: hostRefs("h1", "h2", "h3"), Names: nameOf,
	HasVM: func(vm Ref) bool { return slices.Contains(vmRefs("a", "b", "c", "d"), vm) }}

// change is a specification that adds, edits or removes.
func change(operation types.ArrayUpdateOperation, parts ...any) *types.ClusterConfigSpecEx {
	spec := &types.ClusterConfigSpecEx{}
	for _, part := range parts {
		update := types.ArrayUpdateSpec{Operation: operation}
		switch p := part.(type) {
		case types.BaseClusterRuleInfo:
			spec.RulesSpec = append(spec.RulesSpec, types.ClusterRuleSpec{ArrayUpdateSpec: update, Info: p})
		case types.BaseClusterGroupInfo:
			spec.GroupSpec = append(spec.GroupSpec, types.ClusterGroupSpec{ArrayUpdateSpec: update, Info: p})
		case string:
			update.RemoveKey = p
			spec.GroupSpec = append(spec.GroupSpec, types.ClusterGroupSpec{ArrayUpdateSpec: update})
		case int32:
			update.RemoveKey = p
			spec.RulesSpec = append(spec.RulesSpec, types.ClusterRuleSpec{ArrayUpdateSpec: update})
		}
	}
	return spec
}

func applied(t *testing.T, config types.ClusterConfigInfoEx, lastRule int32, spec *types.ClusterConfigSpecEx) (types.ClusterConfigInfoEx, int32) {
	t.Helper()
	changed, last, fault := Reconfigure(config, spec, true, lastRule, members)
	if fault != nil {
		t.Fatalf("refused with %T %+v", fault, fault.GetMethodFault().FaultCause)
	}
	return changed, last
}

func TestKeysOfRulesAreNeverUsedAgain(t *testing.T) {
	config, last := applied(t, DefaultConfig(), 7, change(types.ArrayUpdateOperationAdd, affinity("one", "a", "b"), affinity("two", "c", "d")))
	if last != 9 || config.Rule[0].GetClusterRuleInfo().Key != 8 || config.Rule[1].GetClusterRuleInfo().RuleUuid == "" {
		t.Errorf("the last key is %d, the rules are %+v", last, config.Rule)
	}
	config, last = applied(t, config, last, change(types.ArrayUpdateOperationRemove, int32(9)))
	config, _ = applied(t, config, last, change(types.ArrayUpdateOperationAdd, affinity("three", "c", "d")))
	if key := config.Rule[1].GetClusterRuleInfo().Key; key != 10 {
		t.Errorf("the new rule has the key %d", key)
	}
}

func TestAReplacedConfigurationStartsFromTheDefaults(t *testing.T) {
	config := automated(vmGroup("vms", "a"))
	config.DrsConfig.VmotionRate = 1
	replaced, _, fault := Reconfigure(config, change(types.ArrayUpdateOperationAdd, affinity("pair", "a", "b")), false, 0, members)
	if fault != nil || len(replaced.Group) != 0 || len(replaced.Rule) != 1 || replaced.DrsConfig.VmotionRate != 3 {
		t.Errorf("replaced by %+v (%+v)", replaced, fault)
	}
	_, _, fault = Reconfigure(config, change(types.ArrayUpdateOperationRemove, "vms"), false, 0, members)
	isA[*types.InvalidArgument](t, fault)
}

func TestTheNewerOfTwoConflictingRulesIsDisabled(t *testing.T) {
	config, _ := applied(t, DefaultConfig(), 0, change(types.ArrayUpdateOperationAdd, vmGroup("vms", "a"), groupOfHosts("one", "h1"), groupOfHosts("two", "h2"),
		affinity("ab", "a", "b"), antiAffinity("ba", "b", "a"), affinity("bc", "b", "c"), antiAffinity("ac", "a", "c"), antiAffinity("cd", "c", "d"),
		runOn("on one", "vms", "one"), runOn("on two", "vms", "two"), avoid("not one", "vms", "one"), avoid("not two", "vms", "two")))
	var off []string
	for _, rule := range config.Rule {
		if info := rule.GetClusterRuleInfo(); !*info.Enabled {
			off = append(off, info.Name)
		}
	}
	if got := strings.Join(off, ", "); got != "ba, ac, on two, not one" {
		t.Errorf("disabled are %s", got)
	}
}

func TestInvalidRulesAndGroupsAreRefused(t *testing.T) {
	base := func() types.ClusterConfigInfoEx {
		return automated(vmGroup("vms", "a"), vmGroup("more", "b"), groupOfHosts("hosts", "h1"), runOn("where", "vms", "hosts"),
			&types.ClusterDependencyRuleInfo{ClusterRuleInfo: enabled("order"), VmGroup: "vms", DependsOnVmGroup: "more"})
	}
	add, edit, remove := types.ArrayUpdateOperationAdd, types.ArrayUpdateOperationEdit, types.ArrayUpdateOperationRemove
	for name, test := range map[string]struct {
		spec *types.ClusterConfigSpecEx
		want string
	}{
		"a rule without a name":      {change(add, affinity("", "a", "b")), "requires a name"},
		"a name that is taken":       {change(add, affinity("where", "a", "b")), "There is a rule named where already."},
		"one VM":                     {change(add, affinity("x", "a", "a")), "at least two virtual machines; it has 1."},
		"a VM of another cluster":    {change(add, antiAffinity("x", "a", "far")), "Virtual machine far of rule x is not in cluster C0."},
		"a group that is not there":  {change(add, runOn("x", "missing", "hosts")), `"missing", which is not a group of virtual machines.`},
		"a group of the wrong kind":  {change(add, runOn("x", "vms", "more")), `"more", which is not a group of hosts.`},
		"a rule without hosts":       {change(add, runOn("x", "vms", "")), "requires a group with hosts."},
		"a dependency on itself":     {change(add, &types.ClusterDependencyRuleInfo{ClusterRuleInfo: enabled("x"), VmGroup: "vms", DependsOnVmGroup: "vms"}), "would depend on itself."},
		"a cycle":                    {change(add, &types.ClusterDependencyRuleInfo{ClusterRuleInfo: enabled("x"), VmGroup: "more", DependsOnVmGroup: "vms"}), "would depend on itself."},
		"a rule of another type":     {change(edit, &types.ClusterAffinityRuleSpec{ClusterRuleInfo: types.ClusterRuleInfo{Key: 1}}), "Rule where is of another type."},
		"a key that is not there":    {change(remove, int32(99)), "There is no rule with the key 99."},
		"a group without a name":     {change(add, vmGroup("", "a")), "A group requires a name."},
		"a group that exists":        {change(add, vmGroup("vms", "b")), "There is a group named vms already."},
		"a group without members":    {change(add, vmGroup("empty")), "Group empty has no members."},
		"a host of another cluster":  {change(add, groupOfHosts("x", "far")), "far is not in cluster C0."},
		"a group's kind":             {change(edit, groupOfHosts("vms", "h1")), "Group vms is of another kind."},
		"a group that was not there": {change(remove, "nothing"), "There is no group named nothing."},
		"an enumeration":             {&types.ClusterConfigSpecEx{DrsConfig: &types.ClusterDrsConfigInfo{DefaultVmBehavior: "sometimes"}}, `"sometimes" is not one of [manual partiallyAutomated fullyAutomated].`},
		"a number out of its range":  {&types.ClusterConfigSpecEx{DrsConfig: &types.ClusterDrsConfigInfo{VmotionRate: 6}}, "6 is not in 1..5."},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, fault := Reconfigure(base(), test.spec, true, 9, members)
			isA[*types.InvalidArgument](t, fault)
			if text := fmt.Sprint(fault.GetMethodFault().FaultCause.LocalizedMessage); !strings.Contains(text, test.want) {
				t.Errorf("the fault has the message %q", text)
			}
		})
	}
	_, _, fault := Reconfigure(base(), change(remove, "vms"), true, 9, members)
	if inUse := isA[*types.ResourceInUse](t, fault); inUse.Name != "vms" {
		t.Errorf("fault %+v", inUse)
	}
}

func TestCompleteKeepsWhatIsSet(t *testing.T) {
	config := Complete(&types.ClusterConfigInfoEx{DrsConfig: types.ClusterDrsConfigInfo{VmotionRate: 1}})
	if config.DrsConfig.VmotionRate != 1 || config.DrsConfig.DefaultVmBehavior != types.DrsBehaviorFullyAutomated || config.DasConfig.DefaultVmSettings == nil {
		t.Errorf("completed to %+v", config)
	}
}

func TestForgetRemovesAVMFromGroupsRulesAndOverrides(t *testing.T) {
	config := automated(vmGroup("vms", "a", "b"), antiAffinity("apart", "a", "b"))
	config.DrsVmConfig = []types.ClusterDrsVmConfigInfo{{Key: vmRef("a")}, {Key: vmRef("b")}}
	if !Mentions(&config, vmRef("a")) || Mentions(&config, vmRef("c")) {
		t.Error("it mentions the wrong VMs")
	}
	Forget(&config, vmRef("a"))
	if Mentions(&config, vmRef("a")) || !Mentions(&config, vmRef("b")) || len(config.Rule) != 1 || len(config.DrsVmConfig) != 1 {
		t.Errorf("left is %+v", config)
	}
}

func TestComplianceFollowsWhereVMsRun(t *testing.T) {
	config := automated(affinity("pair", "a", "b"), disabled(affinity("off", "a", "c")))
	together, apart := placed("a", "h1", "b", "h1"), placed("a", "h1", "b", "h2")
	SetCompliance(&config, together)
	pair, off := config.Rule[0].GetClusterRuleInfo(), config.Rule[1].GetClusterRuleInfo()
	if pair.Status != types.ManagedEntityStatusGreen || pair.InCompliance != nil || off.Status != types.ManagedEntityStatusGreen {
		t.Errorf("the rules are %+v and %+v", pair, off)
	}
	if !HasCompliance(&config, together) || HasCompliance(&config, apart) {
		t.Error("a change of the compliance is not seen")
	}
	SetCompliance(&config, apart)
	if pair.Status != types.ManagedEntityStatusRed || pair.InCompliance != nil || !HasCompliance(&config, apart) {
		t.Errorf("the rule is %+v", pair)
	}
}

func TestAnAdmissionControlPolicyIsReplacedAsAWhole(t *testing.T) {
	write := func(config types.ClusterConfigInfoEx, policy types.BaseClusterDasAdmissionControlPolicy) types.ClusterConfigInfoEx {
		changed, _ := applied(t, config, 0, &types.ClusterConfigSpecEx{DasConfig: &types.ClusterDasConfigInfo{AdmissionControlPolicy: policy}})
		return changed
	}
	tolerated := int32(25)
	policy := &types.ClusterFailoverLevelAdmissionControlPolicy{FailoverLevel: 2}
	policy.ResourceReductionToToleratePercent = &tolerated
	config := write(DefaultConfig(), policy)
	if kept := config.DasConfig.AdmissionControlPolicy.GetClusterDasAdmissionControlPolicy().ResourceReductionToToleratePercent; kept == nil || *kept != 25 {
		t.Errorf("stored %v", kept)
	}
	config = write(config, &types.ClusterFailoverLevelAdmissionControlPolicy{FailoverLevel: 3})
	if left := config.DasConfig.AdmissionControlPolicy.GetClusterDasAdmissionControlPolicy().ResourceReductionToToleratePercent; left != nil {
		t.Errorf("%d is left of the old policy", *left)
	}
}

func TestUserCreatedIsStoredAsSent(t *testing.T) {
	marked, plain := affinity("marked", "a", "b"), affinity("plain", "c", "d")
	marked.GetClusterRuleInfo().UserCreated = types.NewBool(true)
	group := vmGroup("vms", "a")
	group.GetClusterGroupInfo().UserCreated = types.NewBool(true)
	config, _ := applied(t, DefaultConfig(), 0, change(types.ArrayUpdateOperationAdd, marked, plain, group, groupOfHosts("hosts", "h1")))
	if !*config.Rule[0].GetClusterRuleInfo().UserCreated || *config.Rule[1].GetClusterRuleInfo().UserCreated {
		t.Errorf("the rules are %+v", config.Rule)
	}
	if !*config.Group[0].GetClusterGroupInfo().UserCreated || *config.Group[1].GetClusterGroupInfo().UserCreated {
		t.Errorf("the groups are %+v", config.Group)
	}
}
