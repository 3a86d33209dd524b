# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The output and the exit code of a program as the module returns them. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.model import (
    DesiredExec,
    ExecResult,
    ObservedExec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.programs import MAX_STREAM_BYTES

_STREAMS = {"stdout": "standard output", "stderr": "standard error"}


def exec_result(desired: DesiredExec, observed: ObservedExec) -> dict[str, Any]:
    """Return what a task of container_vm_exec returns; fail if the program was not started or has run too long."""
    found = observed.result
    if found is not None and found.problem is not None:
        raise GantryError(
            f"Could not run {desired.program} in container {desired.name}: {found.problem.rstrip('.')}.",
            details=_values(desired, found),
        )
    if desired.detach:
        return {"pid": observed.pid}
    if found is None:
        raise ValueError("there is no result, because the program was not run")
    values = _values(desired, found)
    if found.timed_out:
        raise GantryError(
            f"{desired.program} in container {desired.name} did not end within {desired.timeout} s (timeout) and was "
            "killed. Increase timeout if it needs more.",
            details=values,
        )
    return {**values, "warnings": [_truncation(desired, name) for name in found.truncated]}


def _values(desired: DesiredExec, found: ExecResult) -> dict[str, Any]:
    output = {"stdout": _text(desired, found.stdout), "stderr": _text(desired, found.stderr)}
    lines = {f"{name}_lines": text.splitlines() for name, text in output.items()}
    return {"rc": found.rc, **output, **lines, "truncated": bool(found.truncated)}


def _text(desired: DesiredExec, raw: bytes) -> str:
    text = raw.decode("utf-8", errors="replace")
    return text.rstrip("\r\n") if desired.strip_empty_ends else text


def _truncation(desired: DesiredExec, name: str) -> str:
    return (
        f"The {_STREAMS[name]} of {desired.program} in container {desired.name} is truncated. At most "
        f"{MAX_STREAM_BYTES >> 20} MiB of it is kept, and less if the container has little memory."
    )
