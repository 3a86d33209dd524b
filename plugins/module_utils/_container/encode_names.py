# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encode the records of names and of tables of names in a VM's extraConfig. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.gantry.vsphere.plugins.module_utils._base.canonical_json import canonical_json
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_names import (
    NamesTable,
    NetworkNames,
    encode_table_record,
    table_serial,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.packing import pack


def encode_names(networks: Sequence[NetworkNames]) -> str:
    """Return the record of a container's names; empty if it has none."""
    return pack(canonical_json([one.document() for one in networks])) if networks else ""


def table_values(table: NamesTable, record: str | None) -> dict[str, str]:
    """Return the keys to write for a table, whose serial number is higher than that of the last one.

    The guest reads the first one while it runs. vSphere can drop it at power off, and never the second one.
    """
    serial = table_serial(record) + 1
    return {keys.GUEST_NAMES: pack(table.document(serial)), keys.NAMES_TABLE: encode_table_record(table, serial)}
