# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A naive interpreter of layers: a tree of nodes in memory, changed entry by entry, from the lowest layer up.

It says what flattening should give. Nothing in it is shared with the code under test, which works from above.
"""

from __future__ import annotations

import itertools
import tarfile
from dataclasses import dataclass, field

from tests.support.builders.oci import File, canonical


class RefusedError(Exception):
    """The layer cannot be unpacked into an empty directory."""


@dataclass
class Step:
    """One entry of a layer. ``tag`` makes contents and attributes differ."""

    action: str  # file, folder, symlink, link, whiteout, opaque
    path: str
    target: str = ""
    tag: int = 0


@dataclass(eq=False)
class Leaf:
    kind: bytes
    target: str
    tag: int


@dataclass(eq=False)
class Folder:
    tag: int | None = None  # None: not listed
    children: dict[str, Leaf | Folder] = field(default_factory=dict)
    whiteouts: set[str] = field(default_factory=set)
    opaque: bool = False
    # What the layer says of a lower directory holds for the whole layer, also when one of its files takes the name
    # for a while: the directories that files have replaced, by name.
    replaced: dict[str, Folder] = field(default_factory=dict)


def interpret(layers: list[list[Step]]) -> dict[str, File]:
    root: Leaf | Folder = Folder()
    for steps in layers:
        root = _stack(root, _unpack(steps))
    tree: dict[str, File] = {}
    _list(root, "", tree, {})
    if isinstance(root, Folder) and root.tag is None:
        del tree[""]
    return canonical(tree)


def _unpack(steps: list[Step]) -> Folder:
    root = Folder()
    for step in steps:
        parent, _slash, name = step.path.rpartition("/")
        folder = _enter(root, parent)
        existing = folder.children.get(name)
        if step.action == "whiteout":
            folder.whiteouts.add(name)
        elif step.action == "opaque":
            _enter(root, step.path).opaque = True
        elif step.action == "folder":
            if isinstance(existing, Folder):
                existing.tag = step.tag
            else:
                again = folder.children[name] = folder.replaced.pop(name, Folder())
                again.tag = step.tag
        else:
            leaf = _leaf(root, step)
            if isinstance(existing, Folder):
                if existing.children:
                    raise RefusedError
                folder.replaced[name] = existing
            folder.children[name] = leaf
    return root


def _leaf(root: Folder, step: Step) -> Leaf:
    if step.action != "link":
        return Leaf(tarfile.SYMTYPE if step.action == "symlink" else tarfile.REGTYPE, step.target, step.tag)
    parent, _slash, name = step.target.rpartition("/")
    found = _enter(root, parent).children.get(name)
    if not isinstance(found, Leaf):
        raise RefusedError
    return found


def _enter(root: Folder, path: str, hops: int = 0) -> Folder:
    """Return the directory at a path, created if missing; symbolic links are followed inside this root."""
    trail = [root]
    parts = path.split("/")
    for index, part in enumerate(parts):
        if part in ("", "."):
            continue
        if part == "..":
            trail = trail[:-1] or [root]
            continue
        child = trail[-1].children.setdefault(part, Folder())
        if isinstance(child, Leaf):
            if child.kind != tarfile.SYMTYPE or hops > 300:
                raise RefusedError
            prefix = [] if child.target.startswith("/") else [_name(a, b) for a, b in itertools.pairwise(trail)]
            return _enter(root, "/".join([*prefix, child.target, *parts[index + 1 :]]), hops + 1)
        trail.append(child)
    return trail[-1]


def _name(parent: Folder, child: Folder) -> str:
    return next(name for name, node in parent.children.items() if node is child)


def _stack(lower: Leaf | Folder | None, upper: Leaf | Folder) -> Leaf | Folder:
    """Merge an upper tree over a lower one, as overlayfs does."""
    if isinstance(upper, Leaf) or not isinstance(lower, Folder):
        return _stack(Folder(), upper) if isinstance(upper, Folder) and lower is not None else upper
    merged = Folder(lower.tag if upper.tag is None else upper.tag)
    if not upper.opaque:
        merged.children = {name: node for name, node in lower.children.items() if name not in upper.whiteouts}
    for name, node in upper.children.items():
        merged.children[name] = _stack(merged.children.get(name), node)
    return merged


def _list(node: Leaf | Folder, path: str, tree: dict[str, File], seen: dict[int, str]) -> None:
    tag = node.tag or 0
    inode = seen.setdefault(id(node), path)
    if isinstance(node, Leaf):
        content = content_for(tag) if node.kind == tarfile.REGTYPE else b""
        tree[path] = File(node.kind, mode_for(tag), tag, tag, tag, content, node.target, inode=inode)
        return
    mode = 0o755 if node.tag is None else mode_for(tag)
    tree[path] = File(tarfile.DIRTYPE, mode, tag, tag, tag, inode=inode)
    for name, child in node.children.items():
        _list(child, f"{path}/{name}" if path else name, tree, seen)


def mode_for(tag: int) -> int:
    return 0o100 | tag & 0o77


def content_for(tag: int) -> bytes:
    return str(tag).encode() * (tag % 7 * 100)
