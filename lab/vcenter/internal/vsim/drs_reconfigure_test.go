// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/drs"
)

func TestAClustersSettingsAreMerged(t *testing.T) {
	d := newDRSLab(t, types.DrsBehaviorManual)
	setting := func(key, value string) types.BaseOptionValue { return &types.OptionValue{Key: key, Value: value} }
	d.apply(&types.ClusterConfigSpecEx{
		DrsConfig: &types.ClusterDrsConfigInfo{VmotionRate: 2, EnableVmBehaviorOverrides: types.NewBool(false),
			ScaleDescendantsShares: "scaleCpuAndMemoryShares", Option: []types.BaseOptionValue{setting("a", "1"), setting("b", "2")}},
		DasConfig: &types.ClusterDasConfigInfo{Enabled: types.NewBool(true), VmMonitoring: "vmMonitoringOnly", HostMonitoring: "disabled",
			AdmissionControlPolicy: &types.ClusterFailoverResourcesAdmissionControlPolicy{CpuFailoverResourcesPercent: 25, MemoryFailoverResourcesPercent: 30},
			DefaultVmSettings:      &types.ClusterDasVmSettings{RestartPriority: "high"}},
		DpmConfig:          &types.ClusterDpmConfigInfo{Enabled: types.NewBool(true)},
		ProactiveDrsConfig: &types.ClusterProactiveDrsConfigInfo{Enabled: types.NewBool(true)},
	})
	d.apply(&types.ClusterConfigSpecEx{
		DrsConfig: &types.ClusterDrsConfigInfo{Option: []types.BaseOptionValue{setting("b", ""), setting("c", "3")}},
		DasConfig: &types.ClusterDasConfigInfo{AdmissionControlPolicy: &types.ClusterFailoverResourcesAdmissionControlPolicy{CpuFailoverResourcesPercent: 50},
			DefaultVmSettings: &types.ClusterDasVmSettings{IsolationResponse: "shutdown"}},
	})
	read := d.read()
	got := read.ConfigurationEx.(*types.ClusterConfigInfoEx)
	drs, das := got.DrsConfig, got.DasConfig
	if !*drs.Enabled || drs.DefaultVmBehavior != types.DrsBehaviorManual || drs.VmotionRate != 2 || *drs.EnableVmBehaviorOverrides ||
		drs.ScaleDescendantsShares != "scaleCpuAndMemoryShares" || optionValue(drs.Option, "a") != "1" || len(drs.Option) != 2 ||
		optionValue(drs.Option, "c") != "3" {
		t.Errorf("DRS %+v", drs)
	}
	policy := das.AdmissionControlPolicy.(*types.ClusterFailoverResourcesAdmissionControlPolicy)
	if !*das.Enabled || das.VmMonitoring != "vmMonitoringOnly" || das.HostMonitoring != "disabled" || das.DefaultVmSettings.RestartPriority != "high" ||
		das.DefaultVmSettings.IsolationResponse != "shutdown" || policy.CpuFailoverResourcesPercent != 50 || policy.MemoryFailoverResourcesPercent != 0 {
		t.Errorf("HA %+v %+v", das, policy)
	}
	if !*got.DpmConfigInfo.Enabled || got.DpmConfigInfo.HostPowerActionRate != 3 || !*got.ProactiveDrsConfig.Enabled {
		t.Errorf("DPM %+v", got.DpmConfigInfo)
	}
	if old := read.Configuration; old.DrsConfig.VmotionRate != 2 || old.DasConfig.VmMonitoring != "vmMonitoringOnly" {
		t.Errorf("the old property has %+v", old)
	}
	pool := d.server.registry.Get(*read.ResourcePool).(*simulator.ResourcePool)
	if shares := pool.Config.ScaleDescendantsShares; shares != "scaleCpuAndMemoryShares" {
		t.Errorf("the root pool scales shares %q", shares)
	}
	other := d.server.clusterConfig(d.server.clusterOf(must(d.finder.ClusterComputeResource(t.Context(), "C1"))(t).Reference()))
	if other.DrsConfig.VmotionRate != 3 || *other.DasConfig.Enabled {
		t.Errorf("the other cluster has %+v", other)
	}
}

