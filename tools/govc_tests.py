# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run govc's own tests against the lab's vCenter instead of vcsim, for which they are written.

python -m tools.govc_tests [FILE ...]     the files by name (vm, tags); all: each of tests/govc/expected.toml

The tests come with govc's module. Those that fail are listed in tests/govc/expected.toml, each with the reason. A test
that fails and is not listed, or is listed and passes, fails the run. Tests that ask for an inventory that the lab does
not have are skipped.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import tomllib

from devkit.console import CACHE, ROOT, ToolError, main_guard, run, say
from lab.vcenter_binary import SOURCES
from tools import govc
from tools.runners import Counts, report

EXPECTED = ROOT / "tests" / "govc" / "expected.toml"
# Some tests wait for what cannot happen in the lab; see their reasons. Others take a few seconds on an idle machine.
_TEST_SECONDS = 60
_FILE_SECONDS = 900
_RESULT = re.compile(r"^(?P<not>not )?ok \d+ (?P<name>.*?)(?: # (?P<directive>skip|timeout).*)?$")


@dataclass(frozen=True)
class Outcome:
    """The result of one test; ``output`` is empty unless it has failed."""

    name: str
    result: str  # passed, failed, skipped
    output: str = ""


@dataclass(frozen=True)
class Expectation:
    """What a file's tests are expected to do. ``always`` files are part of ``make test``."""

    always: bool
    fails: Mapping[str, str]


def read_expected(path: Path = EXPECTED) -> dict[str, Expectation]:
    """Return the expectations by the names of the files."""
    content = tomllib.loads(path.read_text())
    return {name: Expectation(entry.get("always", False), entry.get("fails", {})) for name, entry in content.items()}


def outcomes(tap: str) -> Iterator[Outcome]:
    """Read what bats prints in the format of the Test Anything Protocol."""
    current: Outcome | None = None
    lines: list[str] = []
    for line in [*tap.splitlines(), "1..0"]:
        match = _RESULT.match(line)
        if current and (match or not line.startswith("#")):
            yield Outcome(current.name, current.result, "\n".join(lines) if current.result == "failed" else "")
            current = None
        if match:
            result = "failed" if match["not"] else "skipped" if match["directive"] == "skip" else "passed"
            current, lines = Outcome(match["name"], result), []
        else:
            lines.append(line.removeprefix("# "))


def judge(file: str, found: Sequence[Outcome], fails: Mapping[str, str]) -> Counts:
    """Count a file's tests. Failed are those that do not do what is expected, in both directions."""
    failures = []
    for one in found:
        if one.result == "failed" and one.name not in fails:
            failures.append(f"govc {file}: {one.name}: {one.output}")
        elif one.result != "failed" and one.name in fails:
            failures.append(
                f"govc {file}: {one.name}: it is listed in {EXPECTED.name} and does not fail ({one.result})"
            )
    gone = sorted(set(fails) - {one.name for one in found})
    failures += [f"govc {file}: {name}: it is listed in {EXPECTED.name}, and there is no such test" for name in gone]
    skipped = sum(one.result == "skipped" and one.name not in fails for one in found)
    return Counts(len(found) + len(gone) - len(failures) - skipped, len(failures), skipped, failures=tuple(failures))


def _sources(folder: Path) -> Path:
    """Copy the tests of govc's module to a folder: the cache of modules cannot be written to."""
    module = f"{govc.MODULE.removesuffix('/govc')}@{govc.VERSION}"
    command = [govc.find_go(), "mod", "download", "-json", module]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    tests = Path(json.loads(done.stdout)["Dir"]) / "govc" / "test"
    if not tests.is_dir():
        raise ToolError(f"The module {module} has no folder govc/test. Choose a version in tools/govc.py that has it.")
    copied = folder / "tests"
    shutil.copytree(tests, copied, copy_function=shutil.copyfile)
    copied.chmod(0o755)
    return copied


def _programs(folder: Path) -> None:
    """Put govc, gofmt, which the tests call, and the lab as vcsim into a folder of programs."""
    folder.mkdir(parents=True)
    (folder / "gofmt").symlink_to(govc.find_gofmt())
    (folder / "govc").symlink_to(govc.build())
    built = CACHE / "govc" / "vcsim"
    environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}
    run([govc.find_go(), "build", "-trimpath", "-o", built, "./standin"], cwd=SOURCES, env=environment)
    (folder / "vcsim").symlink_to(built)


def _run_file(tests: Path, name: str, environment: Mapping[str, str]) -> list[Outcome]:
    done = subprocess.run(
        ["bats", "--tap", f"{name}.bats"],
        cwd=tests,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_FILE_SECONDS,
    )
    found = list(outcomes(done.stdout))
    if not found:
        raise ToolError(f"bats has run no test of {name}.bats:\n{done.stdout}{done.stderr}")
    return found


def run_tests(names: Sequence[str] = ()) -> Counts:
    """Run the files of these names; without names, those that are always run; with ``all``, all."""
    expected = read_expected()
    chosen = [name for name in expected if "all" in names or name in names or (not names and expected[name].always)]
    unknown = sorted(set(names) - set(expected) - {"all"})
    if unknown:
        raise ToolError(f"{EXPECTED.name} has no {', '.join(unknown)}. Choose from: all, {', '.join(expected)}.")
    if shutil.which("bats") is None:
        raise ToolError("bats is not installed. Run `make setup`, which installs it.")
    total = Counts()
    with tempfile.TemporaryDirectory(prefix="gantry-govc-") as directory:
        folder = Path(directory)
        tests = _sources(folder)
        _programs(folder / "go" / "bin")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GOVC_")}
        environment = {
            **inherited,
            "HOME": directory,
            "GOPATH": str(folder / "go"),  # the tests prepend its bin to PATH
            "BATS_TEST_TIMEOUT": str(_TEST_SECONDS),
            "TMPDIR": directory,
        }
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for name, found in zip(
                chosen, pool.map(lambda one: _run_file(tests, one, environment), chosen), strict=True
            ):
                counts = judge(name, found, expected[name].fails)
                say(f"govc {name}: {counts}")
                total += counts
    return total


def main() -> None:
    report(run_tests(sys.argv[1:]), "Tests of govc did not do what tests/govc/expected.toml says.")


if __name__ == "__main__":
    main_guard(main)
