// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"slices"
	"testing"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/machine"
)

func (d *drsLab) refresh() []types.ClusterRecommendation {
	d.Helper()
	must(methods.RefreshRecommendation(d.Context(), d.client.Client, &types.RefreshRecommendation{This: d.cluster.Reference()}))(d)
	return d.read().Recommendation
}

func (d *drsLab) accept(key string) error {
	_, err := methods.ApplyRecommendation(d.Context(), d.client.Client, &types.ApplyRecommendation{This: d.cluster.Reference(), Key: key})
	return err
}

func (d *drsLab) cancel(key string) error {
	_, err := methods.CancelRecommendation(d.Context(), d.client.Client, &types.CancelRecommendation{This: d.cluster.Reference(), Key: key})
	return err
}

func (d *drsLab) status(rule string) types.ManagedEntityStatus {
	d.Helper()
	return d.rule(rule).GetClusterRuleInfo().Status
}

func migrationOf(t *testing.T, recommendation types.ClusterRecommendation) types.ClusterDrsMigration {
	t.Helper()
	return *recommendation.Action[0].(*types.ClusterMigrationAction).DrsMigration
}

func TestVMsStartOnHostsThatTheRulesPrefer(t *testing.T) {
	d := newDRSLab(t, types.DrsBehaviorFullyAutomated)
	vms := d.vms("a", "b", "c", "d", "e", "f")
	spec := groups(adding, vmsGroup("here", vms[3]), vmsGroup("there", vms[4]), hostsGroup("first", d.hosts[0]))
	spec.RulesSpec = rules(adding, affinity("ab", vms[0], vms[1]), mandatory(antiAffinity("ac", vms[0], vms[2])),
		mandatory(runOn("here", "here", "first")), avoid("not there", "there", "first")).RulesSpec
	d.apply(spec)
	for _, vm := range vms {
		d.powerOn(vm)
	}
	a, b, c := d.hostOfVM(vms[0]), d.hostOfVM(vms[1]), d.hostOfVM(vms[2])
	if a != b || a == c || d.hostOfVM(vms[3]) != d.hosts[0] || d.hostOfVM(vms[4]) == d.hosts[0] {
		t.Errorf("they run on %v %v %v %v %v", a, b, c, d.hostOfVM(vms[3]), d.hostOfVM(vms[4]))
	}
	for _, rule := range []string{"ab", "ac", "here", "not there"} {
		if got := d.status(rule); got != types.ManagedEntityStatusGreen {
			t.Errorf("rule %s in compliance: %s", rule, got)
		}
	}
	// A mandatory rule refuses the host that is asked for, a preferred one does not.
	for _, vm := range []int{0, 2, 3, 4} {
		d.result(object.NewVirtualMachine(d.client.Client, vms[vm]).PowerOff(t.Context()))
	}
	byHost := isFault[types.VmHostAffinityRuleViolation](d.lab, d.refusal(d.powerOnAt(vms[3], d.hosts[1])))
	if byHost.VmName != "d" || byHost.HostName != "esx2" {
		t.Errorf("fault %+v", byHost)
	}
	d.powerOn(vms[2], d.hosts[1])
	byVM := isFault[types.RuleViolation](d.lab, d.refusal(d.powerOnAt(vms[0], d.hosts[1])))
	if byVM.Rule.GetClusterRuleInfo().Name != "ac" || *byVM.Host != d.hosts[1] {
		t.Errorf("fault %+v", byVM)
	}
	d.apply(&types.ClusterConfigSpecEx{DrsConfig: &types.ClusterDrsConfigInfo{DefaultVmBehavior: types.DrsBehaviorManual}})
	d.powerOn(vms[4], d.hosts[0])
	if got := d.status("not there"); got != types.ManagedEntityStatusRed {
		t.Errorf("in compliance: %s", got)
	}
	if got := d.rule("not there").GetClusterRuleInfo().Status; got != types.ManagedEntityStatusRed {
		t.Errorf("status %s", got)
	}
}

