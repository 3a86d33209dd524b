# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests of stacks: a task with a definition, as it is desired."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import ComposeProject, ComposeRequest
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.read import read_project
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack import desire
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model import DesiredStack
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.options import stack_argument_spec

Desire = Callable[..., DesiredStack]


@pytest.fixture
def stack(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desire:
    """Return a function that desires a stack with a definition and other options."""
    monkeypatch.setattr(desire, "find_program", lambda: program)
    projects: dict[tuple[str, str], ComposeProject] = {}

    def read_once(request: ComposeRequest, path: Path) -> ComposeProject:
        """Start the program once for each definition, which takes most of the time."""
        key = (str(request), str(request.variables))
        if key not in projects:
            projects[key] = read_project(request, path)
        return projects[key]

    monkeypatch.setattr(desire, "read_project", read_once)

    def run(definition: str | None, **options: Any) -> DesiredStack:
        given = {"networks": {"*": "VM Network"}, "volume_size": "1G", "project_name": "shop", **options}
        given |= {"project_src": str(tmp_path), "definition": definition, "guest_key": "key-of-the-stack"}
        checked = ArgumentSpecValidator(stack_argument_spec()).validate(given)
        assert not checked.error_messages
        return desire.desire_stack(checked.validated_parameters)

    return run
