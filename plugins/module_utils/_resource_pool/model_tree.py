# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change of one pool leaves to the others that a task lists: the reservations they share, their parents. Pure.

vCenter says what each pool has left for reservations as long as nothing changes. After a change it is calculated: what
a pool has reserved and its own pools and VMs do not use, and, if its reservation is expandable, what its parent has
left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model import (
    CPU,
    MEMORY,
    ObservedPool,
    PoolState,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import decode_name


def settle_pools(ones: tuple[ObservedPool, ...], index: int, before: ObservedPool) -> tuple[ObservedPool, ...]:
    """Return all pools of a task after a change of the one at an index."""
    changed = ones[index]
    tree = {one.place.path: one for one in ones}
    if changed.pool is None:
        _remove_from_parent(tree, changed)
    elif before.pool is None:
        _add_level(tree, changed.place.path, changed.pool)
    _charge(tree, changed.parent_path, {kind: _taken(changed, kind) - _taken(before, kind) for kind in (CPU, MEMORY)})
    for path in sorted(tree, key=lambda path: path.count("/")):
        parent = tree.get(tree[path].parent_path)
        if parent is not None and parent.pool is not None:
            tree[path] = replace(tree[path], free=_left(parent, parent.pool))
    return tuple(tree[one.place.path] for one in ones)


def _taken(one: ObservedPool, kind: str) -> int:
    return 0 if one.pool is None else one.pool.taken(kind)


def _charge(tree: dict[str, ObservedPool], parent_path: str, more: Mapping[str, int]) -> None:
    """Take amounts of what a pool has left; what it does not have itself comes from its own parent."""
    for path, one in tree.items():
        if one.parent_path == parent_path:
            tree[path] = replace(one, free={kind: free - more[kind] for kind, free in one.free.items()})
    parent = tree.get(parent_path)
    if parent is None or parent.pool is None:
        return
    used = {kind: parent.pool.used.get(kind, 0) + more[kind] for kind in (CPU, MEMORY)}
    grown = replace(parent, pool=replace(parent.pool, used=used))
    tree[parent_path] = grown
    _charge(tree, parent.parent_path, {kind: _taken(grown, kind) - _taken(parent, kind) for kind in (CPU, MEMORY)})


def _left(one: ObservedPool, pool: PoolState) -> dict[str, int]:
    """Return what a pool has left for reservations in it; nothing where vCenter does not say what its parent has."""
    left = {}
    for kind in (CPU, MEMORY):
        allocation = pool.allocations[kind]
        own = max(int(allocation["reservation"]) - pool.used.get(kind, 0), 0)
        if not allocation["expandable_reservation"]:
            left[kind] = own
        elif kind in one.free:
            left[kind] = own + max(one.free[kind], 0)
    return left


def _add_level(tree: dict[str, ObservedPool], made: str, pool: PoolState) -> None:
    """Let the pools below the new one begin at it."""
    name = decode_name(made.rpartition("/")[2])
    parent = Entry(name, made, "ResourcePool", pool.moid or "", None)
    for path, one in tree.items():
        if path.startswith(f"{made}/"):
            place = replace(one.place, parent=parent, missing=one.place.missing[1:])
            tree[path] = replace(one, place=place)


def _remove_from_parent(tree: dict[str, ObservedPool], gone: ObservedPool) -> None:
    parent = tree.get(gone.parent_path)
    if parent is not None and parent.pool is not None:
        name = decode_name(gone.place.path.rpartition("/")[2])
        contents = tuple(inside for inside in parent.pool.contents if inside != name)
        tree[gone.parent_path] = replace(parent, pool=replace(parent.pool, contents=contents))
