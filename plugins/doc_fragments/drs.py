# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options that the modules for DRS share."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  cluster:
    description:
      - The cluster, by name, inventory path or MoID.
      - It can be left out if there is only one.
    type: str
  datacenter:
    description:
      - The datacenter that the cluster is in, by name or path. It selects one of several clusters of the same name.
    type: str
"""

    # For the modules that write groups, rules and overrides.
    RULES = r"""
options: {}
notes:
  - All changes of a task are written in one reconfiguration of the cluster. vSphere cannot change the members of a
    group without writing all of them, so two controllers that do this at the same time could undo each other's
    changes. The module therefore reads the configuration just before it writes, reads it again afterwards, and writes
    again what another client has undone. This takes two more seconds whenever an existing group or rule changes.
  - Rules that conflict with each other, or that the cluster's hosts cannot satisfy, are an error before anything is
    changed. Rules that only cannot be satisfied now, because of a host in maintenance mode, are a warning.
"""
