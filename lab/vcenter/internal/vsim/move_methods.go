// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The methods for migrations, maintenance mode and host connections.

package vsim

func (s *Server) moveMethods() map[string]handler {
	return map[string]handler{
		"VirtualMachine.RelocateVM_Task": method(s.relocateVM),
		"VirtualMachine.MigrateVM_Task":  method(s.migrateVM),

		"VirtualMachineProvisioningChecker.CheckRelocate_Task":               method(s.checkRelocate),
		"VirtualMachineProvisioningChecker.CheckMigrate_Task":                method(s.checkMigrate),
		"VirtualMachineProvisioningChecker.QueryVMotionCompatibilityEx_Task": method(s.queryCompatibility),
		"VirtualMachineCompatibilityChecker.CheckCompatibility_Task":         method(s.checkCompatibility),

		"HostSystem.EnterMaintenanceMode_Task": method(s.enterMaintenanceMode),
		"HostSystem.ExitMaintenanceMode_Task":  method(s.exitMaintenanceMode),
		"HostSystem.DisconnectHost_Task":       method(s.disconnectHost),
		"HostSystem.ReconnectHost_Task":        method(s.reconnectHost),
		"Task.CancelTask":                      method(s.cancelTask),
	}
}
