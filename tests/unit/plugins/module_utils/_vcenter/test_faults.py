# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that fault messages contain everything that vCenter reports."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError, fault_text
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim, vmodl


def test_type_and_message_are_kept() -> None:
    fault = vim.fault.DuplicateName(msg="The name 'web' already exists.", name="web", object=vim.VirtualMachine("vm-3"))
    error = FaultError("Cannot create web", fault)
    assert error.kind == "DuplicateName"
    assert error.cause is fault
    assert error.message == (
        "Cannot create web: vCenter answered DuplicateName: The name 'web' already exists. (name web, object vm-3)."
    )
    assert error.fault == {
        "type": "DuplicateName",
        "message": "The name 'web' already exists. (name web, object vm-3)",
    }


def test_additional_messages_of_the_fault() -> None:
    fault = vim.fault.InvalidVmConfig(
        msg="Invalid configuration.",
        faultMessage=[
            vmodl.LocalizableMessage(key="a.b", message="The disk is too small."),
            vmodl.LocalizableMessage(key="c.d"),
            vmodl.LocalizableMessage(key="e.f", message="Invalid configuration."),
        ],
    )
    assert fault_text(fault) == "Invalid configuration. The disk is too small. c.d"


def test_missing_privilege() -> None:
    fault = vim.fault.NoPermission(
        msg="Permission to perform this operation was denied.",
        object=vim.Folder("group-v3"),
        privilegeId="VirtualMachine.Inventory.Create",
    )
    assert fault_text(fault) == (
        "Permission to perform this operation was denied. The user lacks these privileges: "
        "VirtualMachine.Inventory.Create on Folder group-v3. Assign the user a role that has them, as a permission on "
        "each object named here or, with propagation, on an object above it."
    )


def test_all_privileges_that_lack() -> None:
    lacking = vim.fault.NoPermission.EntityPrivileges
    fault = vim.fault.NoPermission(
        msg="Permission to perform this operation was denied.",
        object=vim.Folder("group-v3"),
        privilegeId="VirtualMachine.Inventory.Create",
        missingPrivileges=[
            lacking(
                entity=vim.Folder("group-v3"),
                privilegeIds=["VirtualMachine.Inventory.Create", "VirtualMachine.Config.AddNewDisk"],
            ),
            lacking(entity=vim.ResourcePool("resgroup-8"), privilegeIds=["Resource.AssignVMToPool"]),
        ],
    )
    assert (
        "lacks these privileges: VirtualMachine.Inventory.Create, VirtualMachine.Config.AddNewDisk on Folder group-v3; "
        "Resource.AssignVMToPool on ResourcePool resgroup-8."
    ) in fault_text(fault)


def test_privilege_that_vcenter_does_not_name() -> None:
    assert fault_text(vim.fault.NoPermission(msg="Permission denied.")) == "Permission denied."


def test_ended_session_is_not_a_matter_of_roles() -> None:
    fault = vim.fault.NotAuthenticated(msg="The session is not authenticated.", privilegeId="System.View")
    assert fault_text(fault) == "The session is not authenticated. (privilegeId System.View)"


def test_cause_is_reported() -> None:
    fault = vmodl.fault.SystemError(msg="A general system error occurred.", reason="")
    fault.faultCause = vim.fault.NoDiskSpace(msg="Insufficient disk space.", datastore="shared0", file="")
    assert fault_text(fault) == (
        "A general system error occurred. Cause: NoDiskSpace: Insufficient disk space. (datastore shared0)"
    )


def test_fault_without_a_message() -> None:
    assert fault_text(vim.fault.Timedout()) == "it gives no reason"
