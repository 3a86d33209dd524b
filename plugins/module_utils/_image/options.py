# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of container_image and container_image_info."""

from __future__ import annotations

from typing import Any

REQUIRED_TOGETHER = (("registry_username", "registry_password"),)
MUTUALLY_EXCLUSIVE = (("registry_username", "registry_auth_file"),)


def image_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options of container_image besides those of the connection."""
    return {
        "name": {"type": "str", "required": True, "aliases": ["image"]},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "pull": {"type": "str", "choices": ["always", "missing", "never"], "default": "missing"},
        "registry_username": {"type": "str"},
        "registry_password": {"type": "str", "no_log": True},
        "registry_auth_file": {"type": "path"},
        "registry_tls_verify": {"type": "bool", "default": True},
        "registry_cert_dir": {"type": "path"},
        "signature_policy": {"type": "path"},
        "platform": {"type": "str", "choices": ["linux/amd64"], "default": "linux/amd64"},
        "cache_path": {"type": "path"},
        "datacenter": {"type": "str"},
        "cluster": {"type": "str"},
        "resource_pool": {"type": "str"},
        "folder": {"type": "str"},
        "datastore": {"type": "str"},
        "assume_removed": {"type": "list", "elements": "str", "default": []},
    }


def info_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options of container_image_info besides those of the connection."""
    return {
        "name": {"type": "str", "aliases": ["image"]},
        "datacenter": {"type": "str"},
    }
