# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of bootstrap_image."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import (
    REGISTRY_MUTUALLY_EXCLUSIVE,
    REGISTRY_OPTIONS,
    REGISTRY_REQUIRED_TOGETHER,
)

REQUIRED_TOGETHER = (("url_username", "url_password"), REGISTRY_REQUIRED_TOGETHER)
MUTUALLY_EXCLUSIVE = (REGISTRY_MUTUALLY_EXCLUSIVE,)


def bootstrap_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options of bootstrap_image besides those of the connection."""
    return {
        "src": {"type": "path"},
        "checksum": {"type": "str"},
        "url_username": {"type": "str"},
        "url_password": {"type": "str", "no_log": True},
        **REGISTRY_OPTIONS,
        "version": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "datacenter": {"type": "str"},
        "datastore": {"type": "str"},
        "assume_removed": {"type": "list", "elements": "str", "default": []},
    }
