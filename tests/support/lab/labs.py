# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labs without a hypervisor for tests: started for them, or one that is up already."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.lab.least import least_privileged_users


@contextmanager
def open_lab(
    folder: Path, more: Mapping[str, Any] | None = None, *, running: str | None = "GANTRY_TEST_LAB"
) -> Iterator[dict[str, Any]]:
    """Start a lab with this configuration, and yield the content of its lab.json.

    Modules run in it as users with the documented privileges (least.py). While one works on a test, a lab that is up
    may serve: the variable ``running`` has the path of its lab.json.
    """
    with _lab(folder, more or {}, os.environ.get(running) if running else None) as info, least_privileged_users(info):
        yield info


@contextmanager
def _lab(folder: Path, more: Mapping[str, Any], path: str | None) -> Iterator[dict[str, Any]]:
    if path:
        yield json.loads(Path(path).read_text())
        return
    from lab.held import running_lab

    with running_lab(folder, {"hypervisor": "none", "ports": "free", **more}) as info:
        yield info
