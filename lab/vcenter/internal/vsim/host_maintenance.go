// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Maintenance mode: a host is evacuated, and no VM runs on it until it exits the mode. "The task completes when there are no
// running virtual machines on the host and no provisioning operations in progress on the host."
// (HostSystem.EnterMaintenanceMode_Task)

package vsim

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/drs"
	"gantry.invalid/lab/vcenter/internal/vim"
)

const (
	// evacuationPause is the interval at which a host that is not empty is checked.
	evacuationPause = 250 * time.Millisecond
	// evacuationRetry is the time after which the migration of a VM is tried again.
	evacuationRetry = 2 * time.Second
)

// maintenance tracks the hosts that are entering maintenance mode, and the channels that cancel their tasks.
type maintenance struct {
	mu       sync.Mutex
	entering map[ref]ref           // by host: the task
	cancels  map[ref]chan struct{} // by task; closed by CancelTask
}

// begin registers the task that puts a host into the mode, unless there is one already, which it returns.
func (m *maintenance) begin(host, task ref) (other ref, begun bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.entering == nil {
		m.entering, m.cancels = map[ref]ref{}, map[ref]chan struct{}{}
	}
	if other, entering := m.entering[host]; entering {
		return other, false
	}
	m.entering[host] = task
	return ref{}, true
}

func (m *maintenance) end(host ref) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.entering, host)
}

func (m *maintenance) isEntering(host ref) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, entering := m.entering[host]
	return entering
}

// cancellable makes a task cancelable until forget is called. CancelTask closes the channel.
func (m *maintenance) cancellable(task ref) (cancelled <-chan struct{}, forget func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	channel := make(chan struct{})
	m.cancels[task] = channel
	return channel, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.cancels, task)
	}
}

func (m *maintenance) cancel(task ref) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	channel := m.cancels[task]
	if channel == nil {
		return false
	}
	delete(m.cancels, task)
	close(channel)
	return true
}

// unavailable returns true for a host that is in maintenance mode or entering it: no VM may be moved there.
func (s *Server) unavailable(host *simulator.HostSystem) bool {
	return s.maintenance.isEntering(host.Self) || s.inMaintenanceMode(host)
}

func (s *Server) inMaintenanceMode(host *simulator.HostSystem) (inside bool) {
	s.locked(host, func(*simulator.Context) { inside = host.Runtime.InMaintenanceMode })
	return inside
}

// enterMaintenanceMode implements EnterMaintenanceMode_Task: "Timedout: if the operation timed out"; "RequestCanceled: if
// the operation is canceled"; "InvalidState: if [...] the host is in maintenance mode". TaskInProgress: the host is already
// entering it.
func (s *Server) enterMaintenanceMode(ctx *simulator.Context, request *types.EnterMaintenanceMode_Task) (soap.HasFault, types.BaseMethodFault) {
	host := s.registry.Get(request.This).(*simulator.HostSystem)
	if fault := checkMaintenanceSpec(request.MaintenanceSpec); fault != nil {
		return nil, fault
	}
	started := make(chan ref, 1)
	task := s.start(ctx, host.Self, "EnterMaintenanceMode_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		return nil, s.enterMaintenance(by, host, <-started, request)
	})
	started <- task
	return taskAnswer("EnterMaintenanceMode_Task", task), nil
}

// checkMaintenanceSpec refuses unknown vSAN modes. Known ones have no effect: the lab has no vSAN.
func checkMaintenanceSpec(spec *types.HostMaintenanceSpec) types.BaseMethodFault {
	if spec == nil || spec.VsanMode == nil {
		return nil
	}
	action := types.VsanHostDecommissionModeObjectAction(spec.VsanMode.ObjectAction)
	if !slices.Contains(action.Values(), action) {
		return invalidArgument("maintenanceSpec.vsanMode.objectAction")
	}
	return nil
}

func (s *Server) enterMaintenance(by cause, host *simulator.HostSystem, task ref, request *types.EnterMaintenanceMode_Task) types.BaseMethodFault {
	if fault := s.disconnected(host); fault != nil {
		return fault
	}
	if s.inMaintenanceMode(host) {
		return invalidHostState(host, "is already in maintenance mode")
	}
	if other, begun := s.maintenance.begin(host.Self, task); !begun {
		return &types.TaskInProgress{Task: other}
	}
	defer s.maintenance.end(host.Self)
	if cluster := s.clusterOf(host.Self); cluster != nil {
		s.scheduleReview(cluster)
	}
	cancelled, forget := s.maintenance.cancellable(task)
	defer forget()
	s.update(s.registry.Get(task), set("info.cancelable", true))
	if fault := s.evacuate(by, host, task, request, cancelled); fault != nil {
		return fault
	}
	s.stopAgents(host)
	s.showMaintenance(host, true)
	return nil
}

