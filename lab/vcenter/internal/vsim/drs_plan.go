// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What DRS would do in a cluster: moves that mend rules and empty hosts that are to have no machines; and what keeps it from
// that.

package vsim

import (
	"cmp"
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// actor is a machine that is on.
type actor struct {
	claim
	config  *types.VirtualMachineConfigInfo
	usedMHz float64
	managed bool // DRS may move it
}

// scene is a cluster at a time, and what becomes of it while moves are planned.
type scene struct {
	server *Server
	book   rulebook
	rate   int32
	hosts  []*simulator.HostSystem
	actors []*actor
	on     occupancy
}

// plannedMove is one that DRS would make.
type plannedMove struct {
	vm, from, to ref
	reason       types.RecommendationReasonCode
	rating       int32
}

// plan is what DRS would do, and could not.
type plan struct {
	moves  []plannedMove
	faults []types.ClusterDrsFaults
}

// mandatoryRating is that of moves that rules or a host's maintenance require.
const mandatoryRating = 5

func (s *Server) sceneOf(cluster *simulator.ClusterComputeResource, cpu map[ref]float64) *scene {
	config := s.clusterConfig(cluster)
	c := &scene{server: s, book: bind(config), rate: config.DrsConfig.VmotionRate, hosts: s.hostsWith(cluster.Self), on: occupancy{}}
	s.load.mu.Lock()
	for _, claimed := range s.load.admitted {
		if slices.ContainsFunc(c.hosts, func(host *simulator.HostSystem) bool { return host.Self == claimed.host }) {
			c.actors = append(c.actors, &actor{claim: claimed, usedMHz: cpu[claimed.vm]})
			c.on[claimed.vm] = claimed.host
		}
	}
	s.load.mu.Unlock()
	c.actors = slices.DeleteFunc(c.actors, func(a *actor) bool {
		vm := s.vm(a.vm)
		if vm != nil {
			a.config, _, _ = s.placed(vm)
			_, a.managed = behaviorOf(config, a.vm)
		}
		return vm == nil
	})
	slices.SortFunc(c.actors, func(a, b *actor) int { return cmp.Compare(a.vm.Value, b.vm.Value) })
	return c
}

// behaviorOf is what DRS may do with a machine; false: nothing, it is excluded (API, ClusterDrsVmConfigInfo.enabled).
func behaviorOf(config *types.ClusterConfigInfoEx, vm ref) (types.DrsBehavior, bool) {
	if !isTrue(config.DrsConfig.Enabled) {
		return types.DrsBehaviorManual, false
	}
	behavior := config.DrsConfig.DefaultVmBehavior
	if !isTrue(config.DrsConfig.EnableVmBehaviorOverrides) {
		return behavior, true
	}
	for _, override := range config.DrsVmConfig {
		if override.Key != vm {
			continue
		}
		if override.Enabled != nil && !*override.Enabled {
			return types.DrsBehaviorManual, false
		}
		return cmp.Or(override.Behavior, behavior), true
	}
	return behavior, true
}

// mend plans what is required: rules, and hosts in maintenance.
func (c *scene) mend() plan {
	var p plan
	for _, host := range c.hosts {
		if c.server.unavailable(host) {
			c.leave(host.Self, &p)
		}
	}
	for range c.actors { // each move lessens what is broken
		move, found := c.bestMend()
		if !found {
			break
		}
		c.make(move, &p)
	}
	c.explainRules(&p)
	return p
}

func (c *scene) make(move plannedMove, p *plan) {
	p.moves = append(p.moves, move)
	c.on[move.vm] = move.to
	for _, a := range c.actors {
		if a.vm == move.vm {
			a.host = move.to
		}
	}
}

// fit says why a machine cannot go to a host.
func (c *scene) fit(a *actor, host *simulator.HostSystem) types.BaseMethodFault {
	if slices.Contains(c.book.spares, host.Self) {
		return &types.DisallowedOperationOnFailoverHost{Host: host.Self, Hostname: host.Name}
	}
	if rule := c.book.forbids(a.vm, host.Self, c.on); rule != nil {
		return c.server.violation(rule, a.vm, host.Self)
	}
	if fault := c.server.hostReaches(host, a.config); fault != nil {
		return fault
	}
	free := host.Hardware.MemorySize >> 20
	if a.memoryMB > free {
		return noMemory(free, a.memoryMB)
	}
	for _, other := range c.actors {
		if other != a && other.host == host.Self {
			free -= other.reservedMB
		}
	}
	if a.reservedMB > free {
		return noMemory(free, a.reservedMB)
	}
	return nil
}

func (c *scene) memoryOn(host ref) int64 {
	total := int64(0)
	for _, a := range c.actors {
		if a.host == host {
			total += a.memoryMB
		}
	}
	return total
}

// bestMend is the move that lessens most what is broken; of equal ones, to the host with the least on it.
func (c *scene) bestMend() (plannedMove, bool) {
	var best plannedMove
	bestGain, bestMemory := 0, int64(0)
	for _, a := range c.actors {
		broken := c.book.cost(a.vm, a.host, c.on)
		if broken == 0 || !a.managed {
			continue
		}
		for _, host := range c.hosts {
			gain, memory := broken-c.book.cost(a.vm, host.Self, c.on), c.memoryOn(host.Self)
			better := gain > bestGain || gain == bestGain && memory < bestMemory
			if gain > 0 && better && c.fit(a, host) == nil {
				best = plannedMove{a.vm, a.host, host.Self, c.mended(a, host.Self), mandatoryRating}
				bestGain, bestMemory = gain, memory
			}
		}
	}
	return best, bestGain > 0
}

// mended is the reason for a move: the heaviest of the rules that it mends.
func (c *scene) mended(a *actor, to ref) types.RecommendationReasonCode {
	var reason types.RecommendationReasonCode
	heaviest := 0
	for _, rule := range c.book.rules {
		if rule.weight() > heaviest && rule.breaches(a.vm, to, c.on) < rule.breaches(a.vm, a.host, c.on) {
			reason, heaviest = rule.reason(), rule.weight()
		}
	}
	return reason
}

// leave plans to empty a host.
func (c *scene) leave(host ref, p *plan) {
	for _, a := range c.actors {
		if a.host != host {
			continue
		}
		target, faults := c.elsewhere(a)
		if len(faults) > 0 {
			p.fail(types.RecommendationReasonCodeHostMaint, a.vm, faults)
			continue
		}
		c.make(plannedMove{a.vm, host, target, types.RecommendationReasonCodeHostMaint, mandatoryRating}, p)
	}
}

// elsewhere is the best other host, or why there is none.
func (c *scene) elsewhere(a *actor) (ref, []types.BaseMethodFault) {
	if !a.managed {
		return ref{}, []types.BaseMethodFault{&types.DrsDisabledOnVm{}}
	}
	var best ref
	var bestCost int
	var bestMemory int64
	var faults []types.BaseMethodFault
	for _, host := range c.hosts {
		if host.Self == a.host {
			continue
		}
		if fault := c.fit(a, host); fault != nil {
			faults = append(faults, fault)
			continue
		}
		cost, memory := c.book.cost(a.vm, host.Self, c.on), c.memoryOn(host.Self)
		if best.Value == "" || cost < bestCost || cost == bestCost && memory < bestMemory {
			best, bestCost, bestMemory = host.Self, cost, memory
		}
	}
	switch {
	case best.Value != "":
		return best, nil
	case len(faults) == 0:
		return ref{}, []types.BaseMethodFault{noCompatibleHost("the cluster has no other host")}
	}
	return ref{}, faults
}

// explainRules says of the rules that stay broken what is against each machine's going to each other host.
func (c *scene) explainRules(p *plan) {
	for number := range c.book.rules {
		rule := &c.book.rules[number]
		for _, a := range c.actors {
			if rule.breaches(a.vm, a.host, c.on) == 0 {
				continue
			}
			faults := []types.BaseMethodFault{&types.DrsDisabledOnVm{}}
			if a.managed {
				faults = c.against(a, rule)
			}
			p.fail(rule.reason(), a.vm, faults)
		}
	}
}

func (c *scene) against(a *actor, rule *boundRule) []types.BaseMethodFault {
	var faults []types.BaseMethodFault
	for _, host := range c.hosts {
		if host.Self == a.host {
			continue
		}
		fault := c.fit(a, host)
		if fault == nil {
			// It would fit, but not better than where it is.
			worst := rule
			for number := range c.book.rules {
				if other := &c.book.rules[number]; other.breaches(a.vm, host.Self, c.on) > 0 && other.weight() >= worst.weight() {
					worst = other
				}
			}
			fault = c.server.violation(worst, a.vm, host.Self)
		}
		faults = append(faults, fault)
	}
	if len(faults) == 0 {
		faults = append(faults, noCompatibleHost("the cluster has no other host"))
	}
	return faults
}

func (p *plan) fail(reason types.RecommendationReasonCode, vm ref, faults []types.BaseMethodFault) {
	byVM := &types.ClusterDrsFaultsFaultsByVm{Vm: &vm}
	for _, fault := range faults {
		byVM.Fault = append(byVM.Fault, *localized(fault))
	}
	for number := range p.faults {
		if p.faults[number].Reason == string(reason) {
			p.faults[number].FaultsByVm = append(p.faults[number].FaultsByVm, byVM)
			return
		}
	}
	p.faults = append(p.faults, types.ClusterDrsFaults{Reason: string(reason), FaultsByVm: []types.BaseClusterDrsFaultsFaultsByVm{byVM}})
}
