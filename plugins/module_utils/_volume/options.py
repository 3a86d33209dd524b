# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of container_volume and container_volume_info."""

from __future__ import annotations

from typing import Any

ONE_OF = (("name", "volumes"),)
# What an item of volumes has, too, and no default.
_SINGLE = ("size", "filesystem", "storage_policy", "labels", "snapshots", "restore", "source", "source_snapshot")
DATASTORES = ("datastore", "datastore_cluster")
NOT_TOGETHER = (
    *ONE_OF,
    DATASTORES,
    *(("volumes", option) for option in _SINGLE),
)


def volume_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options of container_volume besides those of the connection."""
    return {
        "name": {"type": "str", "aliases": ["volume_name"]},
        **_values(),
        "volumes": {
            "type": "list",
            "elements": "dict",
            "options": {"name": {"type": "str", "required": True}, **_values()},
            "mutually_exclusive": [DATASTORES],
        },
        "datacenter": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "confirm_data_loss": {"type": "bool", "default": False},
    }


def _values() -> dict[str, dict[str, Any]]:
    return {
        "size": {"type": "str"},
        "datastore": {"type": "str"},
        "datastore_cluster": {"type": "str"},
        "storage_policy": {"type": "str"},
        "filesystem": {"type": "str", "choices": ["ext4", "xfs"]},
        "provisioning": {"type": "str", "choices": ["thin", "lazy_zeroed", "eager_zeroed"]},
        "labels": {"type": "dict"},
        "snapshots": {
            "type": "list",
            "elements": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            },
        },
        "restore": {"type": "str"},
        "source": {"type": "str"},
        "source_snapshot": {"type": "str"},
    }


def volume_info_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options of container_volume_info besides those of the connection."""
    return {
        "name": {"type": "list", "elements": "str", "aliases": ["names", "volume_name"]},
        "labels": {"type": "dict"},
        "datacenter": {"type": "str"},
        "datastore": {"type": "str"},
        "unused": {"type": "bool"},
        "snapshot_ages": {"type": "bool", "default": False},
        "storage_policies": {"type": "bool", "default": False},
    }
