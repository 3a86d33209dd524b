# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of vm_folder."""

from __future__ import annotations

from typing import Any


def folder_argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "path": {"type": "str", "required": True},
        "datacenter": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }
