# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contract of guest operations (contracts.md, section 9): names, arguments, paths and limits. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from ansible_collections.gantry.vsphere.plugins.module_utils._base.canonical_json import canonical_json
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

# The user name that goes with the secret of a container.
USER = "gantry"
# The operation that runs a program in the container.
EXEC = "/gantry/exec"
# The operation that lists, packs and unpacks files of the container.
COPY = "/gantry/copy"
LIST, PACK, UNPACK = "list", "pack", "unpack"
_MAX_ARGUMENT_BYTES = 48 << 10
# How much is kept of the standard output and of the standard error.
MAX_STREAM_BYTES = 1 << 20
# Both in base64, with the other fields of the result.
MAX_RESULT_BYTES = 2 * MAX_STREAM_BYTES * 4 // 3 + (1 << 16)


def exec_arguments(
    argv: Sequence[str],
    *,
    user: str | None,
    env: Mapping[str, str],
    working_dir: str | None,
    stdin: str | bytes | None,
    timeout: int,
) -> str:
    """Return the arguments of EXEC; None is the container's own value, and a timeout of 0 is none."""
    text = canonical_json(
        {
            "command": list(argv),
            "user": user or "",
            "env": dict(env),
            "working_dir": working_dir or "",
            "stdin": base64.b64encode(_bytes(stdin)).decode("ascii"),
            "timeout": timeout,
            "limit": MAX_STREAM_BYTES,
        }
    )
    if len(text) > _MAX_ARGUMENT_BYTES:
        raise GantryError(
            f"The command, env and stdin have {len(text)} bytes as JSON, with stdin in base64. vSphere passes on "
            f"at most {_MAX_ARGUMENT_BYTES}. Shorten them, or let the program read its input from elsewhere."
        )
    return text


def _bytes(stdin: str | bytes | None) -> bytes:
    return stdin.encode("utf-8") if isinstance(stdin, str) else stdin or b""


def copy_arguments(action: str, path: str, **options: bool | int | str) -> str:
    """Return the arguments of COPY: what to do with which path, and follow, recursive, user, size or timeout."""
    return canonical_json({"action": action, "path": path, **options})


def result_path(program: str, pid: int) -> str:
    """Return the path of the file that has the result of a program."""
    return f"{program}/{pid}"


def archive_path(pid: int) -> str:
    """Return the path of the file by which a copy sends or receives an archive."""
    return f"{COPY}/{pid}/archive"
