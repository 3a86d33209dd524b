# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert the options of bootstrap_image to a request. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.model import (
    Artifact,
    BootstrapRequest,
    LocalFile,
    RuntimePackage,
    Source,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import desire_pull_options
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.reference import is_digest, parse_reference
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.url import Download, check_url

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://")


def desire_bootstrap(params: Mapping[str, Any]) -> BootstrapRequest:
    """Return the request of a task."""
    present = params["state"] == "present"
    checksum = _checksum(params["checksum"])
    removes_version = not present and params["src"] is None and params["version"] is not None
    return BootstrapRequest(
        present=present,
        source=None if removes_version else _source(params, checksum),
        checksum=checksum,
        version=params["version"],
        datacenter=params["datacenter"],
        datastore=params["datastore"],
        assume_removed=frozenset(params["assume_removed"]),
    )


def _checksum(text: str | None) -> str | None:
    """Return the hexadecimal digits of a checksum."""
    if text is None:
        return None
    lowered = text.lower()
    if not is_digest(lowered):
        raise GantryError(f"checksum {text!r} is invalid. Write sha256: and 64 hexadecimal digits.")
    return lowered.partition(":")[2]


def _source(params: Mapping[str, Any], checksum: str | None) -> Source:
    src = params["src"]
    if src is None:
        return RuntimePackage()
    match = _SCHEME.match(src)
    scheme = None if match is None else match["scheme"].lower()
    if scheme is None:
        return LocalFile(Path(src))
    if scheme == "https":
        return _download(params, checksum)
    if scheme == "oci":
        return Artifact(parse_reference(src[len("oci://") :]), desire_pull_options(params))
    raise GantryError(
        f"src begins with {scheme}://, which is not supported. Give a path, an https:// URL with checksum, or an "
        "oci:// reference, or leave src out to use the runtime package."
    )


def _download(params: Mapping[str, Any], checksum: str | None) -> Download:
    src = params["src"]
    check_url("src", src)
    if checksum is None:
        raise GantryError(
            "src is an https:// URL, which requires checksum: the SHA-256 that was published with the file, as "
            "sha256: and 64 hexadecimal digits."
        )
    return Download(src, f"sha256:{checksum}", params["url_username"], params["url_password"])
