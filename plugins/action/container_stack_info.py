# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run container_stack_info in Ansible's own process where that is equivalent to running it as a module."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.operation import ContainerStackInfo
from ansible_collections.gantry.vsphere.plugins.plugin_utils.action import OperationAction


class ActionModule(OperationAction):
    operation = ContainerStackInfo()
