// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"errors"
	"strings"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

func (l *lab) hostState(name string) mo.HostSystem {
	l.Helper()
	var read mo.HostSystem
	if err := property.DefaultCollector(l.client.Client).RetrieveOne(l.Context(), *l.host(name), []string{"runtime", "summary", "vm"}, &read); err != nil {
		l.Fatal(err)
	}
	return read
}

// machinesOnHost creates VMs on one host and powers on those whose flag is true.
func (l *lab) machinesOnHost(name string, on ...bool) []*object.VirtualMachine {
	l.Helper()
	var machines []*object.VirtualMachine
	for number, powered := range on {
		vm := l.create(l.spec(name + "-vm" + string(rune('0'+number))))
		if powered {
			l.result(vm.PowerOn(l.Context()))
		}
		l.move(vm, types.VirtualMachineRelocateSpec{Host: l.host(name)})
		machines = append(machines, vm)
	}
	return machines
}

func TestAHostIsEvacuatedAndExitsMaintenanceMode(t *testing.T) {
	l := newLab(t, sites)
	machines := l.machinesOnHost("esx1", true, true, true, false)
	host := must(l.finder.HostSystem(t.Context(), "esx1"))(t)
	l.result(host.EnterMaintenanceMode(t.Context(), 30, false, &types.HostMaintenanceSpec{
		VsanMode: &types.VsanHostDecommissionMode{ObjectAction: string(types.VsanHostDecommissionModeObjectActionNoAction)}}))
	state := l.hostState("esx1")
	if !state.Runtime.InMaintenanceMode || !state.Summary.Runtime.InMaintenanceMode || len(state.Vm) != 1 || state.Vm[0] != machines[3].Reference() {
		t.Errorf("the host: %+v with %v", state.Runtime, state.Vm)
	}
	var cluster mo.ClusterComputeResource
	if err := property.DefaultCollector(l.client.Client).RetrieveOne(t.Context(), l.server.site.cluster.Self, []string{"summary"}, &cluster); err != nil {
		t.Fatal(err)
	}
	if summary := cluster.Summary.GetComputeResourceSummary(); summary.NumHosts != 3 || summary.NumEffectiveHosts != 2 {
		t.Errorf("the cluster: %+v", summary)
	}
	hosts := map[string]int{}
	for _, vm := range machines[:3] {
		hosts[l.server.nameOf(*l.read(vm).Runtime.Host)]++
		if moves := must(l.server.Machine(l.read(vm).Name))(t).Moves; len(moves) == 0 {
			t.Errorf("%s was not carried", l.read(vm).Name)
		}
	}
	if hosts["esx2"] == 0 || hosts["esx3"] == 0 {
		t.Errorf("they are on %v", hosts)
	}
	isFault[types.InvalidHostState](l, l.refusal(host.EnterMaintenanceMode(t.Context(), 0, false, nil)))
	l.result(host.ExitMaintenanceMode(t.Context(), 0))
	isFault[types.InvalidHostState](l, l.refusal(host.ExitMaintenanceMode(t.Context(), 0)))
	l.move(machines[0], types.VirtualMachineRelocateSpec{Host: l.host("esx1")})

	l.result(host.EnterMaintenanceMode(t.Context(), 0, true, nil))
	if state := l.hostState("esx1"); len(state.Vm) != 0 {
		t.Errorf("machines that are off stayed: %v", state.Vm)
	}
	_, err := host.EnterMaintenanceMode(t.Context(), 0, false, &types.HostMaintenanceSpec{
		VsanMode: &types.VsanHostDecommissionMode{ObjectAction: "hope"}})
	isFault[types.InvalidArgument](l, l.faultOf(err))
}

