# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Permissions to the API's specifications."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._access.model import Permission
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim


def encode_permission(permission: Permission, role_id: int) -> Any:
    return vim.AuthorizationManager.Permission(
        principal=permission.principal, group=permission.group, roleId=role_id, propagate=permission.propagate
    )
