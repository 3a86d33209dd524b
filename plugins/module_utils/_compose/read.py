# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read a project of Compose files with the program gantry-compose, which has the reference loader."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import MIB
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import (
    ComposeAttribute,
    ComposePlace,
    ComposeProject,
    ComposeRequest,
)

try:
    import resource
except ImportError:  # pragma: no cover
    # On a system without it the program does not run either; find_program says so.
    resource = None  # type: ignore[assignment]

RUNTIME_PACKAGE = "gantry-vsphere-runtime"
_SECONDS = 60.0
# The soft limit of Go's garbage collector.
_SOFT_MEMORY = 512 * MIB
# The limit of the data of the process. Its address space is not limited, because Go reserves much more than it uses.
_MEMORY = 1024 * MIB
# The last one comes from Go's runtime, which does not check all of its own allocations. The program itself panics.
_OUT_OF_MEMORY = ("out of memory", "cannot allocate memory", "SIGSEGV: segmentation violation")
_ANSWERED = (0, 1)


def find_program() -> Path:
    """Return the path of gantry-compose in the runtime package."""
    found = (platform.system(), platform.machine())
    if found != ("Linux", "x86_64"):
        raise GantryError(
            f"Compose files are read by a program for Linux on x86_64, and {sys.executable}, which runs this task, is "
            f"on {found[0]} on {found[1]}. Run the task elsewhere."
        )
    try:
        import gantry_vsphere_runtime
    except ImportError as error:
        raise GantryError(
            f"The Python package {RUNTIME_PACKAGE}, which contains the program that reads Compose files, is not "
            f"installed for {sys.executable}, which runs this task. Install it there (pip install {RUNTIME_PACKAGE})."
        ) from error
    if not hasattr(gantry_vsphere_runtime, "compose_program"):
        raise GantryError(
            f"The Python package {RUNTIME_PACKAGE} of {sys.executable}, which runs this task, is too old to read "
            "Compose files. Install the version of this collection."
        )
    return Path(gantry_vsphere_runtime.compose_program())


def read_project(request: ComposeRequest, program: Path, seconds: float = _SECONDS) -> ComposeProject:
    """Return the project; raise GantryError with file, line and attribute if it cannot be read."""
    code, output, errors = _run(program, json.dumps(_document(request)).encode(), seconds)
    answer = _decoded(output) if code in _ANSWERED else None
    if answer is None:
        raise _broken(code, errors)
    if "problem" in answer:
        raise _error(answer["problem"])
    return _project(answer, request.directory)


def _document(request: ComposeRequest) -> dict[str, Any]:
    files = [{"path": str(path)} for path in request.files]
    if request.definition is not None:
        files.append({"name": "definition", "content": request.definition})
    return {
        "project_name": request.project_name or "",
        "project_directory": str(request.directory),
        "files": files,
        "env_files": None if request.env_files is None else [str(path) for path in request.env_files],
        "profiles": list(request.profiles),
        "variables": dict(request.variables),
    }


def _run(program: Path, document: bytes, seconds: float) -> tuple[int, bytes, bytes]:
    try:
        # AnsibleModule.run_command has no limits, and exists only in a module.
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            [str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"GOMEMLIMIT": str(_SOFT_MEMORY)},
            start_new_session=True,
        )
    except OSError as error:
        raise GantryError(
            f"The program {program}, which reads Compose files, cannot be run: {error.strerror}. Install the package "
            f"{RUNTIME_PACKAGE} again."
        ) from error
    with process:
        try:
            # Before the request is sent, the program does nothing but wait for it.
            _limit_memory(process.pid)
            output, errors = process.communicate(document, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise GantryError(
                f"The Compose files could not be read within {seconds:g} seconds. Make them smaller, and use fewer "
                "aliases.",
                details={"cause": "timeout"},
            ) from None
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, output, errors


def _limit_memory(process_id: int) -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = _MEMORY if hard == resource.RLIM_INFINITY else min(hard, _MEMORY)
    resource.prlimit(process_id, resource.RLIMIT_DATA, (limit, limit))


def _decoded(output: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(output)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _broken(code: int, errors: bytes) -> GantryError:
    text = errors.decode("utf-8", "replace")
    if any(message in text for message in _OUT_OF_MEMORY):
        return GantryError(
            f"Reading the Compose files takes more than {_MEMORY // MIB} MiB of memory. Make them smaller, and use "
            "fewer aliases.",
            details={"cause": "memory"},
        )
    said = next((line.strip() for line in text.splitlines() if line.strip()), "no message")
    return GantryError(
        f"The program that reads Compose files ended with exit code {code}. Its message is: {said.rstrip('.')}.",
        details={"cause": "program"},
    )


def _error(problem: Mapping[str, Any]) -> GantryError:
    place = _place(problem)
    message = problem["message"].removesuffix(".")
    start = "" if place.file is None else f" {place}:"
    facts = {name: problem[name] for name in ("file", "line", "key", "nearest") if name in problem}
    return GantryError(
        f"The Compose files cannot be read.{start} {message}.", details={"cause": problem["code"], **facts}
    )


def _place(found: Mapping[str, Any]) -> ComposePlace:
    return ComposePlace(found.get("file"), found.get("line"))


def _project(answer: Mapping[str, Any], directory: Path) -> ComposeProject:
    model = answer["model"]
    return ComposeProject(
        name=model["name"],
        directory=directory,
        services=model.get("services") or {},
        networks=model.get("networks") or {},
        volumes=model.get("volumes") or {},
        secrets=model.get("secrets") or {},
        configs=model.get("configs") or {},
        extensions={tuple(found["path"]): found["values"] for found in answer["extensions"]},
        attributes=tuple(
            ComposeAttribute(found["pattern"], tuple(found["path"]), _place(found)) for found in answer["attributes"]
        ),
        warnings=tuple(answer["warnings"]),
    )
