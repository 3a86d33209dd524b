// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The end of task objects: "the completed Task objects by default include only Task objects that completed within the past 10
// minutes" (API, TaskManager.recentTask). Afterwards a task is only in the history, which TaskHistoryCollectors read. That the object
// is removed at the same time is unconfirmed.

package vsim

import (
	"slices"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// taskRetention is for how long a completed task is kept.
const taskRetention = 10 * time.Minute

func hasEnded(state types.TaskInfoState) bool {
	return state == types.TaskInfoStateSuccess || state == types.TaskInfoStateError
}

func changesState(changes []types.PropertyChange) bool {
	return slices.ContainsFunc(changes, func(change types.PropertyChange) bool { return change.Name == "info.state" })
}

// forgetLater removes a completed task when its time is over.
func (s *Server) forgetLater(task, entity ref) {
	s.clock.AfterFunc(taskRetention, func() { s.forget(task, entity) })
}

// forget removes a task. Servers "might not generate property collector update notifications" for recentTask (API), and the lab
// does not here.
func (s *Server) forget(task, entity ref) {
	manager := s.registry.Get(*s.serviceContent().TaskManager).(*simulator.TaskManager)
	s.locked(manager, func(*simulator.Context) { manager.RecentTask = without(manager.RecentTask, task) })
	if object, ok := s.registry.Get(entity).(mo.Entity); ok {
		s.locked(object, func(*simulator.Context) { object.Entity().RecentTask = without(object.Entity().RecentTask, task) })
	}
	s.registry.Remove(s.context(), task)
}

func without(list []ref, gone ref) []ref {
	return slices.DeleteFunc(slices.Clone(list), func(one ref) bool { return one == gone })
}