func TestAVMThatNoHostAdmitsIsNotAttempted(t *testing.T) {
	d := newDRSLab(t, types.DrsBehaviorFullyAutomated)
	vms := d.vms("a", "b", "c", "d", "e")
	spec := groups(adding, vmsGroup("vms", vms[4]), hostsGroup("all", d.hosts...))
	spec.RulesSpec = rules(adding, mandatory(antiAffinity("apart", vms[:4]...)), mandatory(avoid("nowhere", "vms", "all"))).RulesSpec
	d.apply(spec)
	for _, vm := range vms[:3] {
		d.powerOn(vm)
	}
	result := d.result(d.dc.PowerOnVM(t.Context(), vms[3:])).(types.ClusterPowerOnVmResult)
	if len(result.NotAttempted) != 2 || len(result.Attempted) != 0 {
		t.Fatalf("it gave %+v", result)
	}
	if _, ok := result.NotAttempted[0].Fault.Fault.(*types.RuleViolation); !ok {
		t.Errorf("refused with %T", result.NotAttempted[0].Fault.Fault)
	}
	if _, ok := result.NotAttempted[1].Fault.Fault.(*types.NoCompatibleHardAffinityHost); !ok {
		t.Errorf("refused with %T", result.NotAttempted[1].Fault.Fault)
	}
}

func TestAManualClusterRecommendsHostsForPowerOn(t *testing.T) {
	d := newDRSLab(t, types.DrsBehaviorManual)
	vms := d.vms("a", "b", "c")
	d.apply(rules(adding, antiAffinity("apart", vms[:2]...)))
	result := d.result(d.dc.PowerOnVM(t.Context(), vms[:2])).(types.ClusterPowerOnVmResult)
	if len(result.Recommendations) != 2 || len(result.Attempted) != 0 {
		t.Fatalf("it gave %+v", result)
	}
	placement := result.Recommendations[0].Action[0].(*types.ClusterInitialPlacementAction)
	if *placement.Target != vms[0] || result.Recommendations[0].Reason != "powerOnVm" {
		t.Errorf("recommended %+v", placement)
	}
	if err := d.accept(result.Recommendations[0].Key); err != nil {
		t.Fatal(err)
	}
	d.eventually("it is on where it was recommended", func() bool {
		return d.server.powerState(d.server.vm(vms[0])) == types.VirtualMachinePowerStatePoweredOn && d.hostOfVM(vms[0]) == placement.TargetHost
	})
	if err := d.cancel(result.Recommendations[1].Key); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{d.accept(result.Recommendations[0].Key), d.accept(result.Recommendations[1].Key), d.cancel("nothing")} {
		isFault[types.InvalidArgument](d.lab, d.faultOf(err))
	}
	if left := d.refresh(); len(left) != 0 {
		t.Errorf("left are %+v", left)
	}
	// The level can be overridden for a call. PowerOnVM_Task takes the VM's own host.
	option := &types.OptionValue{Key: "OverrideAutomationLevel", Value: "fullyAutomated"}
	result = d.result(d.dc.PowerOnVM(t.Context(), vms[1:2], option)).(types.ClusterPowerOnVmResult)
	d.result(object.NewTask(d.client.Client, *result.Attempted[0].Task), nil)
	if d.hostOfVM(vms[0]) == d.hostOfVM(vms[1]) {
		t.Error("they are together")
	}
	own := d.hostOfVM(vms[2])
	d.powerOn(vms[2])
	if got := d.hostOfVM(vms[2]); got != own {
		t.Errorf("it went from %v to %v", own, got)
	}
}

