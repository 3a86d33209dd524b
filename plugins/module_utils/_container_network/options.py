# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of container_network and container_network_info."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.options import port_group_argument_spec


def network_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options of container_network: those of port_group, and the address pools."""
    return {**port_group_argument_spec(), "ipv4": _pool(), "ipv6": _pool()}


def _pool() -> dict[str, Any]:
    return {
        "type": "dict",
        "options": {
            "subnet": {"type": "str", "required": True},
            "gateway": {"type": "str"},
            "ip_range": {"type": "list", "elements": "str"},
            "exclude": {"type": "list", "elements": "str"},
            "dns_servers": {"type": "list", "elements": "str"},
        },
    }


def network_info_argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "name": {"type": "list", "elements": "str", "aliases": ["names"]},
        "datacenter": {"type": "str"},
    }
