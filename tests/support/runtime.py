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

from compose.build import build
from devkit.console import ROOT

_PACKAGE = "gantry_vsphere_runtime"


@contextmanager
def runtime_package(folder: Path) -> Iterator[None]:
    """Let tasks find the package as if it were installed, without its bootstrap ISO, as long as the context lasts."""
    files = folder / "site" / _PACKAGE / "files"
    files.mkdir(parents=True)
    source = (ROOT / "runtime" / "src" / _PACKAGE / "__init__.py").read_text()
    (files.parent / "__init__.py").write_text(source)
    program = build()
    (files / program.name).symlink_to(program)
    site = str(files.parent.parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        # Ansible's own processes find it there.
        patch.setenv("PYTHONPATH", site, prepend=os.pathsep)
        try:
            yield
        finally:
            sys.modules.pop(_PACKAGE, None)
