# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decode the listing of files, which an untrusted container may have made. Pure."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._base.documents import Document, parse_document
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.model import (
    FILE,
    KINDS,
    FileFacts,
    Listing,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.model import ExecResult
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive import LayerError, clean_path


def decode_listing(result: ExecResult, path: str, container: str) -> Listing:
    """Return the listing of a path, or raise why there is none."""
    if result.problem is not None:
        raise GantryError(f"Could not look at {path} in container {container}: {result.problem.rstrip('.')}.")
    if result.timed_out:
        raise GantryError(f"The listing of {path} in container {container} took too long. Increase timeout.")
    if result.truncated:
        raise GantryError(
            f"{path} in container {container} has too many files: their list has more than the guest keeps, which is "
            "1 MiB, or less if the container has little memory. Copy parts of it."
        )
    subject = f"The listing of {path} that the guest of {container} reports"
    first, *rest = result.stdout.splitlines() or [b""]
    header = parse_document(first, subject)
    return Listing(
        path=header.required("path", header.text),
        uid=header.required("uid", header.integer),
        gid=header.required("gid", header.integer),
        files=tuple(_file(parse_document(line, subject)) for line in rest),
    )


def _file(line: Document) -> FileFacts:
    kind = line.required("kind", line.text)
    if kind not in KINDS:
        line.refuse("kind", f"is none of {', '.join(KINDS)}")
    return FileFacts(
        path=_path(line),
        kind=kind,
        mode=line.required("mode", line.integer) & 0o7777,
        uid=line.required("uid", line.integer),
        gid=line.required("gid", line.integer),
        size=line.required("size", line.integer),
        sha256=line.required("sha256", line.text) if kind == FILE else None,
        link=line.text("link"),
    )


def _path(line: Document) -> str:
    """Return the path of a file, which must be below what is listed."""
    text = line.text("path") or ""
    try:
        clean = clean_path(text.encode("utf-8")).decode("utf-8")
    except LayerError as error:
        line.refuse("path", f"is not valid: {error.reason}")
    if clean != text:
        line.refuse("path", "is not a relative path without empty parts")
    return text
