# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make test: run the parts of the test suite, and print the duration and the counts of each and of all.

python -m tools.test PART ... [-- ARGUMENTS OF PYTEST, OR NAMES OF SCENARIOS, FILES OR GROUPS]
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from devkit.console import CACHE, ToolError, main_guard, say
from lab.images.build import build_all
from tools import client_modules, govc_tests, lint, matrix, runners, scenarios
from tools.runners import Counts
from tools.sanity import run_sanity

# Slow tests of layers and disks, for which ansible-core and pyVmomi are not needed.
_INDEPENDENT = tuple(
    f"--ignore-glob=tests/unit/plugins/module_utils/_oci/test_{name}*" for name in ("convert", "decompress", "flatten")
)
# Tests of the modules that each ansible-core of the matrix runs.
_SMOKE = ["tests/integration", "-m", "smoke"]


def _lint(_arguments: Sequence[str]) -> Counts:
    results = lint.run_checks(list(lint.CHECKS))
    failed = sum(bool(result.problem) for result in results)
    return Counts(len(results) - failed, failed)


def _unit(arguments: Sequence[str]) -> Counts:
    # A test compares our conversion with umoci's on these images.
    build_all(CACHE / "images")
    return runners.pytest(["tests/unit", *arguments])


def _plugins(arguments: Sequence[str], venv: Path) -> Counts:
    """Run the unit tests of what users run, in an environment with another ansible-core. The rest is for developers."""
    build_all(CACHE / "images")
    return runners.pytest(["tests/unit/plugins", "tests/unit/roles", *arguments], venv)


def _go(_arguments: Sequence[str]) -> Counts:
    return sum((runners.go_test(module) for module in lint.go_modules()), Counts())


def _govc(arguments: Sequence[str]) -> Counts:
    return govc_tests.run_tests(arguments)


def _clients(arguments: Sequence[str]) -> Counts:
    return client_modules.run_tests(arguments)


def _integration(arguments: Sequence[str]) -> Counts:
    return runners.pytest(["tests/integration", *arguments], more_workers=2)


def _molecule(arguments: Sequence[str]) -> Counts:
    return scenarios.molecule(arguments)


def _e2e(arguments: Sequence[str]) -> Counts:
    return runners.pytest(["tests/e2e", *arguments], more_workers=1)


def _oldest(arguments: Sequence[str]) -> Counts:
    """Run what depends on ansible-core and pyVmomi under the oldest ones; the matrix runs the rest, too."""
    venv = matrix.OLDEST.make()
    return _plugins([*_INDEPENDENT, *arguments], venv) if venv else Counts(skipped=1)


def _sanity(venv: Path) -> Counts:
    say("-- ansible-test sanity")
    try:
        run_sanity(venv)
    except ToolError as error:
        say(f"error: {error}")
        return Counts(failed=1, failures=(f"sanity in {venv.name}: {error}",))
    return Counts(1)


def _matrix(arguments: Sequence[str]) -> Counts:
    total = Counts()
    for row in matrix.ROWS:
        say(f"-- ansible-core {row.core} on Python {row.python}")
        venv = row.make()
        if venv is None:
            total += Counts(skipped=1)
            continue
        total += _sanity(venv)
        total += _plugins(arguments, venv)
        total += runners.pytest([*_SMOKE, *arguments], venv)
    return total


PARTS: dict[str, Callable[[Sequence[str]], Counts]] = {
    "lint": _lint,
    "unit": _unit,
    "go": _go,
    "govc": _govc,
    "clients": _clients,
    "oldest": _oldest,
    "integration": _integration,
    "molecule": _molecule,
    "e2e": _e2e,
    "matrix": _matrix,
}
# Lint ends with minutes of ansible-test, which uses one CPU. These run beside it, one after the other.
_BESIDE_LINT = ("govc", "clients", "go", "unit", "oldest")
# The matrix contains all of "oldest" and takes long.
ALL = ("lint", *_BESIDE_LINT, "integration", "molecule", "e2e")


def _timed(name: str, arguments: Sequence[str]) -> tuple[str, Counts, float]:
    say(f"\n==== {name}")
    begin = time.monotonic()
    try:
        counts = PARTS[name](arguments)
    except ToolError as error:
        say(f"error: {error}")
        counts = Counts(problem=str(error).splitlines()[0])
    seconds = time.monotonic() - begin
    say(f"==== {name}: {counts}, {seconds:.0f} s")
    return name, counts, seconds


def _lanes(parts: Sequence[str]) -> Iterator[list[list[str]]]:
    """Yield what runs at the same time: lists of parts, each of which runs one part after the other."""
    for _key, group in itertools.groupby(parts, lambda name: name == "lint" or name in _BESIDE_LINT or name):
        names = list(group)
        yield [lane for lane in ([n for n in names if n == "lint"], [n for n in names if n != "lint"]) if lane]


def run(parts: Sequence[str], arguments: Sequence[str]) -> bool:
    """Run the parts, each even if another has failed, and print the table."""
    results: list[tuple[str, Counts, float]] = []
    for lanes in _lanes(parts):
        with ThreadPoolExecutor(len(lanes)) as pool:
            for lane in pool.map(lambda names: [_timed(name, arguments) for name in names], lanes):
                results += lane
    total = sum((counts for _name, counts, _seconds in results), Counts())
    for failure in total.failures:
        say(f"FAILED  {failure}")
    say("\n==== summary")
    for name, counts, seconds in results:
        say(f"{'passed' if counts.good else 'FAILED'}  {seconds:6.0f} s  {name:12} {counts}  {counts.problem}".rstrip())
    say(str(total))
    return total.good


def main() -> int:
    words = sys.argv[1:]
    split = words.index("--") if "--" in words else len(words)
    parts, arguments = words[:split], words[split + 1 :]
    if parts == ["all"]:
        parts = list(ALL)
    unknown = sorted(set(parts) - set(PARTS))
    if unknown or not parts:
        say(f"usage: python -m tools.test PART ... [-- ARGUMENTS OF PYTEST]; parts: all, {', '.join(PARTS)}")
        return 2
    return 0 if run(parts, arguments) else 1


if __name__ == "__main__":
    main_guard(main)
