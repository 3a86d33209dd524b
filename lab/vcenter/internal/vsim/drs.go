// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// DRS and HA: their methods, their state, and a cluster's configuration as clients see it. Package drs makes their
// decisions.

package vsim

import (
	"context"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/drs"
)

// scheduler is the state of DRS that the API does not show.
type scheduler struct {
	books    rulebooks
	mu       sync.Mutex // held while a cluster's configuration or recommendations are changed
	clusters map[ref]*clusterState
	moving   sync.Mutex // held while DRS migrates VMs automatically

	pause           time.Duration // between a change and the review by DRS
	waiting         sync.Mutex
	reviewScheduled map[ref]bool // clusters that DRS will review
}

// clusterState is the state of DRS for one cluster.
type clusterState struct {
	lastRule        int32 // the newest key of a rule
	recommendations drs.Recommendations
	stepwise        bool // changes in one request must not depend on each other
}

func (s *Server) drsMethods() map[string]handler {
	return map[string]handler{
		"ClusterComputeResource.ReconfigureComputeResource_Task": method(s.reconfigureCompute),
		"ClusterComputeResource.ReconfigureCluster_Task":         method(s.reconfigureOld),
		"ClusterComputeResource.RefreshRecommendation":           method(s.refreshRecommendation),
		"ClusterComputeResource.ApplyRecommendation":             method(s.applyRecommendation),
		"ClusterComputeResource.CancelRecommendation":            method(s.cancelRecommendation),
		"ClusterComputeResource.RecommendHostsForVm":             method(s.recommendHosts),
		"ClusterComputeResource.FindRulesForVm":                  method(s.findRulesForVM),
	}
}

// stateOf returns the state of a cluster. The caller holds the scheduler's lock.
func (d *scheduler) stateOf(cluster ref) *clusterState {
	if d.clusters == nil {
		d.clusters = map[ref]*clusterState{}
	}
	if d.clusters[cluster] == nil {
		d.clusters[cluster] = &clusterState{}
	}
	return d.clusters[cluster]
}

// clusterConfig returns a cluster's configuration, which is read-only: changes replace it.
func (s *Server) clusterConfig(cluster *simulator.ClusterComputeResource) *types.ClusterConfigInfoEx {
	var config *types.ClusterConfigInfoEx
	s.locked(cluster, func(*simulator.Context) { config = cluster.ConfigurationEx.(*types.ClusterConfigInfoEx) })
	return config
}

// publishConfig shows a cluster's new configuration, in the old property too. The caller holds the scheduler's lock.
func (s *Server) publishConfig(cluster *simulator.ClusterComputeResource, config *types.ClusterConfigInfoEx) {
	s.locked(cluster, func(ctx *simulator.Context) {
		before := cluster.ConfigurationEx.(*types.ClusterConfigInfoEx)
		changes := diffClusterConfig(before, config)
		if len(changes) == 0 {
			return
		}
		// The simulator has no property paths below these two properties; listeners do.
		ctx.Context = context.WithValue(ctx.Context, nestedChanges{}, changes)
		ctx.Update(cluster, []types.PropertyChange{set("configurationEx", config), set("configuration", oldConfig(config))})
	})
}

// nestedChanges is the context key for changes of nested properties, in an update that sets the whole properties.
type nestedChanges struct{}

// oldConfig returns the form that clients of API 2.0 use.
func oldConfig(config *types.ClusterConfigInfoEx) types.ClusterConfigInfo {
	return types.ClusterConfigInfo{DasConfig: config.DasConfig, DasVmConfig: config.DasVmConfig, DrsConfig: config.DrsConfig,
		DrsVmConfig: config.DrsVmConfig, Rule: config.Rule}
}

// diffClusterConfig returns a change for each part of the configuration that differs.
func diffClusterConfig(before, after *types.ClusterConfigInfoEx) []types.PropertyChange {
	changes := diffStruct("configurationEx.", before.ComputeResourceConfigInfo, after.ComputeResourceConfigInfo)
	for _, old := range []bool{false, true} {
		var was, is any = *before, *after
		prefix := "configurationEx."
		if old {
			was, is, prefix = oldConfig(before), oldConfig(after), "configuration."
		}
		for _, change := range diffStruct(prefix, was, is) {
			switch strings.TrimPrefix(change.Name, prefix) {
			case "dasConfig":
				changes = append(changes, diffStruct(change.Name+".", before.DasConfig, after.DasConfig)...)
			case "drsConfig":
				changes = append(changes, diffStruct(change.Name+".", before.DrsConfig, after.DrsConfig)...)
			default:
				changes = append(changes, change)
			}
		}
	}
	for number := range changes {
		changes[number].Val = arrayOf(changes[number].Val)
	}
	return changes
}

// arrayOf converts a list to the API's type: []types.ClusterDrsVmConfigInfo is sent as an ArrayOfClusterDrsVmConfigInfo.
func arrayOf(value any) any {
	list := reflect.ValueOf(value)
	if list.Kind() != reflect.Slice {
		return value
	}
	name := strings.TrimPrefix(list.Type().Elem().Name(), "Base")
	kind, known := types.TypeFunc()("ArrayOf" + name)
	if !known {
		panic("no type for a list of " + name)
	}
	array := reflect.New(kind).Elem()
	array.FieldByName(name).Set(list)
	return array.Interface()
}
