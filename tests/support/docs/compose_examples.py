# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check examples of Compose files as container_stack does, and give examples of tasks a project that exists."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.entries import StackSettings, stack_entries
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import ComposeRequest
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.read import read_project
from compose.build import build
from tests.support.runtime import runtime_package


def is_compose_file(document: Mapping[str, Any]) -> bool:
    return "services" in document


def compose_problems(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the loader or the translation to containers refuses of a file."""
    with tempfile.TemporaryDirectory() as folder:
        request = ComposeRequest(Path(folder), definition=json.dumps(document), project_name="example")
        try:
            project = read_project(request, build())
        except GantryError as error:
            yield error.message
            return
        _entries, refusals = stack_entries(project, StackSettings(networks={"*": "VM Network"}))
        yield from (str(one) for one in refusals.found)


@contextmanager
def with_project(options: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the options of a task with container_stack with a directory that has a project with the named services."""
    with tempfile.TemporaryDirectory() as folder, runtime_package(Path(folder)):
        project = Path(folder) / "project"
        project.mkdir()
        services = {name: {"image": name} for name in options.get("scale") or ["web"]}
        for file in options.get("files") or ["compose.yaml"]:
            (project / file).write_text(json.dumps({"services": services}))
        yield {**options, "project_src": str(project)}
