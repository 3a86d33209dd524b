// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package drs

import (
	"testing"

	"github.com/vmware/govmomi/vim25/types"
)

func TestHAReservesFailoverCapacity(t *testing.T) {
	hosts := clusterOf(automated(), nil).Hosts
	claims := func(count int, memoryMB, cpuMHz int64) []Claim {
		var list []Claim
		for range count {
			list = append(list, Claim{ReservedMB: memoryMB, CPUMHz: cpuMHz})
		}
		return list
	}
	level := func(level int32) types.BaseClusterDasAdmissionControlPolicy {
		return &types.ClusterFailoverLevelAdmissionControlPolicy{FailoverLevel: level}
	}
	percent := func(cpu, memory int32) types.BaseClusterDasAdmissionControlPolicy {
		return &types.ClusterFailoverResourcesAdmissionControlPolicy{CpuFailoverResourcesPercent: cpu, MemoryFailoverResourcesPercent: memory,
			AutoComputePercentages: types.NewBool(false)}
	}
	automatic := func(level int32) types.BaseClusterDasAdmissionControlPolicy {
		return &types.ClusterFailoverResourcesAdmissionControlPolicy{FailoverLevel: level}
	}
	for name, test := range map[string]struct {
		policy   types.BaseClusterDasAdmissionControlPolicy
		claims   []Claim
		admitted bool
	}{
		"two hosts are enough":                  {level(1), claims(2, 1024, 0), true},
		"two hosts are not enough":              {level(1), claims(3, 1024, 0), false},
		"no host is left":                       {level(3), claims(1, 1, 0), false},
		"a third of the memory is free":         {percent(0, 33), claims(2, 1024, 0), true},
		"half of the memory is not free":        {percent(0, 50), claims(2, 1024, 0), false},
		"the default CPU counts":                {percent(92, 0), claims(1, 0, 0), false},
		"a reserved CPU counts":                 {percent(50, 0), claims(1, 0, 1600), false},
		"one of three hosts, by default":        {automatic(0), claims(2, 1024, 0), true},
		"two of three hosts":                    {automatic(2), claims(2, 1024, 0), false},
		"dedicated hosts limit nothing by sums": {&types.ClusterFailoverHostAdmissionControlPolicy{}, claims(9, 1024, 0), true},
	} {
		das := types.ClusterDasConfigInfo{Enabled: types.NewBool(true), AdmissionControlEnabled: types.NewBool(true), AdmissionControlPolicy: test.policy}
		fault := AdmitsFailover(&das, "C0", hosts, test.claims)
		if (fault == nil) != test.admitted {
			t.Errorf("%s: %+v", name, fault)
		}
		if fault != nil {
			isA[*types.InsufficientFailoverResourcesFault](t, fault)
		}
		das.AdmissionControlEnabled = types.NewBool(false)
		if fault := AdmitsFailover(&das, "C0", hosts, test.claims); fault != nil {
			t.Errorf("%s, without admission control: %+v", name, fault)
		}
	}
	unusable := clusterOf(automated(), nil).Hosts
	unusable[0].Maintenance, unusable[1].Connected = true, false
	das := types.ClusterDasConfigInfo{Enabled: types.NewBool(true), AdmissionControlEnabled: types.NewBool(true), AdmissionControlPolicy: level(1)}
	if AdmitsFailover(&das, "C0", unusable, claims(1, 1, 0)) == nil {
		t.Error("hosts that cannot be used count")
	}
}