func TestReplacingAConfigurationRemovesTheOldOne(t *testing.T) {
	d := newDRSLab(t, types.DrsBehaviorManual)
	vms := d.vms("a", "b")
	d.apply(rules(adding, affinity("pair", vms...)))
	first := d.rule("pair").GetClusterRuleInfo().Key
	spec := rules(adding, antiAffinity("pair", vms...))
	spec.DrsConfig = &types.ClusterDrsConfigInfo{Enabled: types.NewBool(true)}
	d.result(d.reconfigure(spec, false))
	got := d.config()
	if len(got.Rule) != 1 || got.DrsConfig.DefaultVmBehavior != types.DrsBehaviorFullyAutomated || got.DrsConfig.VmotionRate != 3 {
		t.Errorf("it has %+v", got)
	}
	rule := got.Rule[0].(*types.ClusterAntiAffinityRuleSpec)
	if rule.Key <= first || rule.RuleUuid == "" || *rule.UserCreated {
		t.Errorf("the rule is %+v", rule)
	}
	for _, spec := range []*types.ClusterConfigSpecEx{removedRule(rule.Key), rules(editing, rule)} {
		isFault[types.InvalidArgument](d.lab, d.refusal(d.reconfigure(spec, false)))
	}
}

func TestReconfigureClusterChangesTheConfigurationToo(t *testing.T) {
	d := newDRSLab(t, types.DrsBehaviorManual)
	answer := must(methods.ReconfigureCluster_Task(t.Context(), d.client.Client, &types.ReconfigureCluster_Task{This: d.cluster.Reference(), Modify: true,
		Spec: types.ClusterConfigSpec{DrsConfig: &types.ClusterDrsConfigInfo{VmotionRate: 5}, RulesSpec: rules(adding, affinity("pair", d.vms("a", "b")...)).RulesSpec}}))(t)
	d.result(object.NewTask(d.client.Client, answer.Returnval), nil)
	if got := d.config(); got.DrsConfig.VmotionRate != 5 || len(got.Rule) != 1 {
		t.Errorf("it has %+v", got)
	}
}

func TestEditsOfRulesAndGroupsKeepUnsetProperties(t *testing.T) {
	d := newDRSLab(t, types.DrsBehaviorManual)
	vms := d.vms("a", "b", "c")
	spec := groups(adding, vmsGroup("vms", vms[:2]...), hostsGroup("hosts", d.hosts[0]), hostsGroup("others", d.hosts[1:]...))
	spec.RulesSpec = rules(adding, runOn("where", "vms", "hosts"), antiAffinity("apart", vms...)).RulesSpec
	d.apply(spec)
	where, apart := d.rule("where").(*types.ClusterVmHostRuleInfo), d.rule("apart").(*types.ClusterAntiAffinityRuleSpec)
	if where.Key == apart.Key || where.RuleUuid == apart.RuleUuid || *where.Mandatory {
		t.Errorf("the rules are %+v and %+v", where, apart)
	}
	edit := func(key int32, change types.ClusterRuleInfo) types.ClusterRuleInfo {
		change.Key = key
		return change
	}
	d.apply(rules(editing,
		&types.ClusterVmHostRuleInfo{ClusterRuleInfo: edit(where.Key, types.ClusterRuleInfo{Mandatory: types.NewBool(true)}), AffineHostGroupName: "others"},
		&types.ClusterAntiAffinityRuleSpec{ClusterRuleInfo: edit(apart.Key, types.ClusterRuleInfo{Enabled: types.NewBool(false), Name: "renamed"})}))
	where, apart = d.rule("where").(*types.ClusterVmHostRuleInfo), d.rule("renamed").(*types.ClusterAntiAffinityRuleSpec)
	if !*where.Enabled || !*where.Mandatory || where.VmGroupName != "vms" || where.AffineHostGroupName != "others" || *apart.Enabled || len(apart.Vm) != 3 {
		t.Errorf("the rules are %+v and %+v", where, apart)
	}
	d.apply(groups(editing, vmsGroup("vms", vms[2], vms[2])))
	config := d.config()
	if group := drs.VMGroup(&config, "vms"); !slices.Equal(group.Vm, vms[2:]) || *group.UserCreated {
		t.Errorf("the group is %+v", group)
	}
	d.apply(groups(editing, vmsGroup("vms")))
	if config = d.config(); len(drs.VMGroup(&config, "vms").Vm) != 0 {
		t.Errorf("the group is %+v", drs.VMGroup(&config, "vms"))
	}
	// A rule and its groups go in one change, in any order.
	spec = removedGroup("vms")
	spec.RulesSpec = removedRule(where.Key).RulesSpec
	d.apply(spec)
}

