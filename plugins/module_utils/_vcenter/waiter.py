# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Watching VMs by property updates: vCenter says when something changes, nothing is polled."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter import collector
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, vim, vmodl

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

# One wait is at most this long, so that it ends well before a request's time-out.
_LONGEST_WAIT = 30


class Watcher(Protocol):
    """Who waits for something of one VM."""

    # By time.monotonic; may be changed by ``seen``.
    deadline: float

    def seen(self, values: Mapping[str, Any]) -> bool:
        """Take in the properties as they are now; whether the wait is over."""


def watch(session: Session, properties: Sequence[str], watchers: Mapping[str, Watcher]) -> set[str]:
    """Watch VMs, by MoID, until each watcher is satisfied; the MoIDs of those that were not in their time.

    A VM that is removed meanwhile is one of those.
    """
    waiting = dict(watchers)
    missed: set[str] = set()
    values: dict[str, dict[str, Any]] = {moid: {} for moid in waiting}
    # A collector of our own: its updates are ours alone, and destroying it takes the filter along.
    updates = session.content.propertyCollector.CreatePropertyCollector()
    try:
        objects = [collector.object_spec(session.ref("VirtualMachine", moid)) for moid in waiting]
        updates.CreateFilter(
            collector.filter_spec([collector.property_spec(vim.VirtualMachine, properties)], objects), False
        )
        version = ""
        while waiting:
            left = min(watcher.deadline for watcher in waiting.values()) - time.monotonic()
            seconds = max(1, min(_LONGEST_WAIT, round(left)))
            update = updates.WaitForUpdatesEx(
                version, vmodl.query.PropertyCollector.WaitOptions(maxWaitSeconds=seconds)
            )
            if update is not None:
                version = update.version
                missed |= _merge(update, values)
            now = time.monotonic()
            for moid in list(waiting):
                if moid in missed or waiting[moid].seen(values[moid]):
                    del waiting[moid]
                elif now >= waiting[moid].deadline:
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
            moid = moid_of(item.obj)
            if item.kind == "leave":
                gone.add(moid)
            for change in item.changeSet:
                # A key of extraConfig comes as an OptionValue. Of a managed object "value" would be a request.
                option = isinstance(change.val, vim.option.OptionValue)
                values[moid][change.name] = change.val.value if option else change.val
    return gone
