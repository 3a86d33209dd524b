// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Helpers shared by the DRS tests.

package vsim

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/config"
)

// drsLab is a lab with a cluster of three hosts and another of one.
type drsLab struct {
	*lab
	cluster *object.ClusterComputeResource
	hosts   []ref
}

func newDRSLab(t *testing.T, behavior types.DrsBehavior) *drsLab {
	t.Helper()
	l := newLab(t, func(c *config.Config) { c.Clusters = []config.Cluster{{Name: "C1", Hosts: []string{"far1"}}} })
	l.server.drs.pause = 10 * time.Millisecond
	d := &drsLab{lab: l, cluster: must(l.finder.ClusterComputeResource(t.Context(), "C0"))(t)}
	for _, name := range []string{"esx1", "esx2", "esx3"} {
		d.hosts = append(d.hosts, must(l.finder.HostSystem(t.Context(), "C0/"+name))(t).Reference())
	}
	d.apply(&types.ClusterConfigSpecEx{DrsConfig: &types.ClusterDrsConfigInfo{DefaultVmBehavior: behavior}})
	return d
}

func (d *drsLab) reconfigure(spec types.BaseComputeResourceConfigSpec, modify bool) (*object.Task, error) {
	return d.cluster.Reconfigure(d.Context(), spec, modify)
}

func (d *drsLab) apply(spec *types.ClusterConfigSpecEx) {
	d.Helper()
	d.result(d.reconfigure(spec, true))
}

// refuses applies a spec that must fail, and checks that nothing has changed.
func (d *drsLab) refuses(spec *types.ClusterConfigSpecEx) types.BaseMethodFault {
	d.Helper()
	before := string(must(json.Marshal(d.config()))(d))
	fault := d.refusal(d.reconfigure(spec, true))
	if after := string(must(json.Marshal(d.config()))(d)); after != before {
		d.Errorf("a refused change has changed %s\nto %s", before, after)
	}
	return fault
}

func (d *drsLab) read() mo.ClusterComputeResource {
	d.Helper()
	var read mo.ClusterComputeResource
	if err := property.DefaultCollector(d.client.Client).RetrieveOne(d.Context(), d.cluster.Reference(), nil, &read); err != nil {
		d.Fatal(err)
	}
	return read
}

func (d *drsLab) config() types.ClusterConfigInfoEx {
	d.Helper()
	return *d.read().ConfigurationEx.(*types.ClusterConfigInfoEx)
}

func (d *drsLab) rule(name string) types.BaseClusterRuleInfo {
	d.Helper()
	for _, rule := range d.config().Rule {
		if rule.GetClusterRuleInfo().Name == name {
			return rule
		}
	}
	d.Fatalf("there is no rule %s", name)
	return nil
}

func (d *drsLab) vms(names ...string) []ref {
	d.Helper()
	var machines []ref
	for _, name := range names {
		machines = append(machines, d.create(d.spec(name)).Reference())
	}
	return machines
}

// powerOn starts a VM on the given host, or on the host that DRS chooses.
func (d *drsLab) powerOn(vm ref, host ...ref) {
	d.Helper()
	machine := object.NewVirtualMachine(d.client.Client, vm)
	if len(host) == 0 {
		d.result(machine.PowerOn(d.Context()))
		return
	}
	d.result(d.powerOnAt(vm, host[0]))
}

func (d *drsLab) powerOnAt(vm, host ref) (*object.Task, error) {
	answer, err := methods.PowerOnVM_Task(d.Context(), d.client.Client, &types.PowerOnVM_Task{This: vm, Host: &host})
	if err != nil {
		return nil, err
	}
	return object.NewTask(d.client.Client, answer.Returnval), nil
}

func (d *drsLab) hostOfVM(vm ref) ref { return d.server.hostOf(d.server.vm(vm)) }

func info(name string) types.ClusterRuleInfo {
	return types.ClusterRuleInfo{Name: name, Enabled: types.NewBool(true)}
}

func mandatory(rule types.BaseClusterRuleInfo) types.BaseClusterRuleInfo {
	rule.GetClusterRuleInfo().Mandatory = types.NewBool(true)
	return rule
}

func affinity(name string, vms ...ref) types.BaseClusterRuleInfo {
	return &types.ClusterAffinityRuleSpec{ClusterRuleInfo: info(name), Vm: vms}
}

func antiAffinity(name string, vms ...ref) types.BaseClusterRuleInfo {
	return &types.ClusterAntiAffinityRuleSpec{ClusterRuleInfo: info(name), Vm: vms}
}

func runOn(name, vms, hosts string) types.BaseClusterRuleInfo {
	return &types.ClusterVmHostRuleInfo{ClusterRuleInfo: info(name), VmGroupName: vms, AffineHostGroupName: hosts}
}

func avoid(name, vms, hosts string) types.BaseClusterRuleInfo {
	return &types.ClusterVmHostRuleInfo{ClusterRuleInfo: info(name), VmGroupName: vms, AntiAffineHostGroupName: hosts}
}

func depends(name, vms, on string) types.BaseClusterRuleInfo {
	return &types.ClusterDependencyRuleInfo{ClusterRuleInfo: info(name), VmGroup: vms, DependsOnVmGroup: on}
}

func vmsGroup(name string, vms ...ref) types.BaseClusterGroupInfo {
	return &types.ClusterVmGroup{ClusterGroupInfo: types.ClusterGroupInfo{Name: name}, Vm: vms}
}

func hostsGroup(name string, hosts ...ref) types.BaseClusterGroupInfo {
	return &types.ClusterHostGroup{ClusterGroupInfo: types.ClusterGroupInfo{Name: name}, Host: hosts}
}

const (
	adding   = types.ArrayUpdateOperationAdd
	editing  = types.ArrayUpdateOperationEdit
	removing = types.ArrayUpdateOperationRemove
)

func groups(operation types.ArrayUpdateOperation, infos ...types.BaseClusterGroupInfo) *types.ClusterConfigSpecEx {
	spec := &types.ClusterConfigSpecEx{}
	for _, info := range infos {
		spec.GroupSpec = append(spec.GroupSpec, types.ClusterGroupSpec{ArrayUpdateSpec: types.ArrayUpdateSpec{Operation: operation}, Info: info})
	}
	return spec
}

func rules(operation types.ArrayUpdateOperation, infos ...types.BaseClusterRuleInfo) *types.ClusterConfigSpecEx {
	spec := &types.ClusterConfigSpecEx{}
	for _, info := range infos {
		spec.RulesSpec = append(spec.RulesSpec, types.ClusterRuleSpec{ArrayUpdateSpec: types.ArrayUpdateSpec{Operation: operation}, Info: info})
	}
	return spec
}

func removedGroup(name string) *types.ClusterConfigSpecEx {
	return &types.ClusterConfigSpecEx{GroupSpec: []types.ClusterGroupSpec{{ArrayUpdateSpec: types.ArrayUpdateSpec{Operation: removing, RemoveKey: name}}}}
}

func removedRule(key int32) *types.ClusterConfigSpecEx {
	return &types.ClusterConfigSpecEx{RulesSpec: []types.ClusterRuleSpec{{ArrayUpdateSpec: types.ArrayUpdateSpec{Operation: removing, RemoveKey: key}}}}
}
