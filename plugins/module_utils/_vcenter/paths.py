# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inventory paths as options: names between slashes, in which vCenter escapes slash, backslash and percent."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

_LONGEST_NAME = 80


@dataclass(frozen=True)
class InventoryPath:
    """A path that a task gives. ``names`` are as people write them; a whole path begins at the top of the inventory."""

    text: str
    names: tuple[str, ...]
    whole: bool

    def is_below(self, root: str) -> bool:
        """Return whether this is a whole path that leads to something below the object at the path ``root``."""
        above = _names(root)
        return self.whole and len(self.names) > len(above) and self.names[: len(above)] == above

    def names_below(self, root: str, what: str) -> tuple[str, ...]:
        """Return the names from below the path ``root`` on; refuse a whole path to another place."""
        if not self.whole:
            return self.names
        if not self.is_below(root):
            raise GantryError(
                f"{what} is {self.text!r}. It begins with a slash, so it is a whole inventory path, but it is not "
                f"below {root}. Leave out the slash to give a path below {root}."
            )
        return self.names[len(_names(root)) :]


def parse_path(text: str, what: str) -> InventoryPath:
    """Return the names of a path. A slash in a name is written as %2f, a percent sign as %25."""
    stripped = text.strip("/")
    if not stripped:
        raise GantryError(f"{what} is {text!r}, which names nothing. Write names between slashes, such as prod/web.")
    parts = stripped.split("/")
    for part in parts:
        if not part.strip():
            raise GantryError(f"{what} is {text!r}, in which a name is empty. Write a slash in a name as %2f.")
        if len(encode_name(decode_name(part))) > _LONGEST_NAME:
            raise GantryError(
                f"{what} has the name {part!r}, which is longer than vCenter's {_LONGEST_NAME} characters."
            )
    return InventoryPath(text, tuple(decode_name(part) for part in parts), text.startswith("/"))


def decode_name(stored: str) -> str:
    """Return a name as people write it."""
    return unquote(stored)


def encode_name(name: str) -> str:
    """Return a name as vCenter stores it and as paths show it."""
    return name.replace("%", "%25").replace("/", "%2f").replace("\\", "%5c")


def child_path(parent: str, name: str) -> str:
    """Return the path of a child of the object at the parent's path."""
    return f"{parent}/{encode_name(name)}"


def canonical_path(path: str) -> str:
    """Return a path below the top of the inventory, with its names as vCenter stores them."""
    result = ""
    for name in _names(path):
        result = child_path(result, name)
    return result


def without_removed(users: Iterable[str], removed: Collection[str]) -> tuple[str, ...]:
    """Return the names or paths of objects that are not among those that earlier tasks remove."""
    return tuple(user for user in users if user not in removed and decode_name(user.rpartition("/")[2]) not in removed)


def _names(path: str) -> tuple[str, ...]:
    return tuple(decode_name(part) for part in path.strip("/").split("/"))
