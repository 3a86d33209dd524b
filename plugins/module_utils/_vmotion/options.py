# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The argument spec of vm_vmotion."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import connection_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.model import PRIORITIES

# The options for the destination, at the top or within destination_vcenter.
DESTINATION = ("host", "cluster", "resource_pool", "datastore", "datastore_cluster")
PROVISIONING = ("thin", "thick", "eager_zeroed")


def vmotion_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options of vm_vmotion besides those of the connection."""
    place: dict[str, dict[str, Any]] = {name: {"type": "str"} for name in DESTINATION}
    connection = connection_argument_spec()
    # The environment configures the connection to the first vCenter only; that to the second one is always given.
    second = {
        name: {key: value for key, value in connection[name].items() if key != "fallback"}
        for name in ("hostname", "username", "password", "port", "validate_certs", "ca_path")
    }
    return {
        "vms": {"type": "list", "elements": "raw", "required": True},
        "datacenter": {"type": "str"},
        **place,
        "network_mapping": {"type": "dict", "default": {}},
        "disks": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "label": {"type": "str"},
                "key": {"type": "int", "no_log": False},
                "datastore": {"type": "str"},
                "provisioning": {"type": "str", "choices": list(PROVISIONING)},
            },
            "mutually_exclusive": [["label", "key"]],
            "required_one_of": [["label", "key"]],
        },
        "priority": {"type": "str", "choices": list(PRIORITIES), "default": "default"},
        "mode": {"type": "str", "choices": ["any", "live", "cold"], "default": "any"},
        "precheck": {"type": "str", "choices": ["enforce", "report", "skip"], "default": "enforce"},
        "timeout": {"type": "float", "default": 3600.0},
        "destination_vcenter": {
            "type": "dict",
            "options": {
                **second,
                **place,
                "datacenter": {"type": "str"},
                "folder": {"type": "str"},
                "network_mapping": {"type": "dict", "default": {}},
                "thumbprint": {"type": "str"},
            },
        },
    }
