// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The plan of a DRS run: moves that fix rule violations and evacuate hosts that enter maintenance mode, and the reasons why
// moves are not possible.

package drs

import (
	"slices"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// Move is a migration that DRS plans, or a power-on if From is not set.
type Move struct {
	VM, From, To Ref
	Reason       types.RecommendationReasonCode
	Rating       int32
}

// Failure is a VM that DRS should move but cannot, with the reasons.
type Failure struct {
	Reason types.RecommendationReasonCode
	VM     Ref
	Faults []types.BaseMethodFault
}

// Plan holds the moves of a DRS run and its failures.
type Plan struct {
	Moves    []Move
	Failures []Failure
}

// MandatoryRating is the rating of moves that rules or maintenance mode require.
const MandatoryRating = 5

// PlanRequired plans the moves that rules and hosts in maintenance mode require.
func (c *Cluster) PlanRequired() Plan {
	var plan Plan
	for _, host := range c.Hosts {
		if host.Maintenance {
			c.evacuate(host.Ref, &plan)
		}
	}
	for range c.VMs { // each move leaves fewer violations
		move, found := c.bestFix()
		if !found {
			break
		}
		c.add(move, &plan)
	}
	c.explainViolations(&plan)
	return plan
}

// add adds a move to the plan and applies it to the snapshot.
func (c *Cluster) add(move Move, plan *Plan) {
	plan.Moves = append(plan.Moves, move)
	c.on[move.VM] = move.To
	for _, vm := range c.VMs {
		if vm.VM == move.VM {
			vm.Host = move.To
		}
	}
}

// fits returns why a VM cannot be moved to a host.
func (c *Cluster) fits(vm *VM, host *Host) types.BaseMethodFault {
	if fault := c.rules.Admits(vm.VM, host.Ref, c.on, c.Names); fault != nil {
		return fault
	}
	if fault := c.Reaches(vm.VM, host.Ref); fault != nil {
		return fault
	}
	free := host.MemoryMB
	if vm.MemoryMB > free {
		return vim.NotEnoughMemory(free, vm.MemoryMB)
	}
	for _, other := range c.VMs {
		if other != vm && other.Host == host.Ref {
			free -= other.ReservedMB
		}
	}
	if vm.ReservedMB > free {
		return vim.NotEnoughMemory(free, vm.ReservedMB)
	}
	return nil
}

func (c *Cluster) memoryOn(host Ref) int64 {
	total := int64(0)
	for _, vm := range c.VMs {
		if vm.Host == host {
			total += vm.MemoryMB
		}
	}
	return total
}

// bestFix returns the move that removes the most violations; of equal ones, the one to the host whose VMs have the least
// memory.
func (c *Cluster) bestFix() (Move, bool) {
	var best Move
	bestGain, bestMemory := 0, int64(0)
	for _, vm := range c.VMs {
		broken := c.rules.cost(vm.VM, vm.Host, c.on)
		if broken == 0 || !vm.Managed {
			continue
		}
		for number := range c.Hosts {
			host := &c.Hosts[number]
			gain, memory := broken-c.rules.cost(vm.VM, host.Ref, c.on), c.memoryOn(host.Ref)
			better := gain > bestGain || gain == bestGain && memory < bestMemory
			if gain > 0 && better && c.fits(vm, host) == nil {
				best = Move{vm.VM, vm.Host, host.Ref, c.fixes(vm, host.Ref), MandatoryRating}
				bestGain, bestMemory = gain, memory
			}
		}
	}
	return best, bestGain > 0
}

// fixes returns the reason of a move: that of the rule with the highest cost whose violation it fixes.
func (c *Cluster) fixes(vm *VM, to Ref) types.RecommendationReasonCode {
	var reason types.RecommendationReasonCode
	heaviest := 0
	for _, rule := range c.rules.rules {
		if rule.weight() > heaviest && rule.violations(vm.VM, to, c.on) < rule.violations(vm.VM, vm.Host, c.on) {
			reason, heaviest = rule.reason(), rule.weight()
		}
	}
	return reason
}

// evacuate plans moves of all VMs off a host.
func (c *Cluster) evacuate(host Ref, plan *Plan) {
	for _, vm := range c.VMs {
		if vm.Host != host {
			continue
		}
		target, faults := c.otherHost(vm)
		if len(faults) > 0 {
			plan.fail(types.RecommendationReasonCodeHostMaint, vm.VM, faults)
			continue
		}
		c.add(Move{vm.VM, host, target, types.RecommendationReasonCodeHostMaint, MandatoryRating}, plan)
	}
}

// otherHost returns the best other host for a VM, or why there is none.
func (c *Cluster) otherHost(vm *VM) (Ref, []types.BaseMethodFault) {
	if !vm.Managed {
		return Ref{}, []types.BaseMethodFault{&types.DrsDisabledOnVm{}}
	}
	var candidates []Candidate
	var faults []types.BaseMethodFault
	for number := range c.Hosts {
		host := &c.Hosts[number]
		if host.Ref == vm.Host {
			continue
		}
		if fault := c.fits(vm, host); fault != nil {
			faults = append(faults, fault)
			continue
		}
		candidates = append(candidates, Candidate{Host: host.Ref, MemoryMB: c.memoryOn(host.Ref)})
	}
	best, fault := c.rules.Choose(vm.VM, vm.Host, candidates, c.on, c.Names)
	switch {
	case fault == nil:
		return best, nil
	case len(faults) == 0:
		return Ref{}, []types.BaseMethodFault{fault}
	}
	return Ref{}, faults
}

// explainViolations adds a failure for each VM that still breaks a rule, with the blockers of a move to each other host.
func (c *Cluster) explainViolations(plan *Plan) {
	for number := range c.rules.rules {
		rule := &c.rules.rules[number]
		for _, vm := range c.VMs {
			if rule.violations(vm.VM, vm.Host, c.on) == 0 {
				continue
			}
			faults := []types.BaseMethodFault{&types.DrsDisabledOnVm{}}
			if vm.Managed {
				faults = c.blockers(vm, rule)
			}
			plan.fail(rule.reason(), vm.VM, faults)
		}
	}
}

// blockers returns, for each other host, why the VM is not moved there to comply with a rule.
func (c *Cluster) blockers(vm *VM, rule *boundRule) []types.BaseMethodFault {
	var faults []types.BaseMethodFault
	for number := range c.Hosts {
		host := &c.Hosts[number]
		if host.Ref == vm.Host {
			continue
		}
		fault := c.fits(vm, host)
		if fault == nil {
			// The VM could run there, but the move would not reduce violations.
			fault = c.heaviestViolation(vm, host.Ref, rule).violation(vm.VM, host.Ref, c.Names)
		}
		faults = append(faults, fault)
	}
	if len(faults) == 0 {
		faults = append(faults, vim.NoCompatibleHost("The cluster has no other host."))
	}
	return faults
}

// heaviestViolation returns the rule with the highest cost that a VM would break on a host, or the given rule.
func (c *Cluster) heaviestViolation(vm *VM, host Ref, rule *boundRule) *boundRule {
	for number := range c.rules.rules {
		if other := &c.rules.rules[number]; other.violations(vm.VM, host, c.on) > 0 && other.weight() >= rule.weight() {
			rule = other
		}
	}
	return rule
}

func (p *Plan) fail(reason types.RecommendationReasonCode, vm Ref, faults []types.BaseMethodFault) {
	p.Failures = append(p.Failures, Failure{reason, vm, slices.Clone(faults)})
}
