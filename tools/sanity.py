# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-test sanity on the built collection, unpacked outside the clone.

In the clone, it refuses a tree that is reached by a symbolic link, and skips everything in a folder that git ignores.
Files that are not shipped are checked by ruff and mypy.
"""

from __future__ import annotations

import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

from devkit.console import ROOT, VENV, ToolError, say
from tools import collection
from tools.environment import COLLECTION

# In the first lines of tools/get_pip.py.
_STAND_IN = "Stands in for the pip bootstrap script"
_NOTHING_TESTED = "All targets skipped"


def _pip_version(site_packages: Path) -> str:
    """Return the version of pip whose bootstrap script this ansible-test uses."""
    source = (site_packages / "ansible_test" / "_internal" / "python_requirements.py").read_text()
    # The first one is for supported versions of Python, those after it for older ones.
    found = re.search(r"\bpip='([0-9.]+)'", source)
    if not found:
        raise ToolError("The pip version of this ansible-test was not found: its python_requirements.py has changed.")
    return found.group(1)


def _provide_pip_bootstrap(version: str) -> None:
    """Put our stand-in where ansible-test caches the script that it would download; never replace a downloaded one."""
    ours = (ROOT / "tools" / "get_pip.py").read_text()
    cache = Path.home() / ".ansible" / "test" / "cache"
    script = cache / f"get_pip_{version.replace('.', '_')}.py"
    if script.exists() and _STAND_IN not in script.read_text(errors="replace"):
        return
    cache.mkdir(parents=True, exist_ok=True)
    script.write_text(ours)


def run_sanity(venv: Path = VENV) -> None:
    """Run all sanity tests of an environment's ansible-test; a run that tested nothing is a failure."""
    (site_packages,) = venv.glob("lib/python3.*/site-packages")
    _provide_pip_bootstrap(_pip_version(site_packages))
    with tempfile.TemporaryDirectory(prefix="gantry-sanity-") as folder:
        tree = Path(folder) / COLLECTION
        tree.mkdir(parents=True)
        with tarfile.open(collection.build(Path(folder))) as archive:
            archive.extractall(tree, filter="data")
        version = site_packages.parent.name.removeprefix("python")
        command = [str(venv / "bin" / "ansible-test"), "sanity", "--venv", "--python", version, "--color", "no"]
        with subprocess.Popen(
            command, cwd=tree, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout is not None
            output = []
            for line in process.stdout:
                output.append(line)
                say(line.rstrip())
        if process.returncode:
            raise ToolError("ansible-test sanity failed.")
        if any(_NOTHING_TESTED in line for line in output):
            raise ToolError("ansible-test sanity tested nothing.")