func TestMovesThatFixRuleViolationsAreRecommended(t *testing.T) {
	d := newDRSLab(t, types.DrsBehaviorPartiallyAutomated)
	vms := d.vms("a", "b", "c", "d")
	for _, vm := range vms[:3] {
		d.powerOn(vm, d.hosts[0])
	}
	d.apply(rules(adding, antiAffinity("apart", vms[:3]...)))
	d.eventually("two moves are recommended", func() bool { return len(d.read().Recommendation) == 2 })
	if got := d.status("apart"); got != types.ManagedEntityStatusRed {
		t.Errorf("in compliance: %s", got)
	}
	again := d.refresh()
	first := migrationOf(t, again[0])
	if again[0].Reason != "antiAffin" || again[0].Rating != 5 || first.Source != d.hosts[0] || first.Destination == d.hosts[0] || again[0].Key != first.Key {
		t.Errorf("recommended %+v", again[0])
	}
	if old := d.read().DrsRecommendation; len(old) != 2 || old[0].Key != again[0].Key || old[0].MigrationList[0].Vm != first.Vm {
		t.Errorf("the old property has %+v", old)
	}
	isFault[types.InvalidArgument](d.lab, d.faultOf(d.cancel(again[0].Key)))
	for _, recommendation := range again {
		if err := d.accept(recommendation.Key); err != nil {
			t.Fatal(err)
		}
	}
	d.eventually("the rule is kept", func() bool {
		return d.status("apart") == types.ManagedEntityStatusGreen && len(d.read().Recommendation) == 0
	})
	d.eventually("the moves are remembered", func() bool { return len(d.read().ActionHistory) == 2 })
	read := d.read()
	done := read.ActionHistory[0].Action.(*types.ClusterMigrationAction).DrsMigration
	if !slices.ContainsFunc(again, func(r types.ClusterRecommendation) bool { return r.Key == done.Key && migrationOf(t, r).Vm == done.Vm }) {
		t.Errorf("remembered %+v", done)
	}
	if summary := read.Summary.(*types.ClusterComputeResourceSummary); summary.NumVmotions != 2 || len(read.MigrationHistory) != 0 {
		t.Errorf("summary %+v, history %+v", summary, read.MigrationHistory)
	}
	// A rule with more VMs than hosts is accepted, and DRS reports what it cannot do.
	d.powerOn(vms[3], d.hosts[0])
	d.apply(rules(editing, &types.ClusterAntiAffinityRuleSpec{ClusterRuleInfo: types.ClusterRuleInfo{Key: d.rule("apart").GetClusterRuleInfo().Key}, Vm: vms}))
	d.eventually("DRS names its faults", func() bool { return len(d.read().DrsFault) == 1 })
	faults := d.read().DrsFault[0]
	byVM := faults.FaultsByVm[0].GetClusterDrsFaultsFaultsByVm()
	if faults.Reason != "antiAffin" || len(faults.FaultsByVm) != 2 || len(byVM.Fault) != 2 {
		t.Fatalf("faults %+v", faults)
	}
	if _, ok := byVM.Fault[0].Fault.(*types.RuleViolation); !ok {
		t.Errorf("fault %T", byVM.Fault[0].Fault)
	}
}

func TestAFullyAutomatedClusterFixesRuleViolations(t *testing.T) {
	d := newDRSLab(t, types.DrsBehaviorFullyAutomated)
	vms := d.vms("a", "b", "c", "d")
	for _, vm := range vms {
		d.powerOn(vm, d.hosts[0])
	}
	// c requires approval of the recommendation; DRS is disabled for d.
	override := func(vm ref, info types.ClusterDrsVmConfigInfo) types.ClusterDrsVmConfigSpec {
		info.Key = vm
		return types.ClusterDrsVmConfigSpec{ArrayUpdateSpec: types.ArrayUpdateSpec{Operation: adding}, Info: &info}
	}
	spec := groups(adding, vmsGroup("vms", vms[1:]...), hostsGroup("second", d.hosts[1]))
	spec.RulesSpec = rules(adding, runOn("away", "vms", "second")).RulesSpec
	spec.DrsVmConfigSpec = []types.ClusterDrsVmConfigSpec{override(vms[2], types.ClusterDrsVmConfigInfo{Behavior: types.DrsBehaviorManual}),
		override(vms[3], types.ClusterDrsVmConfigInfo{Enabled: types.NewBool(false)})}
	d.apply(spec)
	d.eventually("b is moved", func() bool { return d.hostOfVM(vms[1]) == d.hosts[1] })
	d.eventually("a move of c is recommended", func() bool { return len(d.read().Recommendation) == 1 })
	d.eventually("the move is in the history", func() bool { return len(d.read().MigrationHistory) == 1 })
	read := d.read()
	if got := migrationOf(t, read.Recommendation[0]); got.Vm != vms[2] || got.Destination != d.hosts[1] || read.Recommendation[0].Reason != "vmHostSoftAffinity" {
		t.Errorf("recommended %+v", read.Recommendation[0])
	}
	byVM := read.DrsFault[0].FaultsByVm[0].GetClusterDrsFaultsFaultsByVm()
	if _, ok := byVM.Fault[0].Fault.(*types.DrsDisabledOnVm); !ok || *byVM.Vm != vms[3] {
		t.Errorf("faults %+v", byVM)
	}
	if d.hostOfVM(vms[2]) != d.hosts[0] || d.hostOfVM(vms[3]) != d.hosts[0] || d.status("away") != types.ManagedEntityStatusRed {
		t.Error("others have been moved")
	}
	var moved *types.TaskInfo
	for _, task := range d.server.registry.AllReference("Task") {
		if info := &task.(*simulator.Task).Info; info.Name == migrationTask {
			moved = info
		}
	}
	if moved == nil || moved.DescriptionId != migrationTask || *moved.Entity != vms[1] {
		t.Errorf("the task is %+v", moved)
	}
	// If overrides are not allowed, all VMs are moved.
	d.apply(&types.ClusterConfigSpecEx{DrsConfig: &types.ClusterDrsConfigInfo{EnableVmBehaviorOverrides: types.NewBool(false)}})
	d.eventually("all are moved", func() bool { return d.status("away") == types.ManagedEntityStatusGreen && len(d.read().DrsFault) == 0 })
}

