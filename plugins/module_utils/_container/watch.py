# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Watching VMs by property updates: vCenter says when something changes, nothing is polled."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter import collector
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.api import vim, vmodl

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

# One wait is at most this long, so that it ends well before a request's time-out.
_LONGEST_WAIT = 30

# Given the properties of one VM as they are now: whether enough has been seen of it.
Seen = Callable[[Mapping[str, Any]], bool]


def watch(
    session: Session, properties: Sequence[str], watched: Mapping[str, Seen], deadlines: Mapping[str, float]
) -> set[str]:
    """Watch VMs, by MoID, until each has been seen as wanted; the MoIDs of those that were not in their time.

    ``deadlines`` are times of ``time.monotonic``. A VM that is removed meanwhile counts as not seen.
    """
    waiting = dict(watched)
    missed: set[str] = set()
    values: dict[str, dict[str, Any]] = {moid: {} for moid in watched}
    # A collector of our own: its updates are ours alone, and destroying it takes the filter along.
    updates = session.content.propertyCollector.CreatePropertyCollector()
    try:
        refs = [session.ref("VirtualMachine", moid) for moid in watched]
        spec = collector.filter_spec(
            [collector.property_spec(vim.VirtualMachine, properties)], [collector.object_spec(ref) for ref in refs]
        )
        updates.CreateFilter(spec, False)
        version = ""
        while waiting:
            seconds = max(1, min(_LONGEST_WAIT, round(min(deadlines[moid] for moid in waiting) - time.monotonic())))
            options = vmodl.query.PropertyCollector.WaitOptions(maxWaitSeconds=seconds)
            update = updates.WaitForUpdatesEx(version, options)
            if update is not None:
                version = update.version
                missed |= _merge(update, values)
            now = time.monotonic()
            for moid in list(waiting):
                if moid in missed or waiting[moid](values[moid]):
                    del waiting[moid]
                elif now >= deadlines[moid]:
                    missed.add(moid)
                    del waiting[moid]
    finally:
        updates.DestroyPropertyCollector()
    return missed


def _merge(update: Any, values: dict[str, dict[str, Any]]) -> set[str]:
    """Take over what changed; the MoIDs of VMs that are gone."""
    gone = set()
    for filter_update in update.filterSet:
        for item in filter_update.objectSet:
            moid = str(item.obj._moId)
            if item.kind == "leave":
                gone.add(moid)
            for change in item.changeSet:
                values[moid][change.name] = getattr(change.val, "value", change.val)
    return gone
