# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apply comparisons: of an existing container, keep the options that the task does not compare. Pure.

A container that is replaced gets the values of the task, as in Docker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    DesiredContainer,
    Machine,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_config import Config
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_allocation import check_allocation
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_comparisons import COMPARISONS, IGNORE
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_files import FILE_OPTIONS
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_mounts import check_mounts
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_values import plain, restored
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target import known_digest, replace_reason


def compared(desired: DesiredContainer, observed: ObservedContainer) -> DesiredContainer:
    """Return the desired state with what an existing container keeps."""
    machine = observed.current
    digest = None if observed.image is None else observed.image.digest
    return compared_with(desired, machine, digest)


def compared_with(desired: DesiredContainer, machine: Machine | None, digest: str | None) -> DesiredContainer:
    """Return the desired state with what a machine keeps; ``digest`` is that of the image that it is to have."""
    kept = _in_place(desired, machine)
    if machine is None or kept.config is None or replace_reason(kept, kept.config, machine, digest):
        return desired
    return kept


def kept_digest(desired: DesiredContainer, machine: Machine | None) -> str | None:
    """Return the digest of the image that an existing container keeps, whatever the task names; None if none."""
    if machine is None or desired.comparisons.get("image") != IGNORE:
        return None
    digest = known_digest(machine)
    return digest if compared_with(desired, machine, digest) is not desired else None


def _in_place(desired: DesiredContainer, machine: Machine | None) -> DesiredContainer:
    """Return the desired state of a machine that is not replaced."""
    config, recorded = desired.config, None if machine is None else machine.config
    if not desired.comparisons or config is None or recorded is None or desired.kept:
        return desired
    changed = {
        name: _kept(desired.name, name, how, config.values[name], recorded[name])
        for name, how in desired.comparisons.items()
        # An earlier version has not recorded an option that it did not have.
        if name in recorded
    }
    values = {**config.values, **changed}
    check_allocation(values)
    check_mounts({name: values[name] for name in ("volumes", "tmpfs", "mounts")})
    files_differ = any(values[name] != config.values[name] for name in FILE_OPTIONS)
    ignored = {name for name in changed if desired.comparisons[name] == IGNORE}
    if files_differ and desired.guest_operations is False:
        raise GantryError(
            f"Container {desired.name} keeps its files and secrets, since {COMPARISONS} ignores them, and they require "
            "guest operations, which the task disables. Compare them strictly, or remove guest_operations."
        )
    # With files of the same digests, the task has their contents and can deliver them.
    kept = ignored if files_differ else ignored.difference(FILE_OPTIONS)
    return replace(desired, config=Config(values), kept=frozenset(kept))


def _kept(container: str, name: str, how: str, given: Any, recorded: Any) -> Any:
    """Return the value of an option after it was compared with the recorded one."""
    try:
        current = restored(name, recorded)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise GantryError(
            f"{COMPARISONS} compares {name}, whose value in the record of container {container} (gantry.config) "
            f"is not valid: {error}. Compare it strictly once, which writes the record again."
        ) from error
    if how == IGNORE:
        # The value of the task also has the contents of files.
        return given if plain(given) == plain(current) else current
    if isinstance(given, Mapping):
        return {**current, **given}
    return _merged(current, given)


def _merged(current: Sequence[Any], given: Sequence[Any]) -> tuple[Any, ...]:
    """Return the items of a container in their order, with those of the task in place of the same ones."""
    return tuple({**_by_identity(current), **_by_identity(given)}.values())


def _by_identity(items: Sequence[Any]) -> dict[tuple[Any, int], Any]:
    """Return items by what tells them from the others: target, name or value, and which one of these it is."""
    found: dict[tuple[Any, int], Any] = {}
    for item in items:
        identity = getattr(item, "target", None) or getattr(item, "name", None) or item
        found[identity, sum(1 for known, _number in found if known == identity)] = item
    return found
