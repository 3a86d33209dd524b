# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory's tree of names, as one bulk read gives it: from names and paths to objects. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from ansible_collections.gantry.vsphere.plugins.module_utils._core.errors import GantryError

DATACENTER = ("Datacenter",)
COMPUTE = ("ClusterComputeResource", "ComputeResource")
FOLDER = ("Folder",)
POOL = ("ResourcePool", "VirtualApp")
DATASTORE = ("Datastore",)
NETWORK = ("Network", "DistributedVirtualPortgroup")
VIRTUAL_MACHINE = ("VirtualMachine",)
HOST = ("HostSystem",)


@dataclass(frozen=True)
class Node:
    """One object of the inventory. ``name`` is as people see it (vCenter escapes '/', '\\' and '%')."""

    moid: str
    type: str
    name: str
    parent: str | None


class Inventory:
    """All named objects, their paths and their places in the tree."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._nodes = {node.moid: node for node in nodes}
        self._by_name: dict[str, list[Node]] = {}
        for node in self._nodes.values():
            self._by_name.setdefault(node.name, []).append(node)

    def node(self, moid: str | None) -> Node | None:
        return None if moid is None else self._nodes.get(moid)

    def name(self, moid: str | None) -> str | None:
        node = self.node(moid)
        return None if node is None else node.name

    def of_type(self, types: Sequence[str], *, below: Node | None = None) -> list[Node]:
        """All objects of these types, in the order of their paths."""
        found = [node for node in self._nodes.values() if node.type in types and self.is_below(node, below)]
        return sorted(found, key=self.path)

    def named(self, name: str, types: Sequence[str], *, below: Node | None = None) -> list[Node]:
        """All objects of these types and of this name, in the order of their paths."""
        found = [node for node in self._by_name.get(name, ()) if node.type in types and self.is_below(node, below)]
        return sorted(found, key=self.path)

    def chain(self, node: Node) -> list[Node]:
        """The object and what it lies in, outward; the root folder, which has no name to show, is left out."""
        chain = [node]
        while (parent := self.node(chain[-1].parent)) is not None:
            chain.append(parent)
        return chain

    def is_below(self, node: Node, ancestor: Node | None) -> bool:
        return ancestor is None or any(step.moid == ancestor.moid for step in self.chain(node))

    def ancestor(self, node: Node, types: Sequence[str]) -> Node | None:
        """The nearest object of these types that it lies in, itself included."""
        return next((step for step in self.chain(node) if step.type in types), None)

    def path(self, node: Node) -> str:
        return "/" + "/".join(step.name for step in reversed(self.chain(node)))

    def child(self, parent: Node, name: str, types: Sequence[str]) -> Node | None:
        """The object of this name that lies directly in parent."""
        return next((node for node in self.named(name, types) if node.parent == parent.moid), None)

    def one(self, name: str, types: Sequence[str], what: str, *, below: Node | None = None) -> Node:
        """The one object that a name or an absolute path means. ``what`` is the option, for the messages."""
        if name.startswith("/"):
            found = [node for node in self.of_type(types) if self.path(node) == name.rstrip("/")]
        else:
            found = self.named(name, types, below=below)
        if len(found) == 1:
            return found[0]
        if found:
            raise ambiguous(what, name, [self.path(node) for node in found])
        raise self.missing(what, name, self.of_type(types, below=below))

    def missing(self, what: str, name: str, candidates: Sequence[Node]) -> GantryError:
        """There is no such object; what there is, the likely ones first."""
        return missing(what, name, [self.path(node) if name.startswith("/") else node.name for node in candidates])


def from_vcenter_name(name: str) -> str:
    """A name as people see it: vCenter writes '/', '\\' and '%' as %2f, %5c and %25."""
    return unquote(name) if "%" in name else name


def ambiguous(what: str, name: str, paths: Sequence[str]) -> GantryError:
    return GantryError(
        f"{what} {name!r} is ambiguous: there are {', '.join(paths)}; give its path, or say where it is",
        details={"candidates": list(paths)},
    )


def missing(what: str, name: str, names: Iterable[str]) -> GantryError:
    known = sorted(set(names))
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    if close:
        hint = f"did you mean {' or '.join(close)}?"
    elif known:
        shown = ", ".join(known[:10])
        hint = f"there {'are' if len(known) > 1 else 'is'} {shown}{' and more' if len(known) > 10 else ''}"
    else:
        hint = "there is none that this user can see"
    return GantryError(f"{what} {name!r} was not found; {hint}", details={"candidates": known[:50]})
