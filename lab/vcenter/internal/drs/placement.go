// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The choice of a host for a VM, by the rules and by the memory of the VMs on the hosts.

package drs

import (
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// Candidate is a host that a VM may be placed on.
type Candidate struct {
	Host     Ref
	MemoryMB int64                 // of the other VMs on the host
	Refusal  types.BaseMethodFault // why the host cannot run the VM, or nil
}

// Choose returns the host where a VM breaks the fewest rules, and of these the one whose VMs have the least memory,
// preferably the VM's current host. If no host can run the VM, it returns the most specific fault.
func (b Rulebook) Choose(vm, current Ref, candidates []Candidate, on Occupancy, names Names) (Ref, types.BaseMethodFault) {
	var best Candidate
	var bestCost int
	var refusals []types.BaseMethodFault
	for _, candidate := range candidates {
		if candidate.Refusal != nil {
			refusals = append(refusals, candidate.Refusal)
			continue
		}
		cost := b.cost(vm, candidate.Host, on)
		better := cost < bestCost || cost == bestCost &&
			(candidate.MemoryMB < best.MemoryMB || candidate.MemoryMB == best.MemoryMB && candidate.Host == current)
		if best.Host.Value == "" || better {
			best, bestCost = candidate, cost
		}
	}
	switch {
	case best.Host.Value != "":
		return best.Host, nil
	case len(refusals) == 0:
		return Ref{}, vim.NoCompatibleHost("The cluster has no other host.")
	}
	return Ref{}, refusalOf(vm, refusals, names)
}

// refusalOf returns one fault for all hosts, preferably the fault of a host that the rules allow. "The cluster contains no
// hosts satisfying the hard VM/host affinity rules constraint for the VM" (API, NoCompatibleHardAffinityHost).
func refusalOf(vm Ref, faults []types.BaseMethodFault, names Names) types.BaseMethodFault {
	refusal := faults[0]
	ruled := 0
	for _, fault := range faults {
		if !isRuleFault(fault) {
			refusal = fault
			continue
		}
		ruled++
	}
	if _, byHost := refusal.(*types.VmHostAffinityRuleViolation); byHost && ruled == len(faults) && ruled > 1 {
		fault := &types.NoCompatibleHardAffinityHost{VmName: names(vm)}
		vim.Because(&fault.MethodFault, "No host of the cluster satisfies the mandatory VM-host rules of virtual machine "+fault.VmName+".")
		return fault
	}
	return refusal
}

func isRuleFault(fault types.BaseMethodFault) bool {
	switch fault.(type) {
	case *types.VmHostAffinityRuleViolation, *types.RuleViolation, *types.NoCompatibleHardAffinityHost:
		return true
	}
	return false
}