func TestOverridesAreAddedEditedAndRemoved(t *testing.T) {
	d := newDRSLab(t, types.DrsBehaviorManual)
	vm := d.vms("a")[0]
	drs := func(operation types.ArrayUpdateOperation, info *types.ClusterDrsVmConfigInfo) *types.ClusterConfigSpecEx {
		spec := types.ClusterDrsVmConfigSpec{ArrayUpdateSpec: types.ArrayUpdateSpec{Operation: operation}, Info: info}
		if info == nil {
			spec.RemoveKey = vm
		}
		return &types.ClusterConfigSpecEx{DrsVmConfigSpec: []types.ClusterDrsVmConfigSpec{spec}}
	}
	isFault[types.InvalidArgument](d.lab, d.refuses(drs(editing, &types.ClusterDrsVmConfigInfo{Key: vm})))
	isFault[types.InvalidArgument](d.lab, d.refuses(drs(removing, nil)))
	isFault[types.InvalidArgument](d.lab, d.refuses(drs(adding, &types.ClusterDrsVmConfigInfo{Key: vm, Behavior: "sometimes"})))
	d.apply(drs(adding, &types.ClusterDrsVmConfigInfo{Key: vm, Behavior: types.DrsBehaviorManual}))
	d.apply(drs(adding, &types.ClusterDrsVmConfigInfo{Key: vm, Enabled: types.NewBool(true), Behavior: types.DrsBehaviorPartiallyAutomated}))
	d.apply(drs(editing, &types.ClusterDrsVmConfigInfo{Key: vm, Enabled: types.NewBool(false)}))
	got := d.config().DrsVmConfig
	if len(got) != 1 || *got[0].Enabled || got[0].Behavior != types.DrsBehaviorPartiallyAutomated {
		t.Errorf("it has %+v", got)
	}
	d.apply(drs(removing, nil))
	d.apply(&types.ClusterConfigSpecEx{DasVmConfigSpec: []types.ClusterDasVmConfigSpec{{ArrayUpdateSpec: types.ArrayUpdateSpec{Operation: adding},
		Info: &types.ClusterDasVmConfigInfo{Key: vm, DasSettings: &types.ClusterDasVmSettings{RestartPriority: "lowest"}}}}})
	if got := d.config(); len(got.DrsVmConfig) != 0 || got.DasVmConfig[0].DasSettings.RestartPriority != "lowest" {
		t.Errorf("it has %+v", got)
	}
}

