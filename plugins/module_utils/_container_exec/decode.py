# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decode the result of a program, which an untrusted container may have made. Pure."""

from __future__ import annotations

import base64
import binascii

from ansible_collections.gantry.vsphere.plugins.module_utils._base.documents import Document, parse_document
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.model import ExecResult


def decode_result(raw: bytes, container: str) -> ExecResult:
    """Return the result that the guest reports."""
    document = parse_document(raw, f"The result that the guest of {container} reports")
    error = document.child("error")
    return ExecResult(
        rc=document.required("rc", document.integer),
        timed_out=document.boolean("timed_out") or False,
        stdout=_stream(document, "stdout"),
        stderr=_stream(document, "stderr"),
        truncated=tuple(name for name in ("stdout", "stderr") if document.boolean(f"{name}_truncated")),
        problem=None if error is None else error.required("message", error.text),
    )


def _stream(document: Document, name: str) -> bytes:
    try:
        return base64.b64decode(document.text(name) or "", validate=True)
    except (binascii.Error, ValueError):
        document.refuse(name, "is not valid base64")
