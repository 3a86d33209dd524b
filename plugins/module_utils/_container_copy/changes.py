# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The copies of a task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.model import (
    FILE,
    SYMLINK,
    FileChange,
    FileFacts,
    ObservedCopy,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import nested


@dataclass(frozen=True)
class CopyIn:
    """Copy files into a container."""

    container: str
    path: str
    files: tuple[FileChange, ...]

    def describe(self) -> str:
        return f"copy {_what(self.files)} to {self.container}:{self.path}"

    def before(self) -> Mapping[str, Any]:
        return _shown(self.container, self.path, self.files, new=False)

    def after(self) -> Mapping[str, Any]:
        return _shown(self.container, self.path, self.files, new=True)

    def project(self, observed: ObservedCopy) -> ObservedCopy:
        files = _merged(observed.listing.files, self.files)
        return replace(observed, listing=replace(observed.listing, files=files), copied=_paths(self.files))


@dataclass(frozen=True)
class CopyOut:
    """Copy files out of a container."""

    container: str
    path: str
    dest: str
    files: tuple[FileChange, ...]

    def describe(self) -> str:
        return f"copy {_what(self.files)} from {self.container}:{self.path} to {self.dest}"

    def before(self) -> Mapping[str, Any]:
        return _shown("local", self.dest, self.files, new=False)

    def after(self) -> Mapping[str, Any]:
        return _shown("local", self.dest, self.files, new=True)

    def project(self, observed: ObservedCopy) -> ObservedCopy:
        files = _merged(observed.local.files, self.files)
        return replace(observed, local=replace(observed.local, files=files), copied=_paths(self.files))


CopyChange: TypeAlias = "CopyIn | CopyOut"


def _what(files: tuple[FileChange, ...]) -> str:
    count = len(files)
    return "1 file" if count == 1 else f"{count} files"


def _paths(files: tuple[FileChange, ...]) -> tuple[str, ...]:
    return tuple(file.new.path for file in files)


def _merged(known: tuple[FileFacts, ...], files: tuple[FileChange, ...]) -> tuple[FileFacts, ...]:
    merged = {file.path: file for file in known} | {file.new.path: file.new for file in files}
    return tuple(merged[path] for path in sorted(merged))


def _shown(place: str, top: str, files: tuple[FileChange, ...], *, new: bool) -> Mapping[str, Any]:
    """Return the files for a diff: the contents of short texts by their lines, and others by their digests."""
    shown = {}
    for file in files:
        facts, text = (file.new, file.texts.new) if new else (file.old, file.texts.old)
        if facts is not None:
            shown[f"{top.rstrip('/')}/{facts.path}".rstrip("/")] = _facts(facts, text)
    return nested(place, value=shown) if shown else {}


def _facts(facts: FileFacts, text: str | None) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": facts.kind, "mode": f"{facts.mode:04o}", "owner": facts.uid, "group": facts.gid}
    if facts.kind == FILE:
        shown |= {"sha256": facts.sha256, "size": facts.size} if text is None else {"content": text.splitlines()}
    if facts.kind == SYMLINK:
        shown["link"] = facts.link
    return shown
