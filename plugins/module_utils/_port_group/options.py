# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of port_group."""

from __future__ import annotations

from typing import Any

NOT_TOGETHER = (("hosts", "cluster"), ("vlan", "trunk"))


def port_group_argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "name": {"type": "str", "required": True},
        "switch": {"type": "str", "required": True},
        "type": {"type": "str", "choices": ["distributed", "standard"], "default": "distributed"},
        "hosts": {"type": "list", "elements": "str"},
        "cluster": {"type": "str"},
        "datacenter": {"type": "str"},
        "vlan": {"type": "int"},
        "trunk": {"type": "list", "elements": "str"},
        "security": {
            "type": "dict",
            "options": {
                "promiscuous": {"type": "bool"},
                "mac_changes": {"type": "bool"},
                "forged_transmits": {"type": "bool"},
            },
        },
        "mtu": {"type": "int"},
        "port_allocation": {"type": "str", "choices": ["elastic", "fixed", "ephemeral"]},
        "ports": {"type": "int"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "assume_removed": {"type": "list", "elements": "str", "default": []},
    }
