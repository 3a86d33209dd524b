// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The users and the inventory, as the Automation API (internal/vapi) sees them.

package vsim

import (
	"time"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/authz"
)

type directory struct{ server *Server }

// Login also refuses a user without any permission (unconfirmed: vCenter might refuse the operations instead).
func (d directory) Login(user, password string) bool {
	login := &types.Login{UserName: user, Password: password}
	return d.server.validLogin(login) && d.server.permitLogin(login) == nil
}

// SessionTimeout is the one of SOAP's sessions: the REST API has the same (VMware KB 1031039).
func (d directory) SessionTimeout() time.Duration { return d.server.sessionTimeout() }

func (d directory) Has(user, privilege string, object ref) bool {
	return d.server.access(user).Has(privilege, object)
}

func (d directory) Exists(object ref) bool {
	return authz.IsEntity(object.Type) && d.server.registry.Get(object) != nil
}

func (d directory) Root() ref { return d.server.serviceContent().RootFolder }

func (d directory) Now() time.Time { return d.server.clock.Now() }
