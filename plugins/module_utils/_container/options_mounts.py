# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse what is mounted in a container: volumes, mounts and tmpfs. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import parse_mode, parse_size
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_nfs import parse_nfs
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_values import (
    NfsOption,
    TmpfsOption,
    VolumeOption,
)

Mount: TypeAlias = VolumeOption | TmpfsOption | NfsOption

_DEFAULT_MODE = "1777"
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]")
_PATHS = ("/", ".", "~")
_MODES = frozenset({"ro", "rw", "nocopy"})


def parse_tmpfs(given: Any, _params: Mapping[str, Any]) -> tuple[TmpfsOption, ...]:
    """Return the tmpfs mounts of the option tmpfs."""
    return tuple(_tmpfs_text(text) for text in given or ())


def parse_volumes(given: Any, _params: Mapping[str, Any]) -> tuple[VolumeOption, ...]:
    """Return the volumes of the option volumes, each NAME:PATH or NAME:PATH:MODES."""
    return tuple(_volume_text(text) for text in given or ())


def parse_mounts(given: Any, params: Mapping[str, Any]) -> tuple[Mount, ...]:
    """Return the mounts of the option mounts. No two mounts of a container have the same target."""
    mounts = tuple(_mount(one) for one in given or ())
    volumes, tmpfs = parse_volumes(params["volumes"], params), parse_tmpfs(params["tmpfs"], params)
    check_mounts({"volumes": volumes, "tmpfs": tmpfs, "mounts": mounts})
    return mounts


def check_mounts(by_option: Mapping[str, Sequence[Mount]]) -> None:
    """Refuse mounts that have the same target, or the same volume."""
    seen: dict[str, str] = {}
    for option, those in by_option.items():
        for one in those:
            target = posixpath.normpath(one.target)
            if target in seen:
                where = option if seen[target] == option else f"{seen[target]} and {option}"
                raise GantryError(f"{where}: the target {target} is given twice. Mount one thing there.")
            seen[target] = option
    _refuse_repeated([*by_option["volumes"], *by_option["mounts"]])


def _refuse_repeated(mounts: Sequence[Mount]) -> None:
    sources = [one.source for one in mounts if isinstance(one, VolumeOption)]
    for source in sources:
        if sources.count(source) > 1:
            raise GantryError(
                f"The volume {source} is mounted at two targets. Mount it once, and use directories in it."
            )


def _tmpfs_text(text: str) -> TmpfsOption:
    target, _colon, options = text.partition(":")
    size, mode = None, None
    for option in filter(None, options.split(",")):
        key, _equals, value = option.partition("=")
        if key == "size":
            size = value
        elif key == "mode":
            mode = value
        else:
            raise GantryError(f"tmpfs is {text!r}. The only supported mount options are size and mode.")
    return _tmpfs(target, size, mode, "tmpfs", text)


def _tmpfs(target: str, size: str | None, mode: str | None, option: str, given: object) -> TmpfsOption:
    if _check_target(target, option) in ("/", "//"):
        raise GantryError(f"{option} is {given!r}. The root of the container cannot be one, see writable.")
    parsed = None if size is None else parse_size(size, f"{option} {target} size")
    if parsed == 0:
        raise GantryError(f"{option} is {given!r}. Its size must be at least one byte.")
    return TmpfsOption(
        target=target, size=parsed, mode=parse_mode(_DEFAULT_MODE if mode is None else mode, f"{option} {target} mode")
    )


def _volume_text(text: str) -> VolumeOption:
    source, colon, rest = text.partition(":")
    if _is_path(text):
        raise _bind_refused("volumes", text, source)
    if not colon:
        raise GantryError(f"volumes is {text!r}. It must be NAME:PATH, such as data:/var/lib/data.")
    target, _colon, given = rest.partition(":")
    modes = [mode for mode in given.split(",") if mode]
    unknown = sorted(set(modes) - _MODES)
    if unknown or {"ro", "rw"} <= set(modes):
        raise GantryError(
            f"volumes is {text!r}. The only supported modes of a volume are ro or rw, and nocopy; a volume belongs to "
            "one VM, so it needs no others."
        )
    return _volume(source, target, "volumes", read_only="ro" in modes, copy="nocopy" not in modes)


def _volume(source: str, target: str, option: str, *, read_only: bool, copy: bool) -> VolumeOption:
    if not source:
        raise GantryError(f"{option} has no name for the volume at {target!r}. Give the name of a volume.")
    if _check_target(target, option) in ("/", "//"):
        raise GantryError(f"{option} mounts {source} at {target!r}. The root of the container cannot be a volume.")
    return VolumeOption(source=source, target=target, read_only=read_only, copy=copy)


def _mount(given: Mapping[str, Any]) -> Mount:
    kind, source, target = given["type"], given["source"], given["target"]
    if kind == "bind" or (source is not None and _is_path(source)):
        raise _bind_refused("mounts", f"{source}:{target}", source or "")
    if given["volume_driver"] not in (None, "local"):
        raise GantryError(
            f"mounts has the volume_driver {given['volume_driver']} for {target}. The only one is local: volumes are "
            "those of container_volume, and directories of NFS servers."
        )
    own, others = ("tmpfs_size", "tmpfs_mode"), ("source", "read_only", "no_copy")
    refused = [name for name in (others if kind == "tmpfs" else own) if given[name] not in (None, False)]
    if refused:
        raise GantryError(f"mounts has {', '.join(refused)} for {target}, which type {kind} does not have.")
    if given["volume_options"]:
        if kind == "tmpfs":
            raise GantryError(f"mounts has volume_options for {target}, which type {kind} does not have.")
        if _check_target(target, "mounts") in ("/", "//"):
            raise GantryError(f"mounts has NFS at {target!r}. The root of the container cannot be a volume.")
        return parse_nfs(target, given["volume_options"], read_only=bool(given["read_only"]))
    if kind == "tmpfs":
        return _tmpfs(target, given["tmpfs_size"], given["tmpfs_mode"], "mounts", target)
    return _volume(source or "", target, "mounts", read_only=bool(given["read_only"]), copy=not given["no_copy"])


def _is_path(text: str) -> bool:
    return text.startswith(_PATHS) or _WINDOWS.match(text) is not None


def _bind_refused(option: str, text: str, source: str) -> GantryError:
    name = re.sub(r"[^A-Za-z0-9]+", "-", source).strip("-").lower() or "data"
    return GantryError(
        f"{option} is {text!r}, a path of a host. A container is a VM of its own, without a host whose files it could "
        f"share. Create a volume with container_volume, and mount it by its name, such as {name}:/path."
    )


def _check_target(target: str, option: str) -> str:
    if not target.startswith("/"):
        raise GantryError(f"{option} has the target {target!r}, which is not an absolute path.")
    return posixpath.normpath(target)