func TestEnteringMaintenanceModeTimesOutOrIsCanceled(t *testing.T) {
	l := newLab(t, sites)
	vm := l.machinesOnHost("esx1", true)[0]
	host := must(l.finder.HostSystem(t.Context(), "esx1"))(t)
	l.guests.refuse = errors.New("the connection is lost")
	fault := isFault[types.Timedout](l, l.refusal(host.EnterMaintenanceMode(t.Context(), 1, false, nil)))
	if text := faultText(fault); !strings.Contains(text, "the connection is lost") {
		t.Errorf("the fault has the message %q", text)
	}

	entering := must(host.EnterMaintenanceMode(t.Context(), 0, false, nil))(t)
	l.eventually("the task can be cancelled", func() bool {
		var task mo.Task
		err := property.DefaultCollector(l.client.Client).RetrieveOne(t.Context(), entering.Reference(), []string{"info"}, &task)
		return err == nil && task.Info.Cancelable
	})
	// A host that is entering maintenance mode accepts no VMs, and a second task is refused.
	other := l.machinesOnHost("esx2", false)[0]
	refuse[types.InvalidHostState](l, other, types.VirtualMachineRelocateSpec{Host: l.host("esx1")})
	if fault := isFault[types.TaskInProgress](l, l.refusal(host.EnterMaintenanceMode(t.Context(), 0, false, nil))); fault.Task != entering.Reference() {
		t.Errorf("the task in progress is %s", fault.Task)
	}
	if _, err := methods.CancelTask(t.Context(), l.client.Client, &types.CancelTask{This: entering.Reference()}); err != nil {
		t.Fatal(err)
	}
	isFault[types.RequestCanceled](l, l.refusal(entering, nil))
	if state := l.hostState("esx1"); state.Runtime.InMaintenanceMode {
		t.Error("it is in maintenance mode")
	}
	_, err := methods.CancelTask(t.Context(), l.client.Client, &types.CancelTask{This: entering.Reference()})
	isFault[types.InvalidState](l, l.faultOf(err))

	// Without DRS the task waits until users move the VMs.
	l.guests.refuse = nil
	cluster := must(l.finder.ClusterComputeResource(t.Context(), "C0"))(t)
	l.result(cluster.Reconfigure(t.Context(), &types.ClusterConfigSpecEx{DrsConfig: &types.ClusterDrsConfigInfo{Enabled: types.NewBool(false)}}, true))
	entering = must(host.EnterMaintenanceMode(t.Context(), 20, false, nil))(t)
	l.move(vm, types.VirtualMachineRelocateSpec{Host: l.host("esx2")})
	l.result(entering, nil)
	l.result(host.ExitMaintenanceMode(t.Context(), 0))
	l.move(other, types.VirtualMachineRelocateSpec{Host: l.host("esx1")})
	isFault[types.Timedout](l, l.refusal(host.EnterMaintenanceMode(t.Context(), 1, true, nil)))
}

func TestTheVMsOfADisconnectedHostAreDisconnected(t *testing.T) {
	l := newLab(t, sites)
	vm := l.machinesOnHost("esx1", true)[0]
	host := must(l.finder.HostSystem(t.Context(), "esx1"))(t)
	isFault[types.InvalidHostState](l, l.refusal(host.Reconnect(t.Context(), nil, nil)))
	l.result(host.Disconnect(t.Context()))
	isFault[types.InvalidHostState](l, l.refusal(host.Disconnect(t.Context())))
	state := l.hostState("esx1")
	if state.Runtime.ConnectionState != types.HostSystemConnectionStateDisconnected ||
		state.Summary.Runtime.ConnectionState != types.HostSystemConnectionStateDisconnected ||
		l.read(vm).Runtime.ConnectionState != types.VirtualMachineConnectionStateDisconnected {
		t.Errorf("the host: %+v", state.Runtime)
	}
	refuse[types.HostNotConnected](l, vm, types.VirtualMachineRelocateSpec{Host: l.host("esx2")})
	isFault[types.HostNotConnected](l, l.refusal(host.EnterMaintenanceMode(t.Context(), 0, false, nil)))
	l.result(host.Reconnect(t.Context(), nil, nil))
	l.move(vm, types.VirtualMachineRelocateSpec{Host: l.host("esx2")})
}
