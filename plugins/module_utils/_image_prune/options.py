# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of container_image_prune."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import DEFAULT_FOLDER


def prune_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options of container_image_prune besides those of the connection."""
    return {
        "datacenter": {"type": "str"},
        "folder": {"type": "str", "default": DEFAULT_FOLDER},
        "datastore": {"type": "str"},
        "dangling": {"type": "bool", "default": True},
        "older_than": {"type": "str"},
        "names": {"type": "list", "elements": "str"},
        "labels": {"type": "dict"},
        "cache_path": {"type": "path"},
    }