func TestAHostThatExitsMaintenanceModeIsUsedForRules(t *testing.T) {
	d := newDRSLab(t, types.DrsBehaviorFullyAutomated)
	vms := d.vms("a", "b", "c")
	for _, vm := range vms {
		d.powerOn(vm)
	}
	third := object.NewHostSystem(d.client.Client, d.hostOfVM(vms[2]))
	d.result(object.NewVirtualMachine(d.client.Client, vms[2]).PowerOff(t.Context()))
	d.result(third.EnterMaintenanceMode(t.Context(), 0, false, nil))
	d.powerOn(vms[2])
	d.apply(rules(adding, antiAffinity("apart", vms...)))
	d.eventually("DRS names its faults", func() bool { return len(d.read().DrsFault) == 1 })
	d.result(third.ExitMaintenanceMode(t.Context(), 0))
	d.eventually("the rule is kept", func() bool { return d.status("apart") == types.ManagedEntityStatusGreen })
}

func TestMovesOffAHostInMaintenanceModeAreRecommended(t *testing.T) {
	d := newDRSLab(t, types.DrsBehaviorManual)
	vms := d.vms("a", "b")
	d.powerOn(vms[0], d.hosts[0])
	d.powerOn(vms[1], d.hosts[1])
	d.apply(rules(adding, antiAffinity("apart", vms...)))
	entering := must(object.NewHostSystem(d.client.Client, d.hosts[0]).EnterMaintenanceMode(t.Context(), 0, false, nil))(t)
	d.eventually("a move is recommended", func() bool { return len(d.read().Recommendation) == 1 })
	recommended := d.read().Recommendation[0]
	if move := migrationOf(t, recommended); recommended.Reason != "hostMaint" || move.Vm != vms[0] || move.Destination != d.hosts[2] {
		t.Errorf("recommended %+v", recommended)
	}
	if err := d.accept(recommended.Key); err != nil {
		t.Fatal(err)
	}
	d.result(entering, nil)
}

// busy is a hypervisor whose VMs have a given CPU usage.
type busy struct {
	*guests
	since time.Time
	cpus  map[string]float64 // CPUs used by each VM
}

func (b *busy) Info(id string) (machine.Info, bool) {
	info, on := b.guests.Info(id)
	info.CPUSeconds = b.cpus[id] * time.Since(b.since).Seconds()
	return info, on
}

