# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan: the typed changes between the observed and the desired state, with their before and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

_Path = tuple[str, ...]
_ABSENT = object()


class Change(Protocol):
    """One change. Implementations are frozen dataclasses.

    ``before`` and ``after`` are nested mappings of only what the change touches, never of a secret. A path that
    is in only one of them is added or removed by the change. ``project`` returns the observed state as it is after
    the change, without any I/O: check mode reports the state after the projections of all changes.
    """

    def describe(self) -> str:
        """Return the change as an action, such as ``create the VM web``."""

    def before(self) -> Mapping[str, Any]:
        """Return what the change touches, as it is now."""

    def after(self) -> Mapping[str, Any]:
        """Return what the change touches, as it is going to be."""

    def project(self, observed: Any) -> Any:
        """Return the observed state as it is after the change."""


class Creation:
    """Base of a change that creates an object: nothing was there before."""

    def before(self) -> Mapping[str, Any]:
        return {}


class Removal:
    """Base of a change that removes an object: nothing is there after."""

    def after(self) -> Mapping[str, Any]:
        return {}


class ChangeOfPart:
    """Base of a change of a part of what is observed: all but ``project`` is that of the part's change."""

    change: Change

    def describe(self) -> str:
        return self.change.describe()

    def before(self) -> Mapping[str, Any]:
        return self.change.before()

    def after(self) -> Mapping[str, Any]:
        return self.change.after()


C_co = TypeVar("C_co", bound=Change, covariant=True)
O = TypeVar("O")  # noqa: E741 - the contract's name for the observed state


def nested(*path: str, value: Any) -> dict[str, Any]:
    """Return a mapping for a change's before or after: ``nested("vm", "web", value=1)`` is ``{"vm": {"web": 1}}``."""
    for key in reversed(path):
        value = {key: value}
    if not isinstance(value, dict):
        raise TypeError("nested() needs at least one key")
    return value


@dataclass(frozen=True)
class Plan(Generic[C_co]):
    """The changes in the order in which they are made. A plan without changes does nothing."""

    changes: tuple[C_co, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.changes)

    def actions(self) -> list[str]:
        return [change.describe() for change in self.changes]

    def project(self, observed: O) -> O:
        """Return the observed state after all changes, in their order."""
        for change in self.changes:
            observed = change.project(observed)
        return observed

    def diff(self) -> dict[str, dict[str, Any]]:
        """Return the state before the first and after the last change, of all that the changes touch."""
        first: dict[_Path, Any] = {}
        last: dict[_Path, Any] = {}
        for change in self.changes:
            before = dict(_leaves(change.before()))
            after = dict(_leaves(change.after()))
            for path in (*before, *after):
                first.setdefault(path, before.get(path, _ABSENT))
                last[path] = after.get(path, _ABSENT)
        return {"before": _unflatten(first), "after": _unflatten(last)}


def _leaves(tree: Mapping[str, Any], prefix: _Path = ()) -> Iterator[tuple[_Path, Any]]:
    # An empty mapping is a value of its own: "no labels" is not the same as "labels not touched".
    for key, value in tree.items():
        path = (*prefix, str(key))
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, path)
        else:
            yield path, value


def _unflatten(leaves: Mapping[_Path, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    # Shorter paths first: if there are both a value and paths below it, the more detailed ones are shown.
    for path in sorted((p for p, value in leaves.items() if value is not _ABSENT), key=len):
        node = tree
        for key in path[:-1]:
            below = node.get(key)
            if not isinstance(below, dict):
                below = node[key] = {}
            node = below
        value = leaves[path]
        node[path[-1]] = dict(value) if isinstance(value, Mapping) else value
    return tree
