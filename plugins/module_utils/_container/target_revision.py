# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide which changes of the guest document a running guest follows. Pure.

Such a document has a revision that is higher than before: vSphere can drop what is written while the VM is on, or go
back to what was there before, and the guest then uses the one of the highest revision.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.document import RESTART, REVISION


def with_revision(machine: Machine, document: dict[str, Any]) -> dict[str, Any]:
    """Return a machine's next document with its revision, which is left out until a running guest follows a change."""
    found = (machine.document or {}).get(REVISION)
    # Another client may have edited it.
    revision = found if isinstance(found, int) else 0
    if _is_followed(machine, document):
        revision += 1
    return {**document, REVISION: revision} if revision else document


def followed_while_running(machine: Machine, target: Machine) -> frozenset[str]:
    """Return the field of a machine with the document, if its guest follows the change without a restart."""
    followed = target.document is not None and _is_followed(machine, target.document)
    return frozenset({"document"} if followed else ())


def _is_followed(machine: Machine, document: Mapping[str, Any]) -> bool:
    """Return whether a running guest follows the change from a machine's document to another one."""
    current = machine.document
    if current is None or not machine.follows_restart or machine.document_lost:
        return False
    if current.get(RESTART) == document.get(RESTART):
        return False
    if (current.get("root") or {}).get("scratch") is None:
        # Nothing would keep the document, and HA starts a VM without the help of a task.
        return False
    return _without_restart(current) == _without_restart(document)


def _without_restart(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in (RESTART, REVISION)}
