# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python package gantry-vsphere-runtime with the program that reads Compose files, for tests of modules."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.runtime_package import stage_compose

_PACKAGE = "gantry_vsphere_runtime"


@contextmanager
def runtime_package(folder: Path) -> Iterator[None]:
    """Let tasks find the package as if it were installed, without its bootstrap ISO, as long as the context lasts."""
    site = str(stage_compose(folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        # Ansible's own processes find it there.
        patch.setenv("PYTHONPATH", site, prepend=os.pathsep)
        try:
            yield
        finally:
            sys.modules.pop(_PACKAGE, None)
