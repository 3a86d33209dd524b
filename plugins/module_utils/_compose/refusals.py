# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collect the attributes of a project that a container VM cannot have, with their places in the files. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.gantry.vsphere.plugins.module_utils._compose.attributes import VERDICTS, Use
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import ComposePlace, ComposeProject


@dataclass(frozen=True)
class Refusal:
    """An attribute that is not supported, with the reason."""

    key: str
    place: ComposePlace
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.key} is not supported. {self.reason}"


@dataclass
class Refusals:
    """The refusals of a project; ``prefix`` is the path of the part that is translated now."""

    places: Mapping[tuple[str, ...], ComposePlace]
    prefix: tuple[str, ...] = ()
    found: list[Refusal] = field(default_factory=list)

    def add(self, path: tuple[str, ...], reason: str) -> None:
        whole = (*self.prefix, *path)
        self.found.append(Refusal(".".join(whole), self.place(*whole), reason))

    def within(self, *prefix: str) -> Refusals:
        """Return refusals for a part of the project, in the same list."""
        return Refusals(self.places, (*self.prefix, *prefix), self.found)

    def place(self, *path: str) -> ComposePlace:
        """Return the place of an attribute of the project, or that of the nearest one that it is part of."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return ComposePlace()


def refusals_of(project: ComposeProject) -> Refusals:
    """Return the attributes of the project that are refused as such."""
    refusals = Refusals({attribute.path: attribute.place for attribute in project.attributes})
    for attribute in project.attributes:
        # Only an entry of its own counts: parts of a refused attribute are not refused again.
        found = VERDICTS.get(attribute.pattern)
        if found is not None and found.use is Use.REFUSED:
            refusals.add(attribute.path, found.text)
    return refusals