// evacuate returns when the host is empty, the timeout has elapsed or the task is canceled.
func (s *Server) evacuate(by cause, host *simulator.HostSystem, task ref, request *types.EnterMaintenanceMode_Task, cancelled <-chan struct{}) types.BaseMethodFault {
	var timeout <-chan struct{} // no timeout for 0 and less
	if request.Timeout > 0 {
		elapsed := make(chan struct{})
		defer s.clock.AfterFunc(time.Duration(request.Timeout)*time.Second, func() { close(elapsed) }).Stop()
		timeout = elapsed
	}
	evacuation := evacuation{server: s, by: cause{chain: by.chain, drs: true}, host: host, task: task, poweredOff: vim.IsTrue(request.EvacuatePoweredOffVms),
		tried: map[ref]time.Time{}}
	evacuation.most = max(len(s.movableOn(host)), 1)
	for {
		evacuation.moveAll(cancelled)
		if evacuation.done() {
			return nil
		}
		select {
		case <-time.After(evacuationPause):
		case <-timeout:
			fault := &types.Timedout{}
			because(&fault.MethodFault, fmt.Sprintf("Host %s did not become empty within %d seconds: %s", host.Name, request.Timeout, evacuation.obstacle))
			return fault
		case <-cancelled:
			fault := &types.RequestCanceled{}
			because(&fault.MethodFault, fmt.Sprintf("Host %s does not enter maintenance mode: the task was canceled.", host.Name))
			s.update(s.registry.Get(task), set("info.cancelled", true))
			return fault
		case <-s.closing:
			return &types.RequestCanceled{}
		}
	}
}

// evacuation is the evacuation of a host in progress.
type evacuation struct {
	server     *Server
	by         cause
	host       *simulator.HostSystem
	task       ref
	poweredOff bool // VMs that are powered off must be moved too
	most       int  // the highest number of VMs that were on the host
	obstacle   string
	tried      map[ref]time.Time // time of the last failed migration, by VM
}

// moveAll migrates the VMs that DRS may migrate. The other VMs have to be moved by users.
func (e *evacuation) moveAll(cancelled <-chan struct{}) {
	s := e.server
	for _, vm := range s.movableOn(e.host) {
		select {
		case <-cancelled:
			return
		default:
		}
		on := s.powerState(vm) == types.VirtualMachinePowerStatePoweredOn
		if !on && !e.poweredOff || !s.drsMoves(vm, on) || time.Since(e.tried[vm.Self]) < evacuationRetry {
			continue
		}
		if fault := e.move(vm, cancelled); fault != nil {
			e.note(vm, fault)
			e.tried[vm.Self] = time.Now()
		}
		left := len(s.movableOn(e.host))
		s.update(s.registry.Get(e.task), set("info.progress", int32(max(0, 90*(e.most-left)/e.most))))
	}
}

// move moves a VM to a host that DRS chooses, within the limits of the hosts. It gives up waiting for them if the task is canceled.
func (e *evacuation) move(vm *simulator.VirtualMachine, cancelled <-chan struct{}) types.BaseMethodFault {
	s := e.server
	target, fault := s.chooseHost(vm, e.host.Self)
	if fault != nil {
		return fault
	}
	limits := s.units.enter(s.moveCosts(vm, &types.VirtualMachineRelocateSpec{Host: &target}).withinTask())
	defer s.units.leave(limits)
	if limits.waits() {
		select {
		case <-limits.granted:
		case <-cancelled:
			return nil
		case <-s.closing:
			return nil
		}
	}
	_, fault = s.exclusive(vm, func(by cause) (types.AnyType, types.BaseMethodFault) {
		if s.hostOf(vm) != e.host.Self {
			return nil, nil // it has been moved meanwhile
		}
		return nil, s.moveTo(by, vm, target)
	})(e.by)
	return fault
}

// note records why a VM remains on the host. It logs a reason once, not at each check.
func (e *evacuation) note(vm *simulator.VirtualMachine, fault types.BaseMethodFault) {
	obstacle := fmt.Sprintf("virtual machine %s stays on the host. %s", vm.Name, faultText(fault))
	if obstacle != e.obstacle {
		slog.Warn("a VM stays on a host that enters maintenance mode", "host", e.host.Name, "obstacle", obstacle)
	}
	e.obstacle = obstacle
}

// done returns true if no VM runs on the host or is being started or moved there: "for a DRS disabled cluster, the task will
// not succeed unless all powered-off virtual machines have been manually reregistered; for a DRS enabled cluster […] a
// powered-off virtual machine may remain at the host only for two reasons: (a) no compatible host found for reregistration,
// (b) DRS is disabled for the virtual machine."
func (e *evacuation) done() bool {
	s := e.server
	for _, vm := range s.movableOn(e.host) {
		on := s.powerState(vm) == types.VirtualMachinePowerStatePoweredOn
		if on || e.poweredOff && !s.drsEnabled(e.host.Self) {
			if e.obstacle == "" {
				e.obstacle = "virtual machine " + vm.Name + " is still there."
			}
			return false
		}
	}
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	for vm, claimed := range s.load.admitted {
		if claimed.Host == e.host.Self {
			e.obstacle = "virtual machine " + s.nameOf(vm) + " is being moved there or away."
			return false
		}
	}
	return true
}