func TestBusyVMsAreSpread(t *testing.T) {
	d := newDRSLab(t, types.DrsBehaviorManual)
	vms := d.vms("a", "b", "c")
	load := &busy{guests: d.guests, since: time.Now(), cpus: map[string]float64{vms[0].Value: 4, vms[1].Value: 4, vms[2].Value: 0.001}}
	d.server.UseHypervisor(load)
	for _, vm := range vms {
		d.powerOn(vm, d.hosts[0])
	}
	d.server.measure()
	time.Sleep(shortest + 50*time.Millisecond)
	recommended := d.refresh()
	if len(recommended) != 1 {
		t.Fatalf("recommended %+v", recommended)
	}
	move := migrationOf(t, recommended[0])
	if recommended[0].Reason != "fairnessCpuAvg" || !slices.Contains(vms[:2], move.Vm) || move.Source != d.hosts[0] ||
		move.CpuLoad < 4000 || move.SourceCpuLoad < move.CpuLoad+4000 { // 8000 each, on a VM that is not busy itself
		t.Errorf("recommended %+v %+v", recommended[0], move)
	}
	read := d.read()
	summary := read.Summary.(*types.ClusterComputeResourceSummary)
	if summary.CurrentBalance < 150 || summary.TargetBalance != 50 || summary.UsageSummary.CpuDemandMhz < 8000 || summary.UsageSummary.TotalVmCount != 3 {
		t.Errorf("summary %+v %+v", summary, summary.UsageSummary)
	}
	stats := d.lab.read(vms[0]).Summary.QuickStats
	if stats.OverallCpuUsage < 4000 || stats.HostMemoryUsage < 256 {
		t.Errorf("statistics %+v", stats)
	}
	if cpu, memory := d.server.hostLoad(d.hosts[0]); cpu < 8000 || memory < 3*256<<20 {
		t.Errorf("the host uses %d MHz, %d bytes", cpu, memory)
	}
	// Recommendations remain after other changes until the next whole run of DRS.
	d.apply(rules(adding, affinity("together", vms[:2]...)))
	time.Sleep(5 * d.server.drs.pause)
	if got := d.read().Recommendation; len(got) != 1 || got[0].Key != recommended[0].Key {
		t.Errorf("recommended are now %+v", got)
	}
	if got := d.refresh(); len(got) != 0 {
		t.Errorf("against a rule it recommends %+v", got)
	}
	// The most conservative setting makes no moves for balance.
	d.apply(removedRule(d.rule("together").GetClusterRuleInfo().Key))
	d.apply(&types.ClusterConfigSpecEx{DrsConfig: &types.ClusterDrsConfigInfo{VmotionRate: 5}})
	if got := d.refresh(); len(got) != 0 {
		t.Errorf("recommended are %+v", got)
	}
	// In an automated cluster, a whole run performs the moves.
	d.apply(&types.ClusterConfigSpecEx{DrsConfig: &types.ClusterDrsConfigInfo{VmotionRate: 3, DefaultVmBehavior: types.DrsBehaviorFullyAutomated}})
	d.refresh()
	d.eventually("they are apart", func() bool { return d.hostOfVM(vms[0]) != d.hostOfVM(vms[1]) })
}

func TestDRSAnswersQuestions(t *testing.T) {
	d := newDRSLab(t, types.DrsBehaviorManual)
	vms := d.vms("a", "b", "c")
	off := antiAffinity("off", vms[1], vms[2])
	off.GetClusterRuleInfo().Enabled = nil
	spec := groups(adding, vmsGroup("vms", vms[0], vms[2]), hostsGroup("hosts", d.hosts[:2]...))
	spec.RulesSpec = rules(adding, affinity("ab", vms[:2]...), off, mandatory(runOn("where", "vms", "hosts"))).RulesSpec
	d.apply(spec)
	found := must(methods.FindRulesForVm(t.Context(), d.client.Client, &types.FindRulesForVm{This: d.cluster.Reference(), Vm: vms[1]}))(t).Returnval
	if len(found) != 2 || found[0].GetClusterRuleInfo().Name != "ab" || found[1].GetClusterRuleInfo().Name != "off" {
		t.Errorf("found %+v", found)
	}
	ask := func(vm ref, pool *ref) ([]types.ClusterHostRecommendation, error) {
		answer, err := methods.RecommendHostsForVm(t.Context(), d.client.Client, &types.RecommendHostsForVm{This: d.cluster.Reference(), Vm: vm, Pool: pool})
		if err != nil {
			return nil, err
		}
		return answer.Returnval, nil
	}
	d.powerOn(vms[1], d.hosts[0])
	hosts := must(ask(vms[0], nil))(t)
	if len(hosts) != 2 || hosts[0].Host != d.hosts[0] || hosts[0].Rating != 5 || hosts[1].Host != d.hosts[1] {
		t.Errorf("recommended %+v", hosts)
	}
	_, err := ask(vms[1], nil)
	isFault[types.InvalidArgument](d.lab, d.faultOf(err))
	place := func(vm ref, hosts ...ref) types.PlacementResult {
		return must(methods.PlaceVm(t.Context(), d.client.Client, &types.PlaceVm{This: d.cluster.Reference(),
			PlacementSpec: types.PlacementSpec{PlacementType: "relocate", Vm: &vm, Hosts: hosts}}))(t).Returnval
	}
	if action := place(vms[0]).Recommendations[0].Action[0].(*types.PlacementAction); *action.TargetHost != d.hosts[0] {
		t.Errorf("placed on %v", action.TargetHost)
	}
	refused := place(vms[0], d.hosts[2])
	if _, ok := refused.DrsFault.FaultsByVm[0].GetClusterDrsFaultsFaultsByVm().Fault[0].Fault.(*types.VmHostAffinityRuleViolation); !ok {
		t.Errorf("placed %+v", refused)
	}
	// An evacuation complies with the rules too.
	host, fault := d.server.chooseHost(d.server.vm(vms[0]), d.hosts[0])
	if fault != nil || host != d.hosts[1] {
		t.Errorf("it would go to %v (%v)", host, fault)
	}
	_, fault = d.server.chooseHost(d.server.vm(vms[0]), d.hosts[:2]...)
	isFault[types.VmHostAffinityRuleViolation](d.lab, fault)
	d.apply(&types.ClusterConfigSpecEx{DrsConfig: &types.ClusterDrsConfigInfo{Enabled: types.NewBool(false)}})
	_, err = ask(vms[0], nil)
	isFault[types.NotSupported](d.lab, d.faultOf(err))
}