func TestInvalidClusterSpecsAreRefused(t *testing.T) {
	d := newDRSLab(t, types.DrsBehaviorManual)
	vms := d.vms("a", "b", "c")
	far := must(d.finder.ResourcePool(t.Context(), "C1/Resources"))(t)
	strange := d.result(d.folder.CreateVM(t.Context(), d.spec("strange"), far, nil)).(ref)
	farHost := must(d.finder.HostSystem(t.Context(), "C1/far1"))(t).Reference()
	spec := groups(adding, vmsGroup("vms", vms[0]), vmsGroup("more", vms[1]), hostsGroup("hosts", d.hosts[0]), hostsGroup("emptied", d.hosts[0]))
	spec.RulesSpec = rules(adding, runOn("where", "vms", "hosts"), affinity("pair", vms[:2]...), depends("order", "vms", "more")).RulesSpec
	d.apply(spec)
	d.apply(groups(editing, hostsGroup("emptied")))
	pair, where := d.rule("pair").GetClusterRuleInfo().Key, d.rule("where").GetClusterRuleInfo().Key
	keyed := func(key int32, rule types.BaseClusterRuleInfo) types.BaseClusterRuleInfo {
		rule.GetClusterRuleInfo().Key = key
		return rule
	}
	low := &types.ClusterConfigSpecEx{DasVmConfigSpec: []types.ClusterDasVmConfigSpec{{ArrayUpdateSpec: types.ArrayUpdateSpec{Operation: adding},
		Info: &types.ClusterDasVmConfigInfo{Key: vms[1], DasSettings: &types.ClusterDasVmSettings{RestartPriority: "low"}}}}}
	for name, spec := range map[string]*types.ClusterConfigSpecEx{
		"a rule of one machine":            rules(adding, affinity("x", vms[0])),
		"a rule of one machine, twice":     rules(adding, antiAffinity("x", vms[0], vms[0])),
		"an edit to one machine":           rules(editing, keyed(pair, affinity("", vms[0]))),
		"a machine of another cluster":     rules(adding, affinity("x", vms[0], strange)),
		"a rule's name that is taken":      rules(adding, antiAffinity("pair", vms[1:]...)),
		"a name that another edit gives":   rules(editing, keyed(pair, affinity("where", vms[:2]...))),
		"a rule without a name":            rules(adding, affinity("", vms...)),
		"a rule of no type":                rules(adding, &types.ClusterRuleInfo{Name: "x"}),
		"another type of rule":             rules(editing, keyed(pair, antiAffinity("pair", vms[:2]...))),
		"a rule that is not there":         rules(editing, keyed(4711, affinity("pair", vms[:2]...))),
		"a rule without a key":             rules(editing, affinity("pair", vms[:2]...)),
		"removing a rule that isn't there": removedRule(4711),
		"a group without members":          groups(adding, vmsGroup("x")),
		"hosts without members":            groups(adding, hostsGroup("x")),
		"a group of another's machine":     groups(adding, vmsGroup("x", strange)),
		"a group of another's host":        groups(adding, hostsGroup("x", farHost)),
		"an edit with another's machine":   groups(editing, vmsGroup("vms", vms[0], strange)),
		"a group's name that is taken":     groups(adding, hostsGroup("vms", d.hosts[0])),
		"a group without a name":           groups(adding, vmsGroup("", vms[0])),
		"another kind of group":            groups(editing, hostsGroup("vms", d.hosts[0])),
		"a group that is not there":        groups(editing, vmsGroup("x", vms[0])),
		"removing a group that isn't":      removedGroup("x"),
		"a missing group of machines":      rules(adding, runOn("x", "missing", "hosts")),
		"a missing group of hosts":         rules(adding, runOn("x", "vms", "nowhere")),
		"a group of hosts as machines":     rules(adding, runOn("x", "hosts", "hosts")),
		"no group of hosts":                rules(adding, &types.ClusterVmHostRuleInfo{ClusterRuleInfo: info("x"), VmGroupName: "vms"}),
		"an empty group of hosts":          rules(adding, runOn("x", "vms", "emptied")),
		"a missing dependency":             rules(adding, depends("x", "vms", "missing")),
		"a dependency on itself":           rules(adding, depends("x", "vms", "vms")),
		"a cycle":                          rules(adding, depends("x", "more", "vms")),
		"dependence on a lower priority":   low,
		"a rate":                           {DrsConfig: &types.ClusterDrsConfigInfo{VmotionRate: 6}},
		"a behaviour":                      {DrsConfig: &types.ClusterDrsConfigInfo{DefaultVmBehavior: "sometimes"}},
		"DPM without DRS": {DrsConfig: &types.ClusterDrsConfigInfo{Enabled: types.NewBool(false)},
			DpmConfig: &types.ClusterDpmConfigInfo{Enabled: types.NewBool(true)}},
		"a failover host of another cluster": {DasConfig: &types.ClusterDasConfigInfo{
			AdmissionControlPolicy: &types.ClusterFailoverHostAdmissionControlPolicy{FailoverHosts: []ref{farHost}}}},
		"an HCI workflow": {InHciWorkflow: types.NewBool(true)},
	} {
		t.Run(name, func(t *testing.T) {
			sub := *d
			sub.lab = &lab{T: t, server: d.server, client: d.client}
			// A change is applied completely or not at all: its valid parts are not applied either.
			spec.DrsConfig = either(spec.DrsConfig, &types.ClusterDrsConfigInfo{VmotionRate: 1})
			isFault[types.InvalidArgument](sub.lab, sub.refuses(spec))
		})
	}
	fault := isFault[types.ResourceInUse](d.lab, d.refuses(removedGroup("vms")))
	if fault.Name != "vms" {
		t.Errorf("in use is %+v", fault)
	}
	d.apply(removedRule(where))
	d.apply(groups(adding, vmsGroup("later", vms[2])))
}

func either[T any](value, otherwise *T) *T {
	if value != nil {
		return value
	}
	return otherwise
}

