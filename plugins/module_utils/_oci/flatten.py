# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Flattens layers into one archive, in one pass from the uppermost layer down.

The uppermost entry of a path counts: it is written immediately, and only names are kept in memory. Each layer means
what it means when it is unpacked into an empty directory and mounted by overlayfs, as container runtimes do: a
directory that a layer requires but does not list exists, whatever lower layers have at its path.

Two cases are detected too late for one pass. A file that is hidden under its own name may be the target of a hard link
later in its layer: the content of hidden files is kept in a spool file until their layer is read. And a later entry of
the same layer may replace a file that is written already: such entries are collected, and the caller flattens again
with this knowledge.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import IO

from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive import (
    BLOCK,
    DEVICES,
    DIRECTORY,
    LINK,
    REGULAR,
    SYMLINK,
    LayerError,
    TarEntry,
    Write,
    drop,
    show,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.layer import LayerStream
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import DevicePolicy, Limits
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.tar_reader import ByteStream, TarReader
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.tar_writer import encode_header

# The state of a path in upper layers.
_FOLDER = 1  # a directory
_LISTED = 2  # ... whose attributes are written
_OTHER = 4  # not a directory
_CLOSED = 8  # hides the path in lower layers
_OPAQUE = 16  # hides everything below the path in lower layers
_HIDES_BELOW = _OTHER | _CLOSED | _OPAQUE

_WHITEOUT = b".wh."
_SPECIAL = b".wh..wh."
_OPAQUE_MARK = b".wh..wh..opq"

_LINKS_FOLLOWED = 255
_IDS = 65535  # the limit of squashfs
_COPY = 1 << 20

Position = tuple[int, int]
"""The position of an entry: the index of its layer, and its index in the layer."""


class Flattener:
    """Takes layers from the uppermost down and writes the flat archive."""

    def __init__(
        self, write: Write, spool: IO[bytes], limits: Limits, devices: DevicePolicy, known: AbstractSet[Position]
    ) -> None:
        self.write = write
        self.spool = spool
        self.limits = limits
        self.device_policy = devices
        self.known = known
        self.replaced: set[Position] = set()
        """Entries that were written and later replaced by the same layer: if there are any, the archive is unusable."""
        self.upper: dict[bytes, int] = {}
        self._entries = 0
        self._devices = 0
        self._metadata = 0
        self._ids: set[int] = set()

    def add(self, index: int, stream: LayerStream) -> None:
        """Add the next lower layer."""
        self.spool.seek(0)
        self.spool.truncate()
        _LayerPass(self, index, stream).run()

    def finish(self) -> None:
        """Write the directories that no layer lists, and the end."""
        for path, state in self.upper.items():
            if state & _FOLDER and not state & _LISTED and path:
                self.write(encode_header(path, TarEntry(path, DIRECTORY), DIRECTORY, b""))
        self.write(bytes(2 * BLOCK))

    def replace(self, position: Position) -> None:
        """Record an entry that should not have been written, and stop writing."""
        self.replaced.add(position)
        self.write = drop

    def count(self, metadata_bytes: int) -> None:
        """Account for another path in memory."""
        self._entries += 1
        self._metadata += metadata_bytes
        if self._entries > self.limits.entries:
            raise LayerError(f"The image has more than {self.limits.entries} entries.", "limit")
        if self._metadata > self.limits.metadata_bytes:
            raise LayerError(f"The image has more than {self.limits.metadata_bytes} bytes of names.", "limit")

    def admit(self, entry: TarEntry) -> None:
        """Account for an entry of a layer."""
        self.count(entry.metadata_bytes())
        self._ids.update((entry.uid, entry.gid))
        if len(self._ids) > _IDS:
            raise LayerError(f"The image has more than {_IDS} different owners.", "limit")
        if entry.kind in DEVICES:
            if self.device_policy == "refuse":
                raise LayerError(f"{show(entry.path)} is a device or FIFO, which the options do not allow.")
            self._devices += 1
            if self._devices > self.limits.devices:
                raise LayerError(f"The image has more than {self.limits.devices} devices.", "limit")


class _Node:
    """A file or directory of the current layer."""

    __slots__ = ("entry", "filled", "home", "position", "spooled")

    def __init__(self, entry: TarEntry | None) -> None:
        self.entry = entry
        """None for a directory that is not listed."""
        self.home: bytes | None = None
        """The path under which the content was written."""
        self.spooled = 0
        self.filled = False

    @property
    def folder(self) -> bool:
        return self.entry is None or self.entry.kind == DIRECTORY


class _LayerPass:
    """Adds one layer to the archive."""

    def __init__(self, flat: Flattener, index: int, stream: LayerStream) -> None:
        self._flat = flat
        self._index = index
        self._stream = stream
        self._reader = TarReader(ByteStream(stream.chunks()))
        self._own: dict[bytes, _Node] = {b"": _Node(None)}
        self._placed: dict[bytes, int] = {}
        self._parents: dict[bytes, tuple[bytes, bool]] = {}
        """Results of _enter(); cleared when an entry is replaced, which may have been a link in a path."""
        self._open: dict[bytes, bool] = {b"": not flat.upper.get(b"", 0) & _HIDES_BELOW}
        self._whiteouts: list[bytes] = []
        self._opaque: list[bytes] = []

    def run(self) -> None:
        """Write the visible part of this layer, and hide the paths that it hides in lower layers."""
        for ordinal, entry in enumerate(self._reader):
            self._flat.admit(entry)
            parent, _slash, name = entry.path.rpartition(b"/")
            if _WHITEOUT in entry.path and self._mark(parent, name, entry):
                continue
            folder, seen = self._enter(parent)
            self._add(ordinal, entry, _join(folder, name), seen)
        self._merge()

    def _mark(self, parent: bytes, name: bytes, entry: TarEntry) -> bool:
        """Handle a whiteout; return whether this entry is one and not a file."""
        if any(part.startswith(_WHITEOUT) for part in parent.split(b"/")):
            if any(part.startswith(_SPECIAL) for part in parent.split(b"/")):
                return True  # internal files of aufs
            raise LayerError(f"{show(entry.path)} is below a whiteout.")
        if not name.startswith(_WHITEOUT):
            return False
        if name == _OPAQUE_MARK:
            self._opaque.append(self._enter(parent)[0])
        elif not name.startswith(_SPECIAL):
            hidden = name[len(_WHITEOUT) :]
            if hidden in (b"", b".", b".."):
                raise LayerError(f"{show(entry.path)} is a whiteout without a name.")
            self._whiteouts.append(_join(self._enter(parent)[0], hidden))
        return True

    def _add(self, ordinal: int, entry: TarEntry, path: bytes, seen: bool) -> None:
        if entry.kind == DIRECTORY:
            self._add_folder(entry, path, seen)
        elif not path:
            raise LayerError("The root of the layer is not a directory.")
        elif entry.kind == LINK:
            self._add_link(ordinal, entry, path, seen)
        else:
            node = _Node(entry)
            if self._place(ordinal, path, node, seen):
                self._flat.write(encode_header(path, entry, entry.kind, entry.link))
                node.home = path
                self._copy_content(entry, self._flat.write)
            elif entry.size:
                node.spooled = self._flat.spool.tell()
                self._copy_content(entry, self._flat.spool.write)

    def _add_folder(self, entry: TarEntry, path: bytes, seen: bool) -> None:
        node = self._own.get(path)
        if node is not None and node.folder:
            node.entry = entry
            return
        if node is not None:
            self._replace(path, seen)
            self._parents.clear()
        self._own[path] = _Node(entry)
        self._fill(path)

    def _add_link(self, ordinal: int, entry: TarEntry, path: bytes, seen: bool) -> None:
        parent, _slash, name = entry.link.rpartition(b"/")
        target = _join(self._enter(parent)[0], name)
        node = self._own.get(target)
        if node is None:
            raise LayerError(
                f"The hard link {show(entry.path)} is to {show(entry.link)}, which does not precede it in its layer."
            )
        if node.entry is None or node.folder:
            raise LayerError(f"The hard link {show(entry.path)} is to the directory {show(entry.link)}.")
        if self._own.get(path) is node or not self._place(ordinal, path, node, seen):
            return
        if node.home is not None:
            self._flat.write(encode_header(path, node.entry, LINK, node.home))
            return
        self._flat.write(encode_header(path, node.entry, node.entry.kind, node.entry.link))
        node.home = path
        self._copy_spooled(node.spooled, node.entry.size)

    def _place(self, ordinal: int, path: bytes, node: _Node, seen: bool) -> bool:
        """Add a file at a path of this layer; return whether it has to be written there."""
        existing = self._own.get(path)
        if existing is not None:
            if existing.filled:
                raise LayerError(f"The layer fills the directory {show(path)} and then replaces it by a file.")
            if not existing.folder:
                self._replace(path, seen)
            self._parents.clear()
        self._own[path] = node
        self._placed[path] = ordinal
        self._fill(path)
        if self._flat.device_policy == "drop" and node.entry is not None and node.entry.kind in DEVICES:
            return False
        return seen and not self._flat.upper.get(path) and (self._index, ordinal) not in self._flat.known

    def _replace(self, path: bytes, seen: bool) -> None:
        position = (self._index, self._placed.pop(path))
        if seen and not self._flat.upper.get(path) and position not in self._flat.known:
            self._flat.replace(position)

    def _fill(self, path: bytes) -> None:
        if path:
            self._own[path.rpartition(b"/")[0]].filled = True

    def _enter(self, path: bytes) -> tuple[bytes, bool]:
        """Return the directory of this layer that a path leads to, and whether upper layers leave it visible."""
        known = self._parents.get(path)
        if known is None:
            folder = self._walk(path)
            known = self._parents[path] = (folder, self._is_open(folder))
        return known

    def _walk(self, path: bytes) -> bytes:
        """Resolve a path as the kernel would with this layer as ``/``, and add missing directories."""
        current, followed = b"", 0
        todo = path.split(b"/")[::-1]
        while todo:
            name = todo.pop()
            if name in (b"", b".", b".."):
                current = current.rpartition(b"/")[0] if name == b".." else current
                continue
            here = _join(current, name)
            node = self._own.get(here)
            if node is None:
                self._flat.count(len(here))
                self._own[here] = _Node(None)
                self._fill(here)
            elif node.entry is not None and not node.folder:
                followed += 1
                if node.entry.kind != SYMLINK or followed > _LINKS_FOLLOWED:
                    raise LayerError(f"{show(here)} is used as a directory but is not one.")
                target = node.entry.link
                todo += target.split(b"/")[::-1]
                current = b"" if target.startswith(b"/") else current
                continue
            current = here
        return current

    def _is_open(self, path: bytes) -> bool:
        """Return whether upper layers leave the children of this directory visible."""
        waiting = []
        while (state := self._open.get(path)) is None:
            waiting.append(path)
            path = path.rpartition(b"/")[0]
        for path in reversed(waiting):
            state = self._open[path] = state and not self._flat.upper.get(path, 0) & _HIDES_BELOW
        return state

    def _copy_content(self, entry: TarEntry, write: Write) -> None:
        if entry.kind == REGULAR:
            if entry.segments is not None:
                self._stream.expect(entry.size - sum(length for _offset, length in entry.segments))
            self._reader.copy_content(entry, write)

    def _copy_spooled(self, offset: int, size: int) -> None:
        spool = self._flat.spool
        spool.seek(offset)
        left = size + -size % BLOCK
        while left:
            chunk = spool.read(min(left, _COPY))
            if not chunk:
                raise LayerError("The content of a file was lost during the conversion.")
            self._flat.write(chunk)
            left -= len(chunk)
        spool.seek(0, 2)

    def _merge(self) -> None:
        """Hide this layer's paths in lower layers, and write the attributes of its visible directories."""
        upper = self._flat.upper
        for path, node in self._own.items():
            if path and not self._is_open(path.rpartition(b"/")[0]):
                continue
            state = upper.get(path, 0)
            if state & (_OTHER | _CLOSED):
                continue
            if not node.folder:
                state |= _CLOSED if state else _OTHER
            elif node.entry is not None:
                if not state & _LISTED:
                    self._flat.write(encode_header(path or b"./", node.entry, DIRECTORY, b""))
                state |= _FOLDER | _LISTED
            else:
                state |= _FOLDER
            upper[path] = state
        for path in self._whiteouts:
            upper[path] = upper.get(path, 0) | _CLOSED
        for path in self._opaque:
            upper[path] = upper.get(path, 0) | _OPAQUE


def _join(folder: bytes, name: bytes) -> bytes:
    return folder + b"/" + name if folder else name
