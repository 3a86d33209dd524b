# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress lines, headings with timings, and running of commands: the one way in which the tools speak."""

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
    """Something a person has to know or do; shown without a traceback."""


def say(text: str) -> None:
    print(text, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """One progress line before and one with the time after the work."""
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
    """Runs a command that must succeed, its output going where ours goes."""
    words = [str(word) for word in command]
    result = subprocess.run(words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, check=False)
    if result.returncode:
        raise ToolError(f"exit code {result.returncode} from: {shlex.join(words)}")


def main_guard(main: object) -> None:
    """Runs a tool's main function; a ToolError is a message and exit code 1."""
    try:
        code = main() if callable(main) else None
    except ToolError as error:
        sys.stdout.flush()
        print(f"error: {error}", file=sys.stderr, flush=True)
        sys.exit(1)
    except subprocess.CalledProcessError as error:
        sys.stdout.flush()
        print(f"error: exit code {error.returncode} from: {shlex.join(map(str, error.cmd))}", file=sys.stderr)
        sys.exit(1)
    sys.exit(code or 0)
