# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs container_volume_info in Ansible's own process where that is the same as running it as a module."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._volume.operation import ContainerVolumeInfo
from ansible_collections.gantry.vsphere.plugins.plugin_utils.action import OperationAction


class ActionModule(OperationAction):
    operation = ContainerVolumeInfo()
