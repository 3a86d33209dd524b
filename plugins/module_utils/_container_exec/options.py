# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of container_vm_exec besides those of the connection."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import guest_key_argument_spec

MUTUALLY_EXCLUSIVE = [["argv", "command"]]
REQUIRED_ONE_OF = [["argv", "command"]]


def exec_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options. Those with the same meaning have the names of docker_container_exec."""
    return {
        "name": {"type": "str", "required": True, "aliases": ["container"]},
        "argv": {"type": "list", "elements": "str"},
        "command": {"type": "str"},
        "chdir": {"type": "str"},
        "user": {"type": "str"},
        "env": {"type": "dict"},
        "stdin": {"type": "str"},
        "stdin_add_newline": {"type": "bool", "default": True},
        "detach": {"type": "bool", "default": False},
        "strip_empty_ends": {"type": "bool", "default": True},
        "timeout": {"type": "int", "default": 3600},
        "datacenter": {"type": "str"},
        "folder": {"type": "str"},
        **guest_key_argument_spec(),
    }
