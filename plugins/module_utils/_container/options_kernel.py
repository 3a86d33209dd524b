# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse the options that set limits and settings of the guest's kernel. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import parse_strings
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.linux import (
    MAX_OPEN_FILES,
    REFUSED_SYSCTLS,
    ULIMITS,
)

_ULIMIT = re.compile(r"(?P<name>[^:]*):(?P<soft>-1|\d{1,18})(?::(?P<hard>-1|\d{1,18}))?")
_SYSCTL = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+")
_UNLIMITED = -1
# The setting of the kernel that limits the resource limit nofile.
_MOST_OPEN_FILES = "fs.nr_open"


def parse_ulimits(given: Any, params: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Return the soft and the hard limit of each resource by its name; -1 is unlimited."""
    limits: dict[str, dict[str, int]] = {}
    for text in given or ():
        name, limit = _ulimit(text)
        if name in limits:
            raise GantryError(f"ulimits has {name} twice. Give each limit once, such as {name}:1024:2048.")
        limits[name] = limit
    files = limits.get("nofile", {}).values()
    if any(not 0 <= value <= MAX_OPEN_FILES for value in files) and _MOST_OPEN_FILES not in (params["sysctls"] or {}):
        raise GantryError(
            f"ulimits gives nofile more than {MAX_OPEN_FILES}, which the kernel refuses. Give at most that, or "
            f"raise it with sysctls {_MOST_OPEN_FILES}."
        )
    return dict(sorted(limits.items()))


def _ulimit(text: str) -> tuple[str, dict[str, int]]:
    match = _ULIMIT.fullmatch(text.strip())
    if match is None or match["name"] not in ULIMITS:
        raise GantryError(
            f"ulimits holds {text!r}. Write name:soft or name:soft:hard with -1 for unlimited, such as "
            f"nofile:1024:2048. The names are {listed(ULIMITS)}."
        )
    soft = int(match["soft"])
    hard = soft if match["hard"] is None else int(match["hard"])
    if hard != _UNLIMITED and not 0 <= soft <= hard:
        raise GantryError(f"ulimits holds {text!r}. The soft limit, which is first, must not exceed the hard limit.")
    return match["name"], {"soft": soft, "hard": hard}


def parse_sysctls(given: Any, _params: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of kernel settings by name."""
    sysctls = parse_strings(given or {}, "sysctls")
    for name, value in sysctls.items():
        if _SYSCTL.fullmatch(name) is None:
            raise GantryError(
                f"sysctls {name!r} is not the name of a kernel setting. Write for example net.core.somaxconn."
            )
        if name in REFUSED_SYSCTLS:
            raise GantryError(f"sysctls cannot set {name}, since {REFUSED_SYSCTLS[name]}. Remove it.")
        if "\n" in value:
            raise GantryError(f"sysctls gives {name} the value {value!r}. It must be one line.")
    return dict(sorted(sysctls.items()))
