# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The status that a guest reports, decoded in one place. Pure.

The guest runs an untrusted container, so its status is checked like any untrusted document. One guest must not prevent
the others from being read: a field of another type is left out and reported in the status's ``error``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.documents import Document, parse_document
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

INVALID = "status_invalid"
_SUBJECT = "The status that the guest reports"

_FIELDS: dict[str, Callable[[Document, str], Any]] = {
    "version": Document.integer,
    "id": Document.text,
    "sequence": Document.integer,
    "state": Document.text,
    "pid": Document.integer,
    "exit_code": Document.integer,
    "oom_killed": Document.boolean,
    "restart_count": Document.integer,
    "health": Document.text,
    "health_output": Document.text,
    "started_at": Document.text,
    "finished_at": Document.text,
    "memory_available": Document.integer,
    "document": Document.text,
    "init_version": Document.text,
    "kernel": Document.text,
    "waiting_for": Document.text,
    "follows": Document.texts,
}


def decode_status(text: str | None) -> dict[str, Any] | None:
    """Return the fields of a status (contracts.md, section 3) that have the right type; None if there is no status."""
    if not text:
        return None
    try:
        document = parse_document(text, _SUBJECT)
    except GantryError as error:
        return {"error": _invalid(error)}
    status: dict[str, Any] = {}
    problems: list[GantryError] = []
    for key, read in {**_FIELDS, "syslog": _syslog, "files": _files, "error": _failure}.items():
        if key in document.fields:
            _copy_field(document, key, read, status, problems)
    if problems and status.get("error") is None:
        status["error"] = _invalid(problems[0])
    return status


def _copy_field(
    document: Document,
    key: str,
    read: Callable[[Document, str], Any],
    status: dict[str, Any],
    problems: list[GantryError],
) -> None:
    try:
        status[key] = read(document, key)
    except GantryError as error:
        problems.append(error)


def _failure(document: Document, key: str) -> dict[str, Any] | None:
    failure = document.child(key)
    if failure is None:
        return None
    return {name: failure.required(name, failure.text) for name in ("code", "message")}


def _syslog(document: Document, key: str) -> dict[str, Any] | None:
    sending = document.child(key)
    if sending is None:
        return None
    return {"dropped": sending.required("dropped", sending.integer), "error": sending.text("error")}


def _files(document: Document, key: str) -> dict[str, Any] | None:
    contents = document.child(key)
    if contents is None:
        return None
    return {
        "sha256": contents.required("sha256", contents.text),
        "wanted": contents.text("wanted"),
        "error": contents.text("error"),
    }


def _invalid(error: GantryError) -> dict[str, Any]:
    return {"code": INVALID, "message": error.message}
