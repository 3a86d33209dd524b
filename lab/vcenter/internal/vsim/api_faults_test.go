// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"strings"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

func TestFaultsOfTheSimulatorHaveATextAndTheirTasksTheirUser(t *testing.T) {
	l := newLab(t)
	fields := must(object.GetCustomFieldsManager(l.client.Client))(t)
	must(fields.Add(t.Context(), "owner", "VirtualMachine", nil, nil))(t)
	_, err := fields.Add(t.Context(), "owner", "VirtualMachine", nil, nil)
	if !soap.IsSoapFault(err) || soap.ToSoapFault(err).String != "The name 'owner' already exists." {
		t.Errorf("a call: %v", err)
	}

	cluster := must(l.finder.ClusterComputeResource(t.Context(), "C0"))(t)
	task := must(cluster.AddHost(t.Context(), types.HostConnectSpec{}, true, nil, nil))(t)
	if _, err := task.WaitForResult(t.Context()); err == nil || strings.Contains(err.Error(), "*types.") {
		t.Errorf("a task: %v", err)
	}
	info := l.taskInfo(task.Reference())
	if info.Error == nil || info.Error.LocalizedMessage == "" || strings.HasPrefix(info.Error.LocalizedMessage, "*types.") {
		t.Errorf("the task's fault: %+v", info.Error)
	}
	if by, ok := info.Reason.(*types.TaskReasonUser); !ok || !strings.EqualFold(by.UserName, testUser) {
		t.Errorf("the task's user: %+v", info.Reason)
	}
	var read []types.ObjectContent
	if err := property.DefaultCollector(l.client.Client).Retrieve(t.Context(), []ref{task.Reference()}, []string{"info.error"}, &read); err != nil {
		t.Fatal(err)
	}
	if fault, ok := read[0].PropSet[0].Val.(types.LocalizedMethodFault); !ok || fault.LocalizedMessage != info.Error.LocalizedMessage {
		t.Errorf("the property: %+v", read[0].PropSet)
	}
}