func (s *Server) machinesOn(host *simulator.HostSystem) []*simulator.VirtualMachine {
	var references []ref
	s.locked(host, func(*simulator.Context) { references = slices.Clone(host.Vm) })
	var machines []*simulator.VirtualMachine
	for _, reference := range references {
		if vm := s.vm(reference); vm != nil {
			machines = append(machines, vm)
		}
	}
	return machines
}

// movableOn returns the VMs on a host that must be moved away. Agents are stopped instead.
func (s *Server) movableOn(host *simulator.HostSystem) []*simulator.VirtualMachine {
	return slices.DeleteFunc(s.machinesOn(host), func(vm *simulator.VirtualMachine) bool { return s.agents.has(vm.Self) })
}

func (s *Server) drsEnabled(host ref) bool {
	cluster := s.clusterOf(host)
	return cluster != nil && vim.IsTrue(s.clusterConfig(cluster).DrsConfig.Enabled)
}

// drsMoves returns true for a VM that DRS moves automatically: a powered-on VM only if it is fully automated, a powered-off
// VM unless DRS is disabled for it.
func (s *Server) drsMoves(vm *simulator.VirtualMachine, on bool) bool {
	cluster := s.clusterOf(s.hostOf(vm))
	if cluster == nil {
		return false
	}
	behavior, managed := drs.Automation(s.clusterConfig(cluster), vm.Self)
	return managed && (!on || behavior == types.DrsBehaviorFullyAutomated)
}

// exitMaintenanceMode implements ExitMaintenanceMode_Task: "InvalidState: if the host is not in maintenance mode".
func (s *Server) exitMaintenanceMode(ctx *simulator.Context, request *types.ExitMaintenanceMode_Task) (soap.HasFault, types.BaseMethodFault) {
	host := s.registry.Get(request.This).(*simulator.HostSystem)
	return s.task(ctx, host.Self, "ExitMaintenanceMode_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		if fault := s.disconnected(host); fault != nil {
			return nil, fault
		}
		if !s.inMaintenanceMode(host) {
			return nil, invalidHostState(host, "is not in maintenance mode")
		}
		s.showMaintenance(host, false)
		s.startAgents(host)
		return nil, nil
	})
}

// showMaintenance publishes the mode, and the effective resources of the cluster.
func (s *Server) showMaintenance(host *simulator.HostSystem, inside bool) {
	s.showHost(host, func(runtime *types.HostRuntimeInfo) { runtime.InMaintenanceMode = inside }, set("runtime.inMaintenanceMode", inside))
	s.showEffective(host)
}

// showHost changes the runtime information of a host and of its summary.
func (s *Server) showHost(host *simulator.HostSystem, change func(*types.HostRuntimeInfo), changes ...types.PropertyChange) {
	s.locked(host, func(ctx *simulator.Context) {
		runtime := host.Runtime
		change(&runtime)
		ctx.Update(host, append(changes, set("summary.runtime", runtime)))
	})
}

// showEffective updates the effective hosts and resources of the cluster.
func (s *Server) showEffective(host *simulator.HostSystem) {
	cluster := s.clusterOf(host.Self)
	if cluster == nil {
		return
	}
	var count, cpu int32
	var memory int64
	for _, member := range s.hostsWith(host.Self) {
		if s.disconnected(member) != nil || s.inMaintenanceMode(member) {
			continue
		}
		count++
		cpu += int32(member.Hardware.CpuInfo.NumCpuCores) * member.Summary.Hardware.CpuMhz
		memory += member.Hardware.MemorySize >> 20
	}
	s.locked(cluster, func(ctx *simulator.Context) {
		summary := *cluster.Summary.(*types.ClusterComputeResourceSummary)
		summary.NumEffectiveHosts, summary.EffectiveCpu, summary.EffectiveMemory = count, cpu, memory
		ctx.Update(cluster, []types.PropertyChange{set("summary", &summary)})
	})
}

// cancelTask implements CancelTask: "NotSupported: the task is not cancelable"; "InvalidState: if the task is already
// complete".
func (s *Server) cancelTask(_ *simulator.Context, request *types.CancelTask) (soap.HasFault, types.BaseMethodFault) {
	if s.maintenance.cancel(request.This) {
		return &methods.CancelTaskBody{Res: &types.CancelTaskResponse{}}, nil
	}
	if task, ok := s.registry.Get(request.This).(mo.Reference); ok {
		if state := s.taskState(task); state == types.TaskInfoStateSuccess || state == types.TaskInfoStateError {
			return nil, invalidState("The task has already ended.")
		}
	}
	return nil, notSupported("This task cannot be canceled.")
}

func (s *Server) taskState(object mo.Reference) (state types.TaskInfoState) {
	if task, ok := object.(*simulator.Task); ok {
		s.locked(task, func(*simulator.Context) { state = task.Info.State })
	}
	return state
}
