# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of container_vm_logs besides those of the connection."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import guest_key_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.log_page import STREAMS


def logs_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options. Those with the same meaning have the names of docker logs."""
    return {
        "name": {"type": "list", "elements": "str", "required": True, "aliases": ["names", "container"]},
        "tail": {"type": "int"},
        "since": {"type": "str"},
        "until": {"type": "str"},
        "streams": {"type": "list", "elements": "str", "choices": list(STREAMS), "default": list(STREAMS)},
        "timestamps": {"type": "bool", "default": False},
        "positions": {"type": "dict"},
        "max_size": {"type": "str", "default": "16M"},
        "datacenter": {"type": "str"},
        "folder": {"type": "str"},
        **guest_key_argument_spec(),
    }
