# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vCenter faults as errors, with the fault's type and everything that vCenter reports about it."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

# The properties of faults that add facts to their message.
_TELLING = (
    "name",
    "object",
    "obj",
    "privilegeId",
    "invalidProperty",
    "property",
    "datastore",
    "file",
    "requestedState",
    "existingState",
    "host",
    "reason",
)


class FaultError(GantryError):
    """A fault that vCenter returned. ``kind`` is its type in the vSphere API ("DuplicateName")."""

    def __init__(self, doing: str, fault: Any) -> None:
        self.kind = fault_kind(fault)
        text = fault_text(fault)
        answer = text if text.endswith(".") else f"{text}."
        super().__init__(f"{doing}: vCenter answered {self.kind}: {answer}", fault={"type": self.kind, "message": text})
        self.cause = fault


def fault_kind(fault: Any) -> str:
    return str(getattr(type(fault), "_wsdlName", type(fault).__name__))


def fault_text(fault: Any) -> str:
    """Return the localized message, the messages of its causes, and the facts of the fault."""
    parts: list[str] = []

    def add(text: Any) -> None:
        text = str(text or "").strip()
        if text and not any(text in part for part in parts):
            parts.append(text)

    add(getattr(fault, "msg", None))
    for message in getattr(fault, "faultMessage", None) or ():
        add(message.message or message.key)
    facts = []
    for name in _TELLING:
        # A managed object cannot be compared with other types, so its text is compared.
        value = getattr(fault, name, None)
        text = "" if value is None else str(getattr(value, "_moId", value))
        if text:
            facts.append(f"{name} {text}")
    if facts:
        add(f"({', '.join(facts)})")
    inner = getattr(fault, "faultCause", None)
    if inner is not None and inner is not fault:
        add(f"Cause: {fault_kind(inner)}: {fault_text(inner)}")
    return " ".join(parts) or "it gives no reason"
