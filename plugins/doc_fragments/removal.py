# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the option of modules that remove what VMs may use."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  assume_removed:
    description:
      - Names or inventory paths of VMs that tasks before this one remove. With O(state=absent), the removal is planned
        as if they were gone, so that check mode predicts what a playbook does that removes them first.
      - If VMs still use it when it is removed, that is an error, whether they are listed here or not.
    type: list
    elements: str
    default: []
"""
