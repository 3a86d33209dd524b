// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/simulator/vpx"
	taskhistory "github.com/vmware/govmomi/task"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

func (l *lab) taskInfo(task ref) types.TaskInfo {
	l.Helper()
	var read mo.Task
	if err := property.DefaultCollector(l.client.Client).RetrieveOne(l.Context(), task, []string{"info"}, &read); err != nil {
		l.Fatal(err)
	}
	return read.Info
}

func TestTasksOfManagersEnd(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web", scsi(), newDisk(16*mib)))
	history := must(taskhistory.NewManager(l.client.Client).CreateCollectorForTasks(t.Context(), types.TaskFilterSpec{}))(t)
	reference := vm.Reference()
	checked := must(methods.CheckVmConfig_Task(t.Context(), l.client.Client, &types.CheckVmConfig_Task{
		This: *l.client.ServiceContent.VmCompatibilityChecker, Vm: &reference, Spec: types.VirtualMachineConfigSpec{NumCPUs: 64}}))(t)
	result := l.result(objectTask(l, checked.Returnval), nil).(types.ArrayOfCheckResult)
	if warnings := result.CheckResult[0].Warning; len(warnings) != 1 {
		t.Errorf("64 CPUs gave the warnings %+v", warnings)
	}
	disks := must(object.NewVirtualDiskManager(l.client.Client).QueryVirtualDiskInfo(t.Context(), "[shared0] web/web.vmdk", l.dc, false))(t)
	if len(disks) != 1 || disks[0].Name != "[shared0] web/web.vmdk" {
		t.Errorf("got %+v", disks)
	}
	// A simulator task whose object is not a managed entity has no entity in any answer.
	if info := l.taskInfo(checked.Returnval); info.Entity != nil || info.State != types.TaskInfoStateSuccess {
		t.Errorf("shown as %+v", info)
	}
	l.update(checked.Returnval)
	var collector mo.TaskHistoryCollector
	if err := property.DefaultCollector(l.client.Client).RetrieveOne(t.Context(), history.Reference(), nil, &collector); err != nil {
		t.Fatal(err)
	}
	for from, infos := range map[string][]types.TaskInfo{"the latest page": collector.LatestPage,
		"the next tasks": must(history.ReadNextTasks(t.Context(), 100))(t), "the previous tasks": must(history.ReadPreviousTasks(t.Context(), 100))(t)} {
		if !slices.ContainsFunc(infos, func(info types.TaskInfo) bool { return info.Task == checked.Returnval }) && from != "the previous tasks" {
			t.Errorf("%s lack the task: %+v", from, infos)
		}
		for _, info := range infos {
			if info.Entity != nil && !isManagedEntity[info.Entity.Type] {
				t.Errorf("%s name %v", from, info.Entity)
			}
		}
	}
	// Collectors compare entities.
	byEntity := types.TaskFilterSpec{Entity: &types.TaskFilterSpecByEntity{Entity: vm.Reference(), Recursion: types.TaskFilterSpecRecursionOptionAll}}
	if _, err := taskhistory.NewManager(l.client.Client).CreateCollectorForTasks(t.Context(), byEntity); err != nil {
		t.Fatal(err)
	}
	l.result(vm.PowerOn(t.Context()))
	for _, task := range l.server.registry.AllReference("Task") {
		l.eventually("all tasks have ended", func() bool {
			state := l.server.taskState(task)
			return state == types.TaskInfoStateSuccess || state == types.TaskInfoStateError
		})
	}
}

// update reads a task through WaitForUpdatesEx.
func (l *lab) update(task ref) {
	l.Helper()
	collector := must(property.DefaultCollector(l.client.Client).Create(l.Context()))(l)
	filter := types.CreateFilter{Spec: types.PropertyFilterSpec{ObjectSet: []types.ObjectSpec{{Obj: task}},
		PropSet: []types.PropertySpec{{Type: "Task", PathSet: []string{"info", "info.entity"}}}}}
	if _, err := collector.CreateFilter(l.Context(), filter); err != nil {
		l.Fatal(err)
	}
	body := must(methods.WaitForUpdatesEx(l.Context(), l.client.Client, &types.WaitForUpdatesEx{This: collector.Reference()}))(l)
	for _, change := range body.Returnval.FilterSet[0].ObjectSet[0].ChangeSet {
		if info, ok := change.Val.(types.TaskInfo); ok && info.Entity != nil || change.Name == "info.entity" && change.Val != nil {
			l.Errorf("an update shows %s = %+v", change.Name, change.Val)
		}
	}
}

func TestTasksHaveTheDescriptionIdsOfVCenter(t *testing.T) {
	l := newLab(t)
	known := map[string]bool{}
	for _, described := range vpx.Description.MethodInfo {
		known[described.GetElementDescription().Key] = true
	}
	// Those of later releases than the vCenter whose list the simulator has.
	for _, later := range []string{"createSnapshot", "deleteSnapshot", "revertVStorageObject", "createDiskFromSnapshot", "updateVStorageObjectMetadataEx"} {
		known["vslm.vcenter.VStorageObjectManager."+later] = true
	}
	for name := range l.server.methods {
		kind, method, _ := strings.Cut(name, ".")
		if !strings.HasSuffix(method, "_Task") || slices.Contains(simulatedOnly, name) {
			continue
		}
		if description := taskDescription(ref{Type: kind}, method); !known[description] {
			t.Errorf("%s is called %q", name, description)
		}
	}
	vm := l.create(l.spec("web", scsi(), newDisk(16*mib)))
	power := must(vm.PowerOn(t.Context()))(t)
	l.result(power, nil)
	reconfigure := must(vm.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{Annotation: "x"}))(t)
	l.result(reconfigure, nil)
	if info := l.taskInfo(power.Reference()); info.DescriptionId != "VirtualMachine.powerOn" || info.Name != "PowerOnVM_Task" || info.EventChainId == 0 {
		t.Errorf("power on is %+v", info)
	}
	if info := l.taskInfo(reconfigure.Reference()); info.DescriptionId != "VirtualMachine.reconfigure" || info.Name != "ReconfigVM_Task" {
		t.Errorf("reconfigure is %+v", info)
	}
	// The simulator's own tasks name the user, too.
	dvs := must(l.finder.Network(t.Context(), "DVS0"))(t).(*object.DistributedVirtualSwitch)
	added := must(dvs.AddPortgroup(t.Context(), []types.DVPortgroupConfigSpec{{Name: "more", NumPorts: 1}}))(t)
	l.result(added, nil)
	info := l.taskInfo(added.Reference())
	user, byUser := info.Reason.(*types.TaskReasonUser)
	if info.DescriptionId != "DistributedVirtualSwitch.addPortgroups" || info.Name != "AddDVPortgroup_Task" || !byUser || user.UserName != testUser {
		t.Errorf("adding a port group is %+v", info)
	}
	if time.Since(info.QueueTime) > time.Minute {
		t.Errorf("queued at %v", info.QueueTime)
	}
}
