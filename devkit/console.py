# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repository's folders, progress lines with timings, and commands that must succeed, for all development tools."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
CACHE = ROOT / ".cache"


class ToolError(Exception):
    """An error that tells the user what to do. It is shown without a traceback."""


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Print one line before the work, and one with its duration after it."""
    say(f"-- {title} ...")
    begin = time.monotonic()
    yield
    say(f"-- {title}: {time.monotonic() - begin:.1f} s")


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a command that must succeed. Its output goes where ours goes."""
    words = [str(word) for word in command]
    result = subprocess.run(words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, check=False)
    if result.returncode:
        raise ToolError(f"The command failed with exit code {result.returncode}: {shlex.join(words)}")


def main_guard(main: object) -> None:
    """Run a tool's main function. A ToolError becomes a message and exit code 1."""
    try:
        code = main() if callable(main) else None
    except ToolError as error:
        sys.stdout.flush()
        print(f"error: {error}", file=sys.stderr, flush=True)
        sys.exit(1)
    except subprocess.CalledProcessError as error:
        sys.stdout.flush()
        print(
            f"error: The command failed with exit code {error.returncode}: {shlex.join(map(str, error.cmd))}",
            file=sys.stderr,
        )
        sys.exit(1)
    sys.exit(code or 0)