func TestHAKeepsItsFailoverHostFree(t *testing.T) {
	d := newDRSLab(t, types.DrsBehaviorFullyAutomated)
	d.apply(&types.ClusterConfigSpecEx{DasConfig: &types.ClusterDasConfigInfo{Enabled: types.NewBool(true),
		AdmissionControlPolicy: &types.ClusterFailoverHostAdmissionControlPolicy{FailoverHosts: d.hosts[:1]}}})
	vms := d.vms("a", "b", "c")
	for _, vm := range vms[:2] {
		d.powerOn(vm)
	}
	if a, b := d.hostOfVM(vms[0]), d.hostOfVM(vms[1]); a == b || a == d.hosts[0] || b == d.hosts[0] {
		t.Errorf("they run on %v and %v", a, b)
	}
	isFault[types.DisallowedOperationOnFailoverHost](d.lab, d.refusal(d.powerOnAt(vms[2], d.hosts[0])))
}

func TestHAReservesFailoverCapacity(t *testing.T) {
	d := newDRSLab(t, types.DrsBehaviorFullyAutomated)
	vms := d.vms("a", "b")
	policy := func(policy types.BaseClusterDasAdmissionControlPolicy) {
		d.apply(&types.ClusterConfigSpecEx{DasConfig: &types.ClusterDasConfigInfo{Enabled: types.NewBool(true), AdmissionControlPolicy: policy}})
	}
	refused := func(vm ref) {
		t.Helper()
		isFault[types.InsufficientFailoverResourcesFault](d.lab, d.refusal(object.NewVirtualMachine(d.client.Client, vm).PowerOn(t.Context())))
	}
	policy(&types.ClusterFailoverLevelAdmissionControlPolicy{FailoverLevel: 3})
	refused(vms[0])
	policy(&types.ClusterFailoverLevelAdmissionControlPolicy{FailoverLevel: 2})
	d.powerOn(vms[0])
	// Two hosts of three remain, one of which may fail; by percentages, a third of what there is must be free.
	empty := slices.DeleteFunc(slices.Clone(d.hosts), func(host ref) bool { return host == d.hostOfVM(vms[0]) })[0]
	d.result(object.NewHostSystem(d.client.Client, empty).EnterMaintenanceMode(t.Context(), 0, false, nil))
	refused(vms[1])
	policy(&types.ClusterFailoverResourcesAdmissionControlPolicy{CpuFailoverResourcesPercent: 99, MemoryFailoverResourcesPercent: 10, AutoComputePercentages: types.NewBool(false)})
	refused(vms[1])
	policy(&types.ClusterFailoverResourcesAdmissionControlPolicy{CpuFailoverResourcesPercent: 50, AutoComputePercentages: types.NewBool(false)})
	d.powerOn(vms[1])
	d.result(object.NewVirtualMachine(d.client.Client, vms[1]).PowerOff(t.Context()))
	policy(&types.ClusterFailoverResourcesAdmissionControlPolicy{FailoverLevel: 3, AutoComputePercentages: types.NewBool(true)})
	refused(vms[1])
	d.apply(&types.ClusterConfigSpecEx{DasConfig: &types.ClusterDasConfigInfo{AdmissionControlEnabled: types.NewBool(false)}})
	d.powerOn(vms[1])
}
