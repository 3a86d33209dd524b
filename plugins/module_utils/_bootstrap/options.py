# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of bootstrap_image."""

from __future__ import annotations

from typing import Any

REQUIRED_IF = (("state", "absent", ("src", "version"), True),)
REQUIRED_TOGETHER = (("url_username", "url_password"), ("registry_username", "registry_password"))
MUTUALLY_EXCLUSIVE = (("registry_username", "registry_auth_file"),)


def bootstrap_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options of bootstrap_image besides those of the connection."""
    return {
        "src": {"type": "path"},
        "checksum": {"type": "str"},
        "url_username": {"type": "str"},
        "url_password": {"type": "str", "no_log": True},
        "registry_username": {"type": "str"},
        "registry_password": {"type": "str", "no_log": True},
        "registry_auth_file": {"type": "path"},
        "registry_tls_verify": {"type": "bool", "default": True},
        "registry_cert_dir": {"type": "path"},
        "signature_policy": {"type": "path"},
        "version": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "datacenter": {"type": "str"},
        "datastore": {"type": "str"},
        "assume_removed": {"type": "list", "elements": "str", "default": []},
    }
