# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run container_set in Ansible's own process where that is equivalent to running it as a module."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.operation import ContainerSet
from ansible_collections.gantry.vsphere.plugins.plugin_utils.files import ContainersFilesAction


class ActionModule(ContainersFilesAction):
    operation = ContainerSet()
