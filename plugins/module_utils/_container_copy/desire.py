# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert a task's options to the copy. Pure; invalid options are refused here."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import parse_mode, parse_size
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_parsers import number_from, refuse_nul
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.model import DesiredCopy
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import parse_guest_key


def desire_copy(params: Mapping[str, Any]) -> DesiredCopy:
    """Return the copy."""
    refuse_nul({option: params[option] for option in ("container_path", "path", "dest", "owner", "group")})
    container_path = params["container_path"]
    if not container_path.startswith("/"):
        raise GantryError(f"container_path is {container_path!r}. It must be an absolute path in the container.")
    return DesiredCopy(
        name=params["name"],
        container_path=container_path,
        path=params["path"],
        content=_content(params),
        dest=params["dest"],
        owner=_owner(params["owner"], params["group"]),
        mode=_mode(params["mode"]),
        follow=params["follow"],
        local_follow=params["local_follow"],
        force=params["force"],
        max_bytes=parse_size(params["max_size"], "max_size"),
        timeout=number_from(0, "timeout")(params["timeout"], params),
        guest_key=parse_guest_key(params["guest_key"]),
        datacenter=params["datacenter"],
        folder=params["folder"],
    )


def _content(params: Mapping[str, Any]) -> bytes | None:
    text: str | None = params["content"]
    if text is None or not params["content_is_b64"]:
        return None if text is None else text.encode("utf-8")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise GantryError(
            "content is not valid base64, and content_is_b64 is true. Encode it, for example with the filter b64encode."
        ) from error


def _owner(owner: str | None, group: str | None) -> str:
    """Return the user and the group as the guest resolves them."""
    if owner is not None and ":" in owner:
        raise GantryError(f"owner is {owner!r}. It must be a user without a group; give that in group.")
    if group is None:
        return owner or ""
    if owner is None:
        raise GantryError("group is given without owner. Give both.")
    return f"{owner}:{group}"


def _mode(given: Any) -> int | None:
    """Return the mode: the number that YAML has made of 0644, or an octal text."""
    if given is None:
        return None
    number = given if isinstance(given, int) and not isinstance(given, bool) else int(parse_mode(str(given), "mode"), 8)
    if not 0 <= number <= 0o7777:
        raise GantryError(
            f"mode is the number {given}, which is no mode of a file. Write it in quotes, such as '0644', or with a "
            "leading zero."
        )
    return number
