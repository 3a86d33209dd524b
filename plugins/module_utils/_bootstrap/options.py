# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of bootstrap_image."""

from __future__ import annotations

from typing import Any

REQUIRED_IF = (("state", "present", ("src",)), ("state", "absent", ("src", "version"), True))


def bootstrap_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options of bootstrap_image besides those of the connection."""
    return {
        "src": {"type": "path"},
        "version": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "datacenter": {"type": "str"},
        "datastore": {"type": "str"},
    }
