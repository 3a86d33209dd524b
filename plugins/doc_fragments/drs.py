# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of what the modules for DRS share."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  cluster:
    description:
      - The cluster, by name, inventory path or MoID.
      - It can be left out where there is only one.
    type: str
  datacenter:
    description:
      - The datacenter that the cluster is in, by name or path. It tells clusters of the same name apart.
    type: str
"""

    # For the modules that write groups, rules and overrides.
    RULES = r"""
options: {}
notes:
  - All that a task changes is written in one reconfiguration of the cluster. vSphere cannot change the members of a
    group without writing all of them, so that of two controllers that do this at the same time one could undo the
    other's change. The module therefore writes from a read made just before, looks again afterwards, and writes again
    what somebody else has undone. This takes two seconds more whenever a group or rule that exists changes.
  - Rules that contradict each other, or that the cluster's hosts cannot satisfy, are refused before anything is
    changed. What cannot be satisfied only now, because of a host in maintenance mode, is a warning.
  - The privilege C(Host.Inventory.EditCluster) is needed on the cluster, and reading on its hosts and VMs.
"""
