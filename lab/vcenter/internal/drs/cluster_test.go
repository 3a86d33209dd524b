// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Builders of clusters, rules and specifications for the tests of this package.

package drs

import (
	"reflect"
	"testing"

	"github.com/vmware/govmomi/vim25/types"
)

func vmRef(name string) Ref   { return Ref{Type: "VirtualMachine", Value: name} }
func hostRef(name string) Ref { return Ref{Type: "HostSystem", Value: name} }

func vmRefs(names ...string) []Ref {
	var list []Ref
	for _, name := range names {
		list = append(list, vmRef(name))
	}
	return list
}

func hostRefs(names ...string) []Ref {
	var list []Ref
	for _, name := range names {
		list = append(list, hostRef(name))
	}
	return list
}

func nameOf(reference Ref) string { return reference.Value }

// automated returns the configuration of a fully automated cluster with DRS and these rules and groups.
func automated(parts ...any) types.ClusterConfigInfoEx {
	config := DefaultConfig()
	config.DrsConfig.Enabled = types.NewBool(true)
	for _, part := range parts {
		switch p := part.(type) {
		case types.BaseClusterRuleInfo:
			p.GetClusterRuleInfo().Key = int32(len(config.Rule) + 1)
			config.Rule = append(config.Rule, p)
		case types.BaseClusterGroupInfo:
			config.Group = append(config.Group, p)
		}
	}
	return config
}

func enabled(name string) types.ClusterRuleInfo {
	return types.ClusterRuleInfo{Name: name, Enabled: types.NewBool(true)}
}

func affinity(name string, vms ...string) types.BaseClusterRuleInfo {
	return &types.ClusterAffinityRuleSpec{ClusterRuleInfo: enabled(name), Vm: vmRefs(vms...)}
}

func antiAffinity(name string, vms ...string) types.BaseClusterRuleInfo {
	return &types.ClusterAntiAffinityRuleSpec{ClusterRuleInfo: enabled(name), Vm: vmRefs(vms...)}
}

func runOn(name, vms, hosts string) types.BaseClusterRuleInfo {
	return &types.ClusterVmHostRuleInfo{ClusterRuleInfo: enabled(name), VmGroupName: vms, AffineHostGroupName: hosts}
}

func avoid(name, vms, hosts string) types.BaseClusterRuleInfo {
	return &types.ClusterVmHostRuleInfo{ClusterRuleInfo: enabled(name), VmGroupName: vms, AntiAffineHostGroupName: hosts}
}

func mandatory(rule types.BaseClusterRuleInfo) types.BaseClusterRuleInfo {
	rule.GetClusterRuleInfo().Mandatory = types.NewBool(true)
	return rule
}

func disabled(rule types.BaseClusterRuleInfo) types.BaseClusterRuleInfo {
	rule.GetClusterRuleInfo().Enabled = types.NewBool(false)
	return rule
}

func vmGroup(name string, vms ...string) types.BaseClusterGroupInfo {
	return &types.ClusterVmGroup{ClusterGroupInfo: types.ClusterGroupInfo{Name: name}, Vm: vmRefs(vms...)}
}

func groupOfHosts(name string, hosts ...string) types.BaseClusterGroupInfo {
	return &types.ClusterHostGroup{ClusterGroupInfo: types.ClusterGroupInfo{Name: name}, Host: hostRefs(hosts...)}
}

// placed maps VMs to hosts: vm, host, vm, host...
func placed(pairs ...string) Occupancy {
	on := Occupancy{}
	for number := 0; number < len(pairs); number += 2 {
		on[vmRef(pairs[number])] = hostRef(pairs[number+1])
	}
	return on
}

// clusterOf returns a cluster of three hosts with 1024 MB, and VMs of 128 MB.
func clusterOf(config types.ClusterConfigInfoEx, on Occupancy) *Cluster {
	c := &Cluster{Names: nameOf, Reaches: func(Ref, Ref) types.BaseMethodFault { return nil }}
	for _, host := range hostRefs("h1", "h2", "h3") {
		c.Hosts = append(c.Hosts, Host{Ref: host, MemoryMB: 1024, CPUMHz: 1000, Connected: true})
	}
	for vm, host := range on {
		c.VMs = append(c.VMs, &VM{Claim: Claim{VM: vm, Host: host, MemoryMB: 128, ReservedMB: 130}})
	}
	c.Prepare(&config)
	return c
}

// isA fails the test unless a fault is of the type.
func isA[F types.BaseMethodFault](t *testing.T, fault types.BaseMethodFault) F {
	t.Helper()
	found, ok := fault.(F)
	if !ok {
		t.Fatalf("the fault is a %T instead of a %v", fault, reflect.TypeFor[F]())
	}
	return found
}

func TestTheAutomationOfAVMIsItsOwnOrTheClusters(t *testing.T) {
	config := automated()
	config.DrsVmConfig = []types.ClusterDrsVmConfigInfo{
		{Key: vmRef("manual"), Behavior: types.DrsBehaviorManual},
		{Key: vmRef("excluded"), Enabled: types.NewBool(false)},
		{Key: vmRef("default"), Enabled: types.NewBool(true)},
	}
	expect := func(vm string, behavior types.DrsBehavior, managed bool) {
		t.Helper()
		if got, may := Automation(&config, vmRef(vm)); got != behavior || may != managed {
			t.Errorf("%s has %s, %v", vm, got, may)
		}
	}
	expect("other", types.DrsBehaviorFullyAutomated, true)
	expect("default", types.DrsBehaviorFullyAutomated, true)
	expect("manual", types.DrsBehaviorManual, true)
	expect("excluded", types.DrsBehaviorManual, false)
	config.DrsConfig.EnableVmBehaviorOverrides = types.NewBool(false)
	expect("manual", types.DrsBehaviorFullyAutomated, true)
	expect("excluded", types.DrsBehaviorFullyAutomated, true)
	config.DrsConfig.Enabled = types.NewBool(false)
	expect("other", types.DrsBehaviorManual, false)
}
