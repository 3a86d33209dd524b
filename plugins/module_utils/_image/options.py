# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of container_image and container_image_info."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import (
    REGISTRY_MUTUALLY_EXCLUSIVE,
    REGISTRY_OPTIONS,
    REGISTRY_REQUIRED_TOGETHER,
)

REQUIRED_TOGETHER = (REGISTRY_REQUIRED_TOGETHER,)
MUTUALLY_EXCLUSIVE = (REGISTRY_MUTUALLY_EXCLUSIVE,)


def image_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options of container_image besides those of the connection."""
    return {
        "name": {"type": "str", "required": True, "aliases": ["image"]},
        "source": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "pull": {"type": "str", "choices": ["always", "missing", "never"], "default": "missing"},
        **REGISTRY_OPTIONS,
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
