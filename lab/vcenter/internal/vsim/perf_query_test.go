// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"testing"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/performance"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// measured is a lab with a VM that uses two of its four CPUs.
type measured struct {
	*lab
	vm      *object.VirtualMachine
	manager *performance.Manager
}

func newMeasured(t *testing.T) *measured {
	l := newLab(t)
	spec := l.spec("web")
	spec.NumCPUs = 4
	m := &measured{l, l.create(spec), performance.NewManager(l.client.Client)}
	id := m.vm.Reference().Value
	l.guests.traffic = map[string]machine.Traffic{id: {}}
	l.server.UseHypervisor(&busy{guests: l.guests, since: time.Now(), cpus: map[string]float64{id: 2}})
	return m
}

// sample takes a sample long enough after the last one.
func (m *measured) sample() {
	time.Sleep(shortest + 50*time.Millisecond)
	m.server.SamplePerformance()
}

func (m *measured) query(specs ...types.PerfQuerySpec) []types.BasePerfEntityMetricBase {
	m.Helper()
	return must(m.manager.Query(m.Context(), specs))(m)
}

// latest returns the last value of each counter of an entity.
func (m *measured) latest(entity object.Reference) map[string]int64 {
	m.Helper()
	answer := m.query(types.PerfQuerySpec{Entity: entity.Reference(), IntervalId: 20, MaxSample: 1})
	if len(answer) != 1 {
		m.Fatalf("%d entities have samples", len(answer))
	}
	values := map[string]int64{}
	for _, series := range must(m.manager.ToMetricSeries(m.Context(), answer))(m)[0].Value {
		values[series.Name] = series.Value[0]
	}
	return values
}

func TestTheCountersAgreeWithTheStatistics(t *testing.T) {
	m := newMeasured(t)
	m.result(m.vm.PowerOn(t.Context()))
	m.sample()
	m.guests.mu.Lock()
	m.guests.traffic[m.vm.Reference().Value] = machine.Traffic{ReadBytes: 64 << 20, WrittenBytes: 32 << 20, ReceivedBytes: 16 << 20, SentBytes: 8 << 20}
	m.guests.mu.Unlock()
	m.sample()
	values, stats := m.latest(m.vm), m.read(m.vm).Summary.QuickStats
	near := func(counter string, want int64) {
		t.Helper()
		if got := values[counter]; got < want*9/10 || got > want*11/10 {
			t.Errorf("%s is %d, want about %d", counter, got, want)
		}
	}
	near("cpu.usagemhz.average", 4000) // of two CPUs of 2,000 MHz
	near("cpu.usagemhz.average", int64(stats.OverallCpuUsage))
	near("cpu.usage.average", 5000)
	if values["mem.consumed.average"] != 256<<10 || values["mem.overhead.average"] != int64(stats.ConsumedOverheadMemory)<<10 ||
		values["mem.consumed.average"]+values["mem.overhead.average"] != int64(stats.HostMemoryUsage)<<10 {
		t.Errorf("memory: %v %+v", values, stats)
	}
	read := values["disk.read.average"]
	// In a quarter of a second or somewhat more.
	if read < 16<<10 || read > 256<<10 {
		t.Errorf("it reads %d KB/s", read)
	}
	near("disk.write.average", read/2)
	near("net.received.average", read/4)
	near("net.transmitted.average", read/8)
	near("disk.usage.average", read*3/2)
	near("net.usage.average", read*3/8)
	host := object.NewHostSystem(m.client.Client, *m.read(m.vm).Runtime.Host)
	onHost := m.latest(host)
	if onHost["cpu.usagemhz.average"] != values["cpu.usagemhz.average"] || onHost["disk.read.average"] != read ||
		onHost["mem.consumed.average"] != 256<<10 || onHost["mem.usage.average"] != 625 { // 256 of 4,096 MB
		t.Errorf("the host has %v, the VM %v", onHost, values)
	}
}

func TestTheMemoryOfAVMIsThatOfItsProcess(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web"))
	l.server.UseHypervisor(&resident{l.guests, 100 << 20})
	l.result(vm.PowerOn(t.Context()))
	l.server.measure()
	if used := l.read(vm).Summary.QuickStats.HostMemoryUsage; used != 100 {
		t.Errorf("it uses %d MB", used)
	}
	l.server.UseHypervisor(&resident{l.guests, 1 << 40})
	l.server.measure()
	if used := l.read(vm).Summary.QuickStats.HostMemoryUsage; used != 256+smallOverheadMB {
		t.Errorf("it uses %d MB, which is more than it has", used)
	}
}

// resident is a hypervisor whose processes have this much memory.
type resident struct {
	*guests
	bytes int64
}

func (r *resident) Info(id string) (machine.Info, bool) {
	info, on := r.guests.Info(id)
	info.ResidentBytes = r.bytes
	return info, on
}

