# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of container_stack and container_stack_info besides those of the connection."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import guest_key_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.options import PLACEMENT
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import (
    REGISTRY_MUTUALLY_EXCLUSIVE,
    REGISTRY_OPTIONS,
    REGISTRY_REQUIRED_TOGETHER,
)

REQUIRED_TOGETHER = (REGISTRY_REQUIRED_TOGETHER,)
MUTUALLY_EXCLUSIVE = (REGISTRY_MUTUALLY_EXCLUSIVE,)
# The names that the specification gives to the file of a project, the preferred one first.
DEFAULT_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")


def stack_info_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options of container_stack_info."""
    return {
        "name": {"type": "list", "elements": "str", "aliases": ["names"]},
        "datacenter": {"type": "str"},
        "folder": {"type": "str"},
    }


def stack_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options."""
    return {
        "project_src": {"type": "path"},
        "project_name": {"type": "str"},
        "files": {"type": "list", "elements": "path"},
        "definition": {"type": "str", "no_log": False},
        "env_files": {"type": "list", "elements": "path"},
        "profiles": {"type": "list", "elements": "str", "default": []},
        "variables": {"type": "dict", "default": {}},
        "secret_variables": {"type": "dict", "default": {}, "no_log": True},
        "unsupported": {"type": "str", "choices": ["fail", "warn"], "default": "fail"},
        "state": {"type": "str", "choices": ["present", "stopped", "absent"], "default": "present"},
        "services": {"type": "list", "elements": "str"},
        "recreate": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
        "scale": {"type": "dict", "default": {}},
        "anti_affinity": {"type": "bool", "default": True},
        "networks": {"type": "dict", "default": {}},
        "volume_size": {"type": "str"},
        "pull": {"type": "str", "choices": ["always", "missing", "never"], "default": "missing"},
        "remove_orphans": {"type": "bool", "default": False},
        "prune": {"type": "bool", "default": False},
        "remove_images": {"type": "str", "choices": ["all"]},
        "remove_volumes": {"type": "bool", "default": False},
        "confirm_data_loss": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 300},
        **{option: {"type": "str"} for option in PLACEMENT},
        **guest_key_argument_spec(),
        **REGISTRY_OPTIONS,
        "cache_path": {"type": "path"},
    }
