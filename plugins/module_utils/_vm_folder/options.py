# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of vm_folder."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.model import FAIL, KEEP

ONE_OF = (("path", "paths"),)


def folder_argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "path": {"type": "str"},
        "paths": {"type": "list", "elements": "str"},
        "datacenter": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "when_not_empty": {"type": "str", "choices": [FAIL, KEEP], "default": FAIL},
        "assume_removed": {"type": "list", "elements": "str", "default": []},
    }
