# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide which changes of the guest document a running guest follows. Pure.

Such a document has a revision that is higher than before: vSphere can drop what is written while the VM is on, or go
back to what was there before, and the guest then uses the one of the highest revision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.delivery import FIELD as FILES
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.delivery import SHA256, SIGNALS
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.document import RESTART, REVISION


def with_revision(machine: Machine, document: dict[str, Any], signals: Sequence[str] = ()) -> dict[str, Any]:
    """Return a machine's next document with its revision, which is left out until a running guest follows a change.

    ``signals`` are for the container's first process if it gets other contents of files while it runs.
    """
    revision, recorded = _revision(machine.document), _signals(machine.document)
    if _digest(machine.document) == _digest(document):
        # What was written stays. A guest that starts does not use it.
        revised = _with_signals(document, recorded)
    elif signals and machine.lacks_contents:
        # A run was interrupted, and its signals were not sent.
        revised = _with_signals(document, sorted({*recorded, *signals}))
    else:
        revised = _with_signals(document, signals)
    if _is_followed(machine, revised):
        return {**revised, REVISION: revision + 1}
    if _digest(machine.document) != _digest(document):
        revised = document
    return {**revised, REVISION: revision} if revision else revised


def followed_while_running(machine: Machine, target: Machine) -> frozenset[str]:
    """Return the field of a machine with the document, if its guest follows the change without a restart."""
    followed = _revision(target.document) > _revision(machine.document)
    return frozenset({"document"} if followed else ())


def _is_followed(machine: Machine, document: Mapping[str, Any]) -> bool:
    """Return whether a running guest follows the change from a machine's document to another one."""
    current = machine.document
    if current is None or machine.document_lost or (current.get("root") or {}).get("scratch") is None:
        # Nothing would keep the document, and HA starts a VM without the help of a task.
        return False
    if _unfollowed(current) != _unfollowed(document):
        return False
    other_policy, other_contents = current.get(RESTART) != document.get(RESTART), _digest(current) != _digest(document)
    if other_policy and not machine.follows_restart:
        return False
    if other_contents and not (machine.follows_files and _signals(document)):
        return False
    return other_policy or other_contents


def _revision(document: Mapping[str, Any] | None) -> int:
    found = (document or {}).get(REVISION)
    # Another client may have edited it.
    return found if isinstance(found, int) else 0


def _files(document: Mapping[str, Any] | None) -> dict[str, Any]:
    found = (document or {}).get(FILES)
    return found if isinstance(found, dict) else {}


def _digest(document: Mapping[str, Any] | None) -> Any:
    return _files(document).get(SHA256)


def _signals(document: Mapping[str, Any] | None) -> list[str]:
    found = _files(document).get(SIGNALS)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _with_signals(document: dict[str, Any], signals: Sequence[str]) -> dict[str, Any]:
    return {**document, FILES: {**_files(document), SIGNALS: list(signals)}} if signals else document


def _unfollowed(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a running guest does not follow."""
    rest = {key: value for key, value in document.items() if key not in (RESTART, REVISION, FILES)}
    return {**rest, "entries": _files(document).get("entries")}
