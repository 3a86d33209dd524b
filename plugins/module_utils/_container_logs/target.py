# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the log of each container is read: in its guest, or in the record of its end. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.guest_access import secret_of, the_container
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container_logs.model import DesiredLogs, LogSource


def log_sources(desired: DesiredLogs, machines: Sequence[Machine]) -> tuple[LogSource, ...]:
    """Return the sources in the order of the names; raise GantryError if there is none of a name."""
    return tuple(_source(name, desired, machines) for name in desired.names)


def _source(name: str, desired: DesiredLogs, machines: Sequence[Machine]) -> LogSource:
    named = [machine for machine in machines if machine.name == name]
    machine = the_container(name, named, datacenter=desired.datacenter, folder=desired.folder)
    position = desired.positions.get(name)
    if not machine.is_up:
        return LogSource(machine, None, position)
    secret = secret_of(desired.guest_key, machine)
    if not machine.tools_running:
        raise GantryError(
            f"The guest tools of container {name} are not running, or vCenter does not know it yet. Run again after "
            "some seconds. If it stays so, restart the container."
        )
    return LogSource(machine, secret, position)
