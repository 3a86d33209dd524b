# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options that all modules share (documented in doc_fragments/vcenter.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import env_fallback


def _env(name: str) -> tuple[Any, list[str]]:
    return (env_fallback, [name])


def connection_argument_spec() -> dict[str, dict[str, Any]]:
    # The environment variables are those that AWX's VMware vCenter credential injects, and similar ones.
    return {
        "hostname": {"type": "str", "required": True, "fallback": _env("VMWARE_HOST")},
        "username": {"type": "str", "required": True, "fallback": _env("VMWARE_USER")},
        "password": {
            "type": "str",
            "required": True,
            "no_log": True,
            "aliases": ["pass", "pwd"],
            "fallback": _env("VMWARE_PASSWORD"),
        },
        "port": {"type": "int", "default": 443, "fallback": _env("VMWARE_PORT")},
        "validate_certs": {"type": "bool", "default": True, "fallback": _env("VMWARE_VALIDATE_CERTS")},
        "ca_path": {"type": "path", "fallback": _env("VMWARE_CA_PATH")},
        "proxy_host": {"type": "str", "fallback": _env("VMWARE_PROXY_HOST")},
        "proxy_port": {"type": "int", "fallback": _env("VMWARE_PROXY_PORT")},
        "connect_timeout": {"type": "float", "default": 10.0},
        "request_timeout": {"type": "float", "default": 120.0},
    }


def argument_spec(**options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a module's argument spec: its own options and the connection's."""
    connection = connection_argument_spec()
    clash = connection.keys() & options.keys()
    if clash:
        raise ValueError(f"these options are the connection's: {', '.join(sorted(clash))}")
    return {**connection, **options}
