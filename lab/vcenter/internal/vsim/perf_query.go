// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Queries of performance counters. There are real-time samples of VMs and hosts, and no historical statistics.

package vsim

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/authz"
)

const refreshRate = int32(sampledEvery / time.Second)

// PerfMetricIntSeries is the type of this name, by which it is encoded, with all of its values: that of govmomi leaves out zeros.
type PerfMetricIntSeries struct {
	types.PerfMetricSeries

	Value []int64 `xml:"value"`
}

func (s *Server) perfMethods() map[string]handler {
	return map[string]handler{
		"PerformanceManager.QueryPerf":                method(s.queryPerf),
		"PerformanceManager.QueryPerfComposite":       method(s.queryPerfComposite),
		"PerformanceManager.QueryAvailablePerfMetric": method(s.queryAvailableMetrics),
	}
}

// queryPerf: "Only metrics for entities that can be resolved and that are valid performance providers are returned in any result"
// (API, QueryPerf). That a client without System.Read on an entity gets none of it is unconfirmed.
func (s *Server) queryPerf(ctx *simulator.Context, request *types.QueryPerf) (soap.HasFault, types.BaseMethodFault) {
	answer := &types.QueryPerfResponse{}
	for _, spec := range request.QuerySpec {
		if metric := s.metricOf(ctx, &spec); metric != nil {
			answer.Returnval = append(answer.Returnval, metric)
		}
	}
	return &methods.QueryPerfBody{Res: answer}, nil
}

// queryPerfComposite returns the metrics of a host or a pool, and those of its VMs.
func (s *Server) queryPerfComposite(ctx *simulator.Context, request *types.QueryPerfComposite) (soap.HasFault, types.BaseMethodFault) {
	spec := request.QuerySpec
	// "This PerfQuerySpec requires a valid metricId", and maxSample "is not valid" (API).
	if len(spec.MetricId) == 0 {
		return nil, invalidArgument("querySpec.metricId")
	}
	if spec.MaxSample != 0 {
		return nil, invalidArgument("querySpec.maxSample")
	}
	composite := types.PerfCompositeMetric{Entity: s.metricOf(ctx, &spec)}
	for _, vm := range s.vmsIn(spec.Entity) {
		spec.Entity = vm
		if metric := s.metricOf(ctx, &spec); metric != nil {
			composite.ChildEntity = append(composite.ChildEntity, metric)
		}
	}
	return &methods.QueryPerfCompositeBody{Res: &types.QueryPerfCompositeResponse{Returnval: composite}}, nil
}

func (s *Server) vmsIn(entity ref) (vms []ref) {
	switch object := s.registry.Get(entity).(type) {
	case *simulator.HostSystem:
		s.locked(object, func(*simulator.Context) { vms = slices.Clone(object.Vm) })
	case *simulator.ResourcePool:
		s.locked(object, func(*simulator.Context) { vms = slices.Clone(object.Vm) })
	}
	return vms
}

// queryAvailableMetrics returns nothing for historical statistics, which are meant if the interval is not set.
func (s *Server) queryAvailableMetrics(ctx *simulator.Context, request *types.QueryAvailablePerfMetric) (soap.HasFault, types.BaseMethodFault) {
	answer := &types.QueryAvailablePerfMetricResponse{}
	entity := request.Entity
	if request.IntervalId == refreshRate && s.mayRead(ctx, entity) && len(s.samplesOf(entity, request.BeginTime, request.EndTime)) > 0 {
		answer.Returnval = s.metricsOf(entity.Type)
	}
	return &methods.QueryAvailablePerfMetricBody{Res: answer}, nil
}

func (s *Server) mayRead(ctx *simulator.Context, entity ref) bool {
	return s.access(ctx.Session.UserName).Has(authz.SystemRead, entity)
}

// counters returns the keys of the measured counters.
func (s *Server) counters() (keys [figures]int32) {
	manager := s.registry.Get(*s.serviceContent().PerfManager).(*simulator.PerformanceManager)
	for _, counter := range manager.PerfCounter {
		name := counter.GroupInfo.GetElementDescription().Key + "." + counter.NameInfo.GetElementDescription().Key + "." + string(counter.RollupType)
		for n := range figureNames {
			if figureNames[n].counter == name {
				keys[n] = counter.Key
			}
		}
	}
	return keys
}

// metricsOf returns the metrics of a kind of entity. All are sums over its devices, which have no instance.
func (s *Server) metricsOf(kind string) []types.PerfMetricId {
	var all []types.PerfMetricId
	for n, key := range s.counters() {
		if slices.Contains(figureNames[n].of, kind) {
			all = append(all, types.PerfMetricId{CounterId: key})
		}
	}
	return all
}

// metricOf returns what a query asks for, nil if there are no samples.
func (s *Server) metricOf(ctx *simulator.Context, spec *types.PerfQuerySpec) types.BasePerfEntityMetricBase {
	if spec.IntervalId != refreshRate || !s.mayRead(ctx, spec.Entity) {
		return nil
	}
	samples := s.samplesOf(spec.Entity, spec.StartTime, spec.EndTime)
	if most := int(spec.MaxSample); most > 0 && len(samples) > most {
		samples = samples[len(samples)-most:]
	}
	if len(samples) == 0 {
		return nil
	}
	metric := &types.PerfEntityMetric{PerfEntityMetricBase: types.PerfEntityMetricBase{Entity: spec.Entity}}
	for _, one := range samples {
		metric.SampleInfo = append(metric.SampleInfo, types.PerfSampleInfo{Timestamp: one.at, Interval: refreshRate})
	}
	for n, key := range s.counters() {
		if !slices.Contains(figureNames[n].of, spec.Entity.Type) || !wants(spec.MetricId, key) {
			continue
		}
		series := &PerfMetricIntSeries{PerfMetricSeries: types.PerfMetricSeries{Id: types.PerfMetricId{CounterId: key}}}
		for _, one := range samples {
			series.Value = append(series.Value, one.values[n])
		}
		metric.Value = append(metric.Value, series)
	}
	if spec.Format == string(types.PerfFormatCsv) {
		return inCSV(metric)
	}
	return metric
}

// wants returns whether a counter is asked for: all are if none is named. "*" stands for all instances.
func wants(metrics []types.PerfMetricId, counter int32) bool {
	return len(metrics) == 0 || slices.ContainsFunc(metrics, func(metric types.PerfMetricId) bool {
		return metric.CounterId == counter && (metric.Instance == "" || metric.Instance == "*")
	})
}

// inCSV returns the metrics as text: "[interval1], [date1], [interval2], [date2], and so on" (API, PerfEntityMetricCSV).
func inCSV(metric *types.PerfEntityMetric) *types.PerfEntityMetricCSV {
	var samples []string
	for _, one := range metric.SampleInfo {
		samples = append(samples, strconv.Itoa(int(one.Interval)), one.Timestamp.UTC().Format(time.RFC3339))
	}
	text := &types.PerfEntityMetricCSV{PerfEntityMetricBase: metric.PerfEntityMetricBase, SampleInfoCSV: strings.Join(samples, ",")}
	for _, one := range metric.Value {
		series := one.(*PerfMetricIntSeries)
		var values []string
		for _, value := range series.Value {
			values = append(values, strconv.FormatInt(value, 10))
		}
		text.Value = append(text.Value, types.PerfMetricSeriesCSV{PerfMetricSeries: series.PerfMetricSeries, Value: strings.Join(values, ",")})
	}
	return text
}