func TestOnlyVMsThatAreOnHaveSamples(t *testing.T) {
	m := newMeasured(t)
	query := types.PerfQuerySpec{Entity: m.vm.Reference(), IntervalId: 20}
	available := func() int {
		t.Helper()
		request := types.QueryAvailablePerfMetric{This: m.manager.Reference(), Entity: m.vm.Reference(), IntervalId: 20}
		return len(must(methods.QueryAvailablePerfMetric(t.Context(), m.client.Client, &request))(t).Returnval)
	}
	m.sample()
	if got := m.query(query); len(got) != 0 || available() != 0 {
		t.Errorf("before it is on: %+v", got)
	}
	m.result(m.vm.PowerOn(t.Context()))
	m.sample()
	if got := m.query(query); len(got) != 1 || available() != 13 {
		t.Errorf("while it is on: %+v, %d counters", got, available())
	}
	m.result(m.vm.PowerOff(t.Context()))
	if got := m.query(query); len(got) != 0 || available() != 0 {
		t.Errorf("after it is on: %+v", got)
	}
	m.result(m.vm.PowerOn(t.Context()))
	m.sample()
	if got := m.query(query); len(got) != 1 || len(got[0].(*types.PerfEntityMetric).SampleInfo) != 1 {
		t.Errorf("it has samples of its last run: %+v", got)
	}
	// There are no others: of historical intervals, of clusters and of what is not there.
	for _, other := range []types.PerfQuerySpec{{Entity: m.vm.Reference(), IntervalId: 300}, {Entity: m.vm.Reference()},
		{Entity: m.server.site.cluster.Self, IntervalId: 20}, {Entity: ref{Type: "VirtualMachine", Value: "vm-none"}, IntervalId: 20}} {
		if got := m.query(other); len(got) != 0 {
			t.Errorf("%+v: %+v", other, got)
		}
	}
}

func TestTheSamplesOfARunAreKeptWhenTheClockMoves(t *testing.T) {
	m := newMeasured(t)
	m.result(m.vm.PowerOn(t.Context()))
	m.sample()
	m.advance(20 * time.Minute)
	m.sample()
	answer := m.query(types.PerfQuerySpec{Entity: m.vm.Reference(), IntervalId: 20})
	if len(answer) != 1 {
		t.Fatalf("%d entities have samples", len(answer))
	}
	samples := answer[0].(*types.PerfEntityMetric).SampleInfo
	if len(samples) != 2 {
		t.Fatalf("%d samples", len(samples))
	}
	if between := samples[1].Timestamp.Sub(samples[0].Timestamp); between < 20*time.Minute || between > 21*time.Minute {
		t.Errorf("the samples are %v apart", between)
	}
}

func TestQueriesChooseSamplesAndCounters(t *testing.T) {
	m := newMeasured(t)
	m.result(m.vm.PowerOn(t.Context()))
	m.sample()
	// As if five minutes had passed.
	run := m.server.perf.byEntity[m.vm.Reference()]
	first := run.samples[0]
	for n := range 15 {
		first.at = first.at.Add(sampledEvery)
		first.values[cpuUsageMHz] = int64(n)
		run.add(first)
	}
	keys := m.server.counters()
	query := types.PerfQuerySpec{Entity: m.vm.Reference(), IntervalId: 20, MetricId: []types.PerfMetricId{
		{CounterId: keys[cpuUsageMHz], Instance: "*"}, {CounterId: keys[netUsage], Instance: "4000"}, {CounterId: 1}}}
	expect := func(want ...int64) {
		t.Helper()
		metric := m.query(query)[0].(*types.PerfEntityMetric)
		series, _ := metric.Value[0].(*types.PerfMetricIntSeries)
		if len(metric.Value) != 1 || len(series.Value) != len(want) || len(metric.SampleInfo) != len(want) {
			t.Fatalf("got %+v", metric)
		}
		for n := range want {
			if series.Value[n] != want[n] || metric.SampleInfo[n].Interval != 20 {
				t.Errorf("sample %d: %d, want %d", n, series.Value[n], want[n])
			}
		}
	}
	query.MaxSample = 2
	expect(13, 14)
	query.MaxSample = 0
	query.StartTime, query.EndTime = types.NewTime(first.at.Add(-3*sampledEvery)), types.NewTime(first.at.Add(-sampledEvery))
	expect(12, 13)
	query.Format = string(types.PerfFormatCsv)
	text := m.query(query)[0].(*types.PerfEntityMetricCSV)
	stamp := func(back time.Duration) string { return first.at.Add(-back).UTC().Format(time.RFC3339) }
	if text.SampleInfoCSV != "20,"+stamp(2*sampledEvery)+",20,"+stamp(sampledEvery) || len(text.Value) != 1 || text.Value[0].Value != "12,13" {
		t.Errorf("got %+v", text)
	}
	for range samplesKept {
		run.add(first)
	}
	if len(run.samples) != samplesKept {
		t.Errorf("%d samples are kept", len(run.samples))
	}
}

func TestTheMetricsOfAHostAndItsVMs(t *testing.T) {
	m := newMeasured(t)
	m.result(m.vm.PowerOn(t.Context()))
	m.sample()
	query := func(entity object.Reference, metrics ...types.PerfMetricId) (*types.PerfCompositeMetric, error) {
		answer, err := methods.QueryPerfComposite(t.Context(), m.client.Client, &types.QueryPerfComposite{This: m.manager.Reference(),
			QuerySpec: types.PerfQuerySpec{Entity: entity.Reference(), IntervalId: 20, MetricId: metrics}})
		if err != nil {
			return nil, err
		}
		return &answer.Returnval, nil
	}
	cpu := types.PerfMetricId{CounterId: m.server.counters()[cpuUsageMHz]}
	host := *m.read(m.vm).Runtime.Host
	answer := must(query(host, cpu))(t)
	if answer.Entity == nil || answer.Entity.GetPerfEntityMetricBase().Entity != host || len(answer.ChildEntity) != 1 ||
		answer.ChildEntity[0].GetPerfEntityMetricBase().Entity != m.vm.Reference() {
		t.Errorf("of the host: %+v", answer)
	}
	if answer = must(query(m.pool, cpu))(t); answer.Entity != nil || len(answer.ChildEntity) != 1 {
		t.Errorf("of the pool: %+v", answer)
	}
	_, err := query(host)
	isFault[types.InvalidArgument](m.lab, m.faultOf(err))
}
