# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wait for states of VMs by property updates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Watcher


def watch(session: Session, properties: Sequence[str], watchers: Mapping[str, Watcher]) -> set[str]:
    """Watch VMs, by MoID, until each watcher is satisfied; return the MoIDs of those that were not in time.

    A VM that is removed in the meantime is one of those.
    """
    with session.tasks(lambda _text: None) as runner:
        outcomes = [
            runner.watch(session.ref("VirtualMachine", moid), properties, watcher) for moid, watcher in watchers.items()
        ]
        while not all(outcome.finished for outcome in outcomes):
            runner.wait()
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
    return {moid_of(outcome.vm) for outcome in outcomes if outcome.missed}
