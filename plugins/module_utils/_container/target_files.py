# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compute what the guest document announces of the files of a container, and what is delivered. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import DesiredContainer, Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_files import FILE_OPTIONS
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.delivery import FIELD, Delivery, make_delivery


def target_delivery(desired: DesiredContainer) -> Delivery | None:
    """Return the files to deliver to a container, or None if it has none."""
    files = () if desired.config is None else desired.config.files
    if not files or desired.guest_key is None or _keeps_files(desired):
        return None
    salt = desired.guest_key.digest(b"delivery", desired.name.encode())
    return make_delivery(salt, [file.content for file in files])


def target_announcement(desired: DesiredContainer, machine: Machine) -> dict[str, Any] | None:
    """Return the field of the guest document that announces the files, or None if there are none."""
    if _keeps_files(desired):
        announced = (machine.document or {}).get(FIELD)
        return announced if isinstance(announced, dict) else None
    delivery = target_delivery(desired)
    if delivery is None or desired.config is None:
        return None
    entries = [
        {"target": file.target, "owner": file.owner, "group": file.group, "mode": file.mode}
        for file in desired.config.files
    ]
    return {"sha256": delivery.sha256, "entries": entries}


def replacing_signals(desired: DesiredContainer, machine: Machine) -> tuple[str, ...]:
    """Return the signals of the files whose contents differ from those of a machine; none if one of them has none."""
    files = () if desired.config is None or _keeps_files(desired) else desired.config.files
    recorded = _recorded_digests(machine)
    signals = {file.signal for file in files if recorded.get(file.target) != file.digest}
    return () if None in signals else tuple(sorted(one for one in signals if one is not None))


def _recorded_digests(machine: Machine) -> dict[Any, Any]:
    """Return the digest of each file by its target, from the record, which another client may have edited."""
    lists = [(machine.config or {}).get(option) for option in FILE_OPTIONS]
    items = [item for found in lists if isinstance(found, list) for item in found if isinstance(item, dict)]
    return {item.get("target"): item.get("digest") for item in items}


def _keeps_files(desired: DesiredContainer) -> bool:
    """Return whether the container keeps files of whose contents the task has others, or none."""
    return not desired.kept.isdisjoint(FILE_OPTIONS)
