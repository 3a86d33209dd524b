# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the programs of the build in an environment that makes their output reproducible."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from devkit.console import VENV
from guest.build.errors import BuildError

# Every date in the output. Dates before 1980 cannot be written into a FAT file system.
EPOCH = 1735689600


def run(command: Sequence[str | Path], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a program and return its output; raise a BuildError with its error message if it fails."""
    return run_bytes(command, cwd=cwd, env=env).decode()


def run_bytes(command: Sequence[str | Path], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> bytes:
    """Run a program whose output is not text."""
    words = [str(word) for word in command]
    try:
        result = subprocess.run(
            words, cwd=cwd, env=reproducible_environment(env or {}), capture_output=True, check=False
        )
    except FileNotFoundError as error:
        raise BuildError(
            f"{words[0]} is not installed; bindep.txt lists what the build needs (profile guest)"
        ) from error
    if result.returncode != 0:
        said = (result.stderr or result.stdout).decode(errors="replace").strip()
        raise BuildError(f"{' '.join(words)} failed with {result.returncode}: {said}")
    return result.stdout


def reproducible_environment(extra: dict[str, str]) -> dict[str, str]:
    """Return the caller's environment without the variables that would change the output."""
    # The environment's Go comes first, also for a caller that has not put it on PATH; mke2fs and mkfs.vfat are where
    # Debian hides them from users.
    path = f"{VENV / 'bin'}:{os.environ.get('PATH', os.defpath)}"
    fixed = {
        "PATH": f"{path}:/usr/sbin:/sbin",
        "LC_ALL": "C",
        "TZ": "UTC",
        "SOURCE_DATE_EPOCH": str(EPOCH),
        "E2FSPROGS_FAKE_TIME": str(EPOCH),
        # A user's settings would show: ~/.mtoolsrc.
        "MTOOLSRC": "/dev/null",
    }
    return {**os.environ, **fixed, **extra}
