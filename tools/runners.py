# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run pytest and go test, and count the tests by their machine-readable reports."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from devkit.console import ROOT, VENV, ToolError, say


@dataclass(frozen=True)
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    # Why the part failed although no test did; empty otherwise.
    problem: str = ""
    # A line for each failed test: its name, and the beginning of what it reported.
    failures: tuple[str, ...] = ()

    def __add__(self, other: Counts) -> Counts:
        problem = "; ".join(filter(None, (self.problem, other.problem)))
        return Counts(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
            problem,
            self.failures + other.failures,
        )

    @property
    def good(self) -> bool:
        return not self.failed and not self.problem

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def report(counts: Counts, problem: str) -> None:
    """Print the counts of a program that judges tests itself; raise ToolError with the problem if they are not good."""
    for failure in counts.failures:
        say(f"FAILED  {failure}")
    say(str(counts))
    if not counts.good:
        raise ToolError(problem)


# So much of a failed test's message is repeated at the end of all.
_MESSAGE_CHARACTERS = 400
# Each worker of pytest has a lab of its own; more than four are not faster with the present tests.
_MOST_WORKERS = 4


def pytest(arguments: Sequence[str], venv: Path = VENV, *, more_workers: int = 0) -> Counts:
    """Run pytest of an environment with a worker for each CPU; a run in which no test passed is a failure.

    Tests that wait for a part of their time leave CPUs idle without ``more_workers``.
    """
    workers = ["-n", str(min((os.cpu_count() or 1) + more_workers, _MOST_WORKERS)), "--dist", "loadfile"]
    workers += ["-p", "tools.distribution", "--no-loadscope-reorder"]
    # The time of all tests is limited, so those that take much of it are named.
    workers += ["--durations=15", "--durations-min=8"]
    with tempfile.TemporaryDirectory(prefix="gantry-pytest-") as folder:
        report = Path(folder) / "report.xml"
        command = [str(venv / "bin" / "python"), "-m", "pytest", f"--junit-xml={report}", *workers, *arguments]
        environment = {**os.environ, "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        code = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, check=False).returncode
        counts = _read_junit(report) if report.exists() else Counts()
    if code == 0 and counts.passed:
        return counts
    if code == 1 and counts.failed:
        return counts
    return counts + Counts(problem=f"pytest {' '.join(arguments)}: exit code {code}, {counts}")


def _read_junit(report: Path) -> Counts:
    # Written by our own pytest a moment ago.
    root = ElementTree.parse(report).getroot()  # noqa: S314
    total = Counts()
    for suite in root.iter("testsuite"):
        tests, skipped = int(suite.attrib["tests"]), int(suite.attrib["skipped"])
        failed = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
        total += Counts(tests - failed - skipped, failed, skipped)
    return total + Counts(failures=tuple(_junit_failures(root)))


def _junit_failures(root: ElementTree.Element) -> Iterator[str]:
    for case in root.iter("testcase"):
        for outcome in (*case.findall("failure"), *case.findall("error")):
            message = " ".join(outcome.attrib.get("message", "").split())
            yield f"{case.attrib['classname']}::{case.attrib['name']}: {message[:_MESSAGE_CHARACTERS]}"


def _as_root() -> list[str]:
    """Return the option by which go test runs the tests as root, if this user may do so: VMs need namespaces.

    Other users run those that need no root, and the rest is counted as skipped.
    """
    if os.geteuid() == 0 or shutil.which("sudo") is None:
        return []
    may = subprocess.run(["sudo", "-n", "true"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return [] if may.returncode else ["-exec", "sudo -n --preserve-env=PATH"]


def go_test(module: Path) -> Counts:
    """Run the tests of a Go module; print a line for each package, and the output of each failed test."""
    command = [str(VENV / "bin" / "go"), "test", "-trimpath", "-json", *_as_root(), "./..."]
    passed = failed = skipped = 0
    failures: list[str] = []
    output: dict[tuple[str, str], list[str]] = {}
    with subprocess.Popen(
        command, cwd=module, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if not line.startswith("{"):
                say(line.rstrip())
                continue
            event = json.loads(line)
            package, test = event.get("Package", event.get("ImportPath", "")), event.get("Test", "")
            action = event["Action"]
            if action in ("output", "build-output"):
                output.setdefault((package, test), []).append(event["Output"])
            elif action in ("pass", "fail", "skip"):
                said = "".join(output.pop((package, test), []))
                if action == "fail" or not test:
                    say(said.rstrip())
                if action == "fail" and test:
                    failures.append(f"{package} {test}: {' '.join(said.split())[:_MESSAGE_CHARACTERS]}")
                if test:
                    passed += action == "pass"
                    failed += action == "fail"
                    skipped += action == "skip"
            elif action == "build-fail":
                say("".join(output.pop((package, test), [])).rstrip())
    counts = Counts(passed, failed, skipped, failures=tuple(failures))
    if process.returncode and not failed:
        counts += Counts(problem=f"go test in {module.relative_to(ROOT)}: exit code {process.returncode}")
    return counts
