# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse the names by which other containers of a network find a container. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_MAX_NAME = 253
_MAX_ALIASES = 64


def parse_aliases(given: Sequence[str] | None, option: str) -> tuple[str, ...] | None:
    """Return the aliases in lower case, each once; None if the container has no names on the network."""
    if given is None:
        return None
    for alias in given:
        if not is_dns_name(alias):
            raise GantryError(
                f"{option} holds {alias!r}, which is not a name of DNS. A name has at most {_MAX_NAME} characters: "
                "letters, digits, hyphens and underscores, in parts that are separated by dots."
            )
    aliases = tuple(dict.fromkeys(alias.lower() for alias in given))
    if len(aliases) > _MAX_ALIASES:
        raise GantryError(f"{option} holds {len(aliases)} names. A container has at most {_MAX_ALIASES} on a network.")
    return aliases


def is_dns_name(text: str) -> bool:
    return len(text) <= _MAX_NAME and _NAME.fullmatch(text) is not None
