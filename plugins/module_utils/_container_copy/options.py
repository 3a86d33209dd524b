# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of container_vm_copy besides those of the connection."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import guest_key_argument_spec

MUTUALLY_EXCLUSIVE = [["path", "content", "dest"], ["dest", "owner"], ["dest", "group"], ["dest", "mode"]]
REQUIRED_ONE_OF = [["path", "content", "dest"]]
REQUIRED_BY = {"content": ["mode"]}


def copy_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options. Those with the same meaning have the names of docker_container_copy_into."""
    return {
        "name": {"type": "str", "required": True, "aliases": ["container"]},
        "container_path": {"type": "str", "required": True},
        "path": {"type": "path"},
        "content": {"type": "str"},
        "content_is_b64": {"type": "bool", "default": False},
        "dest": {"type": "path"},
        "owner": {"type": "str", "aliases": ["owner_id"]},
        "group": {"type": "str", "aliases": ["group_id"]},
        "mode": {"type": "raw"},
        "follow": {"type": "bool", "default": False},
        "local_follow": {"type": "bool", "default": True},
        "force": {"type": "bool"},
        "max_size": {"type": "str", "default": "1G"},
        "timeout": {"type": "int", "default": 3600},
        "datacenter": {"type": "str"},
        "folder": {"type": "str"},
        **guest_key_argument_spec(),
    }
