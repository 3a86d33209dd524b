# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe the container that a program is to run in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe_guests import observe_guests
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.model import ObservedExec, Selection

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_exec(session: Session, selected: Selection) -> ObservedExec:
    """Return the VMs with the name of the container in the datacenter and the folder."""
    found = observe_guests(session, [selected.name], datacenter=selected.datacenter, folder=selected.folder)
    return ObservedExec(found.machines, found.managers, found.host_configs)
