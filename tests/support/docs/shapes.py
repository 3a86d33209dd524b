# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the options of a module's documentation with those of its argument spec."""

from __future__ import annotations

from typing import Any

_KEYS = ("type", "elements", "choices", "required", "default", "aliases")


def option_shape(option: dict[str, Any], suboptions: str) -> dict[str, Any]:
    """Return what documentation and argument spec both state about an option."""
    found = {key: option[key] for key in _KEYS if option.get(key) not in (None, False, [])}
    if option.get("default") is False:
        found["default"] = False
    if option.get(suboptions):
        found["options"] = {name: option_shape(one, suboptions) for name, one in option[suboptions].items()}
    return found
