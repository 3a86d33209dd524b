# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of container_set besides those of the connection."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import guest_key_argument_spec

# The placement options, which apply to all containers that do not set their own.
PLACEMENT = ("datacenter", "cluster", "datastore", "folder", "resource_pool")
# The options of a container in the set that container_vm does not have.
REPLICAS = "replicas"
DEPENDS_ON = "depends_on"
UPDATE_CONFIG = "update_config"
ROLLBACK_CONFIG = "rollback_config"
# The contents of files, secrets and env_file by name. Ansible masks them, unlike values in the options of containers.
CONTENTS = "contents"
# The key of a file or a secret that has the name of its content.
CONTENT_FROM = "content_from"
# The option of a container that has the name of the content of its env_file.
ENV_FILE_FROM = "env_file_from"


def set_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options. Those of each container are validated by desire.py, which names the container."""
    return {
        "project": {"type": "str", "required": True},
        "containers": {"type": "list", "elements": "dict", "default": []},
        "defaults": {"type": "dict", "default": {}},
        "replicas": {"type": "dict", "default": {}},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "create_only": {"type": "bool", "default": False},
        "remove_unlisted": {"type": "bool", "default": False},
        "planned_images": {"type": "list", "elements": "dict", "default": []},
        **{option: {"type": "str"} for option in PLACEMENT},
        **guest_key_argument_spec(),
        CONTENTS: {"type": "dict", "default": {}, "no_log": True},
    }
