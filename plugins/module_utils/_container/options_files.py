# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse the files and secrets of a container. Pure.

A file is known by a keyed digest of its content, which is what records and diffs show: without the guest_key nobody
can find out by guessing what the content is. No message has a content.
"""

from __future__ import annotations

import base64
import binascii
import posixpath
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import MIB, parse_mode
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_values import FileOption
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.delivery import MAX_BYTES, MAX_FILES
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import GuestKey, parse_guest_key
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.linux import parse_signal

SECRETS_DIRECTORY = "/run/secrets"
_FILE_MODE, _SECRET_MODE = "0644", "0444"
# The options whose values have contents, and the keys of those.
FILE_OPTIONS = ("files", "secrets")
CONTENTS = ("content", "content_base64")
_COMMON = {
    "content": {"type": "raw", "no_log": True},
    "content_base64": {"type": "str", "no_log": True},
    "src": {"type": "path"},
    "owner": {"type": "str", "aliases": ["uid"]},
    "group": {"type": "str", "aliases": ["gid"]},
    "mode": {"type": "raw"},
    "signal": {"type": "str"},
}
FILE_ARGUMENTS: Mapping[str, Any] = {"target": {"type": "str", "required": True}, **_COMMON}
SECRET_ARGUMENTS: Mapping[str, Any] = {"name": {"type": "str", "required": True}, "target": {"type": "str"}, **_COMMON}


def parse_files(given: Any, params: Mapping[str, Any]) -> tuple[FileOption, ...]:
    """Return the files."""
    targets = [_target(item["target"], f"files[{index}].target") for index, item in enumerate(given or ())]
    return _parse(given or (), targets, "files", _FILE_MODE, params)


def parse_secrets(given: Any, params: Mapping[str, Any]) -> tuple[FileOption, ...]:
    """Return the secrets, and check them together with the files."""
    targets = [_secret_target(item, f"secrets[{index}]") for index, item in enumerate(given or ())]
    secrets = _parse(given or (), targets, "secrets", _SECRET_MODE, params)
    _check_together([*parse_files(params.get("files"), params), *secrets])
    return secrets


def _parse(
    given: Sequence[Mapping[str, Any]], targets: Sequence[str], option: str, mode: str, params: Mapping[str, Any]
) -> tuple[FileOption, ...]:
    if not given or params.get("state") == "absent":
        # A container that is removed needs no content.
        return ()
    key = _key(option, params)
    return tuple(
        _file(item, target, f"{option}[{index}]", mode, key, params["name"])
        for index, (item, target) in enumerate(zip(given, targets, strict=True))
    )


def _key(option: str, params: Mapping[str, Any]) -> GuestKey:
    """Return the key, and refuse files that cannot be delivered or kept."""
    key = parse_guest_key(params.get("guest_key"))
    if key is None or not params.get("guest_operations"):
        raise GantryError(
            f"{option} are given, and they are delivered by guest operations, with a secret that is derived from the "
            "guest_key. Set guest_operations: true and give guest_key, or set the environment variable "
            "GANTRY_GUEST_KEY."
        )
    if params.get("writable") == "tmpfs" and not params.get("read_only"):
        raise GantryError(
            f"{option} are given with writable: tmpfs, and they are kept on the container's own disk, so that it can "
            "start again without a controller. Use writable: disk, or read_only: true."
        )
    return key


def _file(item: Mapping[str, Any], target: str, option: str, mode: str, key: GuestKey, container: str) -> FileOption:
    content = _content(item, option)
    return FileOption(
        target=target,
        owner=_owner(item.get("owner"), f"{option}.owner"),
        group=_owner(item.get("group"), f"{option}.group"),
        mode=_mode(item.get("mode"), f"{option}.mode", mode),
        digest=key.digest(b"file", container.encode(), target.encode(), content),
        content=content,
        signal=None if item.get("signal") is None else parse_signal(item["signal"], f"{option}.signal"),
    )


def _content(item: Mapping[str, Any], option: str) -> bytes:
    given = [name for name in CONTENTS if item.get(name) is not None]
    if len(given) != 1:
        what = "both content and content_base64" if given else "no content"
        raise GantryError(f"{option} has {what}. Give one of content, content_base64 and src.")
    value = item[given[0]]
    if not isinstance(value, str):
        raise GantryError(
            f"{option}.{given[0]} is not a text but of type {type(value).__name__}. Put it in quotes, or convert it "
            "with a filter such as string or to_nice_json."
        )
    if given[0] == "content":
        return value.encode("utf-8")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise GantryError(f"{option}.content_base64 is not valid base64. Use the filter b64encode.") from None


def _target(text: str, option: str) -> str:
    if not text.startswith("/") or text.endswith("/") or "\0" in text:
        raise GantryError(f"{option} is {text!r}, which is not the absolute path of a file in the container.")
    return "/" + posixpath.normpath(text).lstrip("/")


def _secret_target(item: Mapping[str, Any], option: str) -> str:
    """Return the path of a secret: its name or its relative target, below /run/secrets."""
    name, target = item["name"], item.get("target")
    if not name or "/" in name or name in (".", ".."):
        raise GantryError(f"{option}.name is {name!r}. It must be the name of a file, without a slash; see target.")
    return _target(posixpath.join(SECRETS_DIRECTORY, target or name), f"{option}.target")


def _owner(text: str | None, option: str) -> str:
    if text is not None and (not text or set(text) & set(":\0/ \n")):
        raise GantryError(f"{option} is {text!r}. Give a name that the image knows, or a number.")
    return text or ""


def _mode(given: Any, option: str, default: str) -> str:
    """Return the mode as a text; YAML reads 0640 without quotes as an octal number."""
    if given is None:
        return default
    number = isinstance(given, int) and not isinstance(given, bool)
    mode = parse_mode(f"{given:o}" if number else str(given), option)
    if int(mode, 8) > 0o777:
        raise GantryError(f"{option} is {mode}. The highest is 0777: files are mounted with nosuid.")
    return mode.rjust(4, "0")


def _check_together(files: Sequence[FileOption]) -> None:
    """Refuse targets that collide, and more than can be delivered."""
    targets = Counter(file.target for file in files)
    for target, count in targets.items():
        above = next((str(parent) for parent in PurePosixPath(target).parents if str(parent) in targets), None)
        if count > 1 or above is not None:
            what = (
                f"the target {target} twice"
                if above is None
                else f"the targets {above} and {target}, which is below it"
            )
            raise GantryError(f"files and secrets have {what}. Give each its own.")
    size = sum(len(file.content) for file in files)
    if len(files) > MAX_FILES or size > MAX_BYTES:
        raise GantryError(
            f"files and secrets are {len(files)} files with {size} bytes in all. At most {MAX_FILES} files with "
            f"{MAX_BYTES // MIB} MiB in all can be delivered. Put large data into the image."
        )
