// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package drs

import (
	"reflect"
	"testing"

	"github.com/vmware/govmomi/vim25/types"
)

func TestDependentChangesAreRefusedStepwise(t *testing.T) {
	adding, removing := types.ArrayUpdateOperationAdd, types.ArrayUpdateOperationRemove
	bound := func() types.BaseClusterRuleInfo { return runOn("bound", "vms", "hosts") }
	both := func(first, second *types.ClusterConfigSpecEx) *types.ClusterConfigSpecEx {
		return &types.ClusterConfigSpecEx{GroupSpec: append(first.GroupSpec, second.GroupSpec...), RulesSpec: append(first.RulesSpec, second.RulesSpec...)}
	}
	before := func() (types.ClusterConfigInfoEx, int32) {
		return applied(t, DefaultConfig(), 0, change(adding, vmGroup("vms", "a"), groupOfHosts("hosts", "h1"), bound(), affinity("pair", "a", "b")))
	}
	_, last := before()
	for name, test := range map[string]struct {
		spec  *types.ClusterConfigSpecEx
		fault types.BaseMethodFault
	}{
		"a rule of a new group":            {change(adding, vmGroup("new", "b"), runOn("other", "new", "hosts")), &types.InvalidArgument{}},
		"a group removed with its rule":    {change(removing, int32(1), "vms"), &types.ResourceInUse{}},
		"a rule replaced by another type":  {both(change(removing, int32(2)), change(adding, antiAffinity("pair", "a", "b"))), &types.InvalidArgument{}},
		"a group replaced by another type": {both(change(removing, int32(1), "vms"), change(adding, groupOfHosts("vms", "h2"))), &types.ResourceInUse{}},
		"a rule":                           {change(removing, int32(1)), nil},
		"groups":                           {change(adding, vmGroup("new", "b"), groupOfHosts("others", "h2")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			config, _ := before()
			stepwise := members
			stepwise.Stepwise = true
			if _, _, fault := Reconfigure(config, test.spec, true, last, stepwise); reflect.TypeOf(fault) != reflect.TypeOf(test.fault) {
				t.Errorf("stepwise it gives %T", fault)
			}
			config, _ = before()
			if _, _, fault := Reconfigure(config, test.spec, true, last, members); fault != nil {
				t.Errorf("at once it is refused with %T", fault)
			}
		})
	}
}
