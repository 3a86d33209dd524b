# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encode the keys of one run of a container: what its guest reads at the start, and the record of its end. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.gantry.vsphere.plugins.module_utils._base.canonical_json import canonical_json
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import FINAL_STATES
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.packing import pack
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.status import decode_status

# The keys that are read before a start, and at the end.
START_KEYS = (keys.SPEC, keys.KEPT_SPEC, keys.STATUS, keys.KEPT_STATUS)
END_KEYS = (keys.LOG, keys.KEPT_STATUS)
# The longest value that is recorded. Init writes at most 16 KiB of the log, encoded, and a shorter status.
_MOST_CHARACTERS = 32 << 10


def start_values(found: Mapping[str, str]) -> dict[str, str]:
    """Return the keys to write before a VM is powered on, from their values while it is off.

    Other clients can edit a running VM, which makes its guestinfo keys volatile: the guest document is then gone, or an
    earlier one. An earlier run leaves its report and its record.
    """
    values = {}
    document = found.get(keys.KEPT_SPEC) or found.get(keys.SPEC)
    if document:
        values = {keys.SPEC: document, keys.KEPT_SPEC: document}
    values |= {keys.STATUS: keys.NOT_REPORTED, keys.KEPT_STATUS: keys.STARTED}
    wrong = {key: value for key, value in values.items() if found.get(key) != value}
    if keys.STATUS in wrong:
        wrong[keys.LOG] = keys.NOT_REPORTED
    if keys.KEPT_STATUS in wrong:
        wrong[keys.KEPT_LOG] = ""
    return {key: pack(value) for key, value in wrong.items()}


def end_values(status: str, log: str | None) -> dict[str, str]:
    """Return the record of the end that a guest has reported. What is longer than init writes is left out."""
    if len(status) > _MOST_CHARACTERS:
        decoded = decode_status(status) or {}
        status = canonical_json({key: decoded.get(key) for key in ("state", "exit_code")})
    return {keys.KEPT_STATUS: status, keys.KEPT_LOG: log if log and len(log) <= _MOST_CHARACTERS else ""}


def is_end(status: str | None) -> bool:
    """Return whether the text of a status reports the end of a container."""
    return (decode_status(status) or {}).get("state") in FINAL_STATES