func TestTheNewerOfTwoRulesInConflictIsDisabled(t *testing.T) {
	d := newDRSLab(t, types.DrsBehaviorManual)
	vms := d.vms("a", "b", "c", "d")
	d.apply(rules(adding, affinity("ab", vms[0], vms[1]), antiAffinity("ba", vms[1], vms[0], vms[2]), affinity("bc", vms[1], vms[2]),
		antiAffinity("ac", vms[0], vms[2]), antiAffinity("all", vms[2], vms[3])))
	enabled := func() string {
		states := map[string]bool{}
		for _, rule := range d.config().Rule {
			states[rule.GetClusterRuleInfo().Name] = *rule.GetClusterRuleInfo().Enabled
		}
		return fmt.Sprint(states)
	}
	if got := enabled(); got != "map[ab:true ac:false all:true ba:false bc:true]" {
		t.Errorf("enabled are %s", got)
	}
	// VM-host rules conflict with each other, not with rules between VMs.
	spec := groups(adding, vmsGroup("vms", vms[0]), hostsGroup("one", d.hosts[0]), hostsGroup("two", d.hosts[1]))
	spec.RulesSpec = rules(adding, runOn("on one", "vms", "one"), runOn("on two", "vms", "two"), avoid("not one", "vms", "one"), avoid("not two", "vms", "two")).RulesSpec
	d.apply(spec)
	if got := enabled(); got != "map[ab:true ac:false all:true ba:false bc:true not one:false not two:true on one:true on two:false]" {
		t.Errorf("enabled are %s", got)
	}
	// More VMs than hosts are no conflict.
	d.apply(rules(adding, antiAffinity("many", append(d.vms("e", "f", "g"), vms[3])...)))
	if !*d.rule("many").GetClusterRuleInfo().Enabled {
		t.Error("an impossible rule is disabled")
	}
}

func TestAVMThatIsDestroyedIsRemovedFromGroupsRulesAndOverrides(t *testing.T) {
	d := newDRSLab(t, types.DrsBehaviorManual)
	vms := d.vms("a", "b")
	spec := groups(adding, vmsGroup("vms", vms[0]))
	spec.RulesSpec = rules(adding, antiAffinity("apart", vms...)).RulesSpec
	spec.DrsVmConfigSpec = []types.ClusterDrsVmConfigSpec{{ArrayUpdateSpec: types.ArrayUpdateSpec{Operation: adding}, Info: &types.ClusterDrsVmConfigInfo{Key: vms[0]}}}
	d.apply(spec)
	d.result(object.NewVirtualMachine(d.client.Client, vms[0]).Destroy(t.Context()))
	config := d.config()
	rule := d.rule("apart").(*types.ClusterAntiAffinityRuleSpec)
	if group := drs.VMGroup(&config, "vms"); group == nil || len(group.Vm) != 0 || !slices.Equal(rule.Vm, vms[1:]) || len(config.DrsVmConfig) != 0 {
		t.Errorf("left are %+v, %+v, %+v", group, rule, config.DrsVmConfig)
	}
	// The rule, which has lost members, can still be disabled.
	d.apply(rules(editing, &types.ClusterAntiAffinityRuleSpec{ClusterRuleInfo: types.ClusterRuleInfo{Key: rule.Key, Enabled: types.NewBool(false)}}))
}

func TestConfigurationChangesAreReportedToWaitingClients(t *testing.T) {
	d := newDRSLab(t, types.DrsBehaviorManual)
	vms := d.vms("a", "b")
	seen := make(chan types.PropertyChange, 100)
	ready := make(chan struct{})
	go func() {
		first := true
		_ = property.Wait(t.Context(), property.DefaultCollector(d.connect().Client), d.cluster.Reference(),
			[]string{"configurationEx.rule", "configurationEx.drsConfig.vmotionRate", "configuration"}, func(changes []types.PropertyChange) bool {
				for _, change := range changes {
					if !first {
						seen <- change
					}
				}
				if first {
					close(ready)
				}
				first = false
				return false
			})
	}()
	<-ready
	spec := rules(adding, affinity("pair", vms...))
	spec.DrsConfig = &types.ClusterDrsConfigInfo{VmotionRate: 4}
	d.apply(spec)
	wanted := map[string]bool{"configurationEx.rule": true, "configurationEx.drsConfig.vmotionRate": true, "configuration": true}
	for deadline := time.After(10 * time.Second); len(wanted) > 0; {
		select {
		case change := <-seen:
			switch value := change.Val.(type) {
			case types.ArrayOfClusterRuleInfo:
				if len(value.ClusterRuleInfo) == 1 {
					delete(wanted, change.Name)
				}
			case int32:
				if value == 4 {
					delete(wanted, change.Name)
				}
			case types.ClusterConfigInfo:
				if len(value.Rule) == 1 && value.DrsConfig.VmotionRate == 4 {
					delete(wanted, change.Name)
				}
			}
		case <-deadline:
			t.Fatalf("not reported: %v", wanted)
		}
	}
}
