# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Get the bootstrap ISO of a task: from the runtime package, a file, a URL or a registry."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.iso import Iso, read_iso
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.model import (
    RUNTIME_PACKAGE,
    Artifact,
    BootstrapRequest,
    LocalFile,
    RuntimePackage,
    Source,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.artifact import fetch_artifact_file
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import Cache
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.download import download
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.url import Download


def read_source(desired: BootstrapRequest) -> Iso | None:
    """Read the ISO of the task; raise GantryError if it does not have the requested checksum."""
    if desired.source is None:
        return None
    with source_file(desired.source) as path:
        iso = read_iso(path, str(desired.source))
    expected = desired.checksum or _own_checksum(desired.source)
    if expected is not None and iso.sha256 != expected:
        raise GantryError(
            f"{iso.source} has the checksum sha256:{iso.sha256}, not sha256:{expected}. The file was changed, or "
            "the checksum is that of another version."
        )
    return iso


@contextmanager
def source_file(source: Source) -> Iterator[Path]:
    """Yield the file of the ISO, which stays until the context is left."""
    match source:
        case RuntimePackage():
            yield Path(_runtime_package().bootstrap_iso())
        case LocalFile(path):
            yield path
        case Download():
            with Cache() as cache:
                yield download(source, cache)
        case Artifact(reference, options):
            with Cache() as cache:
                yield fetch_artifact_file(reference, ".iso", options, cache)


def _own_checksum(source: Source) -> str | None:
    """Return the checksum that comes with a source."""
    return str(_runtime_package().bootstrap_sha256()) if isinstance(source, RuntimePackage) else None


def _runtime_package() -> Any:
    try:
        import gantry_vsphere_runtime
    except ImportError as error:
        raise GantryError(
            f"src is not given, and the Python package {RUNTIME_PACKAGE}, which contains the bootstrap ISO, is not "
            f"installed for {sys.executable}, which runs this task. Install it there (pip install {RUNTIME_PACKAGE}), "
            "or give src: a path, an https:// URL with checksum, or an oci:// reference. To remove an ISO, its version "
            "is enough."
        ) from error
    return gantry_vsphere_runtime
