# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bootstrap ISO as a local file: its version, which it says itself, and the name that its content gives it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

FOLDER = "gantry/bootstrap"
_VERSION = r"[0-9a-z][0-9a-z.+-]{0,63}"
_NAME = re.compile(rf"gantry-bootstrap-(?P<version>{_VERSION})-(?P<content>[0-9a-f]{{12}})\.iso")
# ISO 9660 knows upper case only there; versions are lower case.
_APPLICATION = re.compile(rf"gantry-bootstrap (?P<version>{_VERSION})")
# ISO 9660: the primary volume descriptor is sector 16.
_SECTOR = 2048
_DESCRIPTOR = 16 * _SECTOR
_MAGIC = b"\x01CD001"
_APPLICATION_ID = slice(574, 574 + 128)
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Iso:
    path: Path
    version: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        return f"gantry-bootstrap-{self.version}-{self.sha256[:12]}.iso"


def read_iso(path: Path) -> Iso:
    """Reads the whole file, once."""
    digest = hashlib.sha256()
    head = b""
    size = 0
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                head = head or block
                size += len(block)
                digest.update(block)
    except OSError as error:
        raise GantryError(
            f"src {str(path)!r} cannot be read where this task runs: {error.strerror}. "
            "Give the bootstrap ISO that was built for this release of gantry."
        ) from error
    return Iso(path=path, version=_version(path, head), size=size, sha256=digest.hexdigest())


def version_of_name(name: str) -> str | None:
    """The version in the name of a stored ISO; None for what has no such name."""
    match = _NAME.fullmatch(name)
    return None if match is None else match["version"]


def _version(path: Path, head: bytes) -> str:
    descriptor = head[_DESCRIPTOR : _DESCRIPTOR + _SECTOR]
    if not descriptor.startswith(_MAGIC):
        raise GantryError(f"src {str(path)!r} is not an ISO image. Give the bootstrap ISO.")
    application = descriptor[_APPLICATION_ID].decode("ascii", "replace").rstrip(" \0")
    match = _APPLICATION.fullmatch(application.lower())
    if match is None:
        raise GantryError(
            f"src {str(path)!r} is an ISO image, but no bootstrap of gantry: its application id is {application!r}. "
            "Give the bootstrap ISO."
        )
    return match["version"]
