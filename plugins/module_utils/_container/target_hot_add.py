# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide which CPUs and which memory are added to a container's VM while it runs. Pure."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import OFF, Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_config import Config
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_hot_add import HotAdd


def target_hot_add(config: Config, machine: Machine) -> HotAdd:
    """Return what can be added to the VM. vSphere changes it only while the VM is off; nothing is stopped for it."""
    if machine.power != OFF:
        return machine.hot_add
    return replace(machine.hot_add, cpus=config.values["cpu_hot_add"], memory=config.values["memory_hot_add"])


def added_while_running(machine: Machine, target: Machine) -> frozenset[str]:
    """Return the sizes that vSphere increases without a restart of the VM."""
    if not machine.running:
        return frozenset()
    added = set()
    if machine.hot_add.cpus and target.cpus > machine.cpus:
        added.add("cpus")
    if machine.hot_add.adds_memory(machine.memory_mb, target.memory_mb):
        added.add("memory_mb")
    return frozenset(added)
