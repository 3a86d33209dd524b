// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// agentsByHost returns the VMs of vSphere Cluster Services, by the name of their host.
func (l *lab) agentsByHost() map[string]mo.VirtualMachine {
	l.Helper()
	found := map[string]mo.VirtualMachine{}
	for _, vm := range must(l.finder.VirtualMachineList(l.Context(), "/DC0/vm/vCLS/*"))(l) {
		read := l.read(vm)
		if host := l.server.nameOf(*read.Runtime.Host); found[host].Config == nil {
			found[host] = read
		} else {
			l.Errorf("%s has two agents", host)
		}
	}
	return found
}

func (l *lab) setServices(kind string) {
	l.Helper()
	if err := l.server.SetClusterServices("C0", kind); err != nil {
		l.Fatal(err)
	}
}

func TestClustersHaveTheAgentsOfTheirKindOfServices(t *testing.T) {
	l := newLab(t, sites)
	l.setServices(ExternalAgents)
	if agents := l.agentsByHost(); len(agents) != 3 {
		t.Errorf("external services have agents on %d hosts", len(agents))
	} else if agent := agents["esx1"]; agent.Config.ManagedBy == nil || agent.Config.ManagedBy.ExtensionKey != "com.vmware.vim.eam" ||
		agent.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn || len(agent.Datastore) != 1 {
		t.Errorf("the external agent: %+v", agent)
	}
	l.setServices(EmbeddedAgents)
	if agents := l.agentsByHost(); len(agents) != 2 {
		t.Errorf("embedded services have agents on %d hosts", len(agents))
	} else if agent := agents["esx1"]; agent.Config.GuestId != "crxSys1Guest" || len(agent.Datastore) != 0 {
		t.Errorf("the embedded agent: %+v", agent)
	}
	l.setServices(NoAgents)
	if _, err := l.finder.VirtualMachineList(t.Context(), "/DC0/vm/vCLS/*"); err == nil {
		t.Error("there are agents without services")
	}
	if err := l.server.SetClusterServices("C0", "some"); err == nil || !strings.Contains(err.Error(), "external or embedded") {
		t.Errorf("an unknown kind: %v", err)
	}
	if err := l.server.SetClusterServices("C9", NoAgents); !errors.Is(err, ErrNotFound) {
		t.Errorf("an unknown cluster: %v", err)
	}
}

func TestClientsCannotChangeAgents(t *testing.T) {
	l := newLab(t, sites)
	l.setServices(EmbeddedAgents)
	agent := l.agentsByHost()["esx1"]
	vm := object.NewVirtualMachine(l.client.Client, agent.Self)
	away := types.VirtualMachineRelocateSpec{Host: l.host("esx3")}
	for method, start := range map[string]func() (*object.Task, error){
		"RelocateVM_Task": func() (*object.Task, error) { return vm.Relocate(t.Context(), away, "") },
		"ReconfigVM_Task": func() (*object.Task, error) {
			return vm.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{Annotation: "mine"})
		},
		"PowerOffVM_Task": func() (*object.Task, error) { return vm.PowerOff(t.Context()) },
		"Destroy_Task":    func() (*object.Task, error) { return vm.Destroy(t.Context()) },
	} {
		if _, err := start(); err == nil {
			t.Errorf("%s was not refused", method)
		} else {
			isFault[types.MethodDisabled](l, l.faultOf(err))
		}
		if !slices.Contains(agent.DisabledMethod, method) {
			t.Errorf("disabledMethod has no %s: %v", method, agent.DisabledMethod)
		}
	}
}

func TestAgentsStopWhenTheirHostEntersMaintenanceMode(t *testing.T) {
	for _, kind := range []string{ExternalAgents, EmbeddedAgents} {
		t.Run(kind, func(t *testing.T) {
			l := newLab(t, sites)
			l.setServices(kind)
			before := len(l.agentsByHost())
			host := must(l.finder.HostSystem(t.Context(), "esx1"))(t)
			l.result(host.EnterMaintenanceMode(t.Context(), 10, true, nil))
			agents := l.agentsByHost()
			if len(agents) != 2 || agents["esx2"].Config == nil || agents["esx3"].Config == nil {
				t.Errorf("in maintenance mode there are agents on %d hosts", len(agents))
			}
			l.result(host.ExitMaintenanceMode(t.Context(), 0))
			if after := len(l.agentsByHost()); after != before {
				t.Errorf("%d agents before, %d afterwards", before, after)
			}
		})
	}
}
