# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make lint: run all static checks, each even if another has failed. A table at the end lists the results.

python -m tools.lint [--fix] [NAME ...]
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from devkit.console import CACHE, ROOT, VENV, ToolError, main_guard, run, say
from tools import collection, docs, environment, matrix, programs, source_rules
from tools.govc import find_gofmt
from tools.sanity import run_sanity

_SHEBANGS = (b"#!/bin/sh", b"#!/bin/bash", b"#!/usr/bin/env bash")
MYPY_PATH = CACHE / "mypy-path"
GO_MODULES = ("compose", "guest", "lab/vcenter")
# Typed Python that is not shipped; each directory is a package.
DEVELOPMENT_PACKAGES = ("devkit", "tools", "lab", "guest", "compose", "benchmarks")


def _bin(name: str) -> str:
    return str(VENV / "bin" / name)


def go_modules() -> list[Path]:
    return [ROOT / name for name in GO_MODULES if (ROOT / name / "go.mod").exists()]


def check_ruff() -> None:
    run([_bin("ruff"), "check", "."])
    run([_bin("ruff"), "format", "--check", "."])


def check_mypy() -> None:
    # In site-packages, mypy would treat the collection as an installed package without types.
    environment.link_collection(MYPY_PATH)
    variables = {**os.environ, "MYPYPATH": str(MYPY_PATH)}
    plugins = f"{'.'.join(environment.COLLECTION.parts)}.plugins"
    run([_bin("mypy"), "--python-version", "3.10", "-p", plugins], env=variables)
    packages = [name for name in DEVELOPMENT_PACKAGES if any((ROOT / name).glob("*.py"))]
    run([_bin("mypy"), *(word for name in packages for word in ("-p", name))], env=variables)


def check_go() -> None:
    for module in go_modules():
        result = subprocess.run([find_gofmt(), "-l", "."], cwd=module, capture_output=True, text=True, check=True)
        if result.stdout:
            raise ToolError(
                f"Not formatted in {module.relative_to(ROOT)}: {' '.join(result.stdout.split())}. Run: make format"
            )
        run([_bin("go"), "vet", "-trimpath", "./..."], cwd=module)


def check_ansible_lint(venv: Path = VENV) -> None:
    # The examples configure the connection by these variables; without them, required options seem to be missing.
    connection = {"VMWARE_HOST": "vcenter.example.com", "VMWARE_USER": "user", "VMWARE_PASSWORD": "none"}
    command = [str(venv / "bin" / "ansible-lint"), "--offline", "--profile", "production", "--nocolor"]
    # It calls ansible's programs by name.
    path = f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}"
    run(command, env={**os.environ, **connection, "PATH": path})


def check_oldest_ansible_lint() -> None:
    """Run the ansible-lint of Automation Hub under the oldest ansible-core, unless this machine lacks its Python."""
    venv = matrix.LINT_OLDEST.make()
    if venv is not None:
        check_ansible_lint(venv)


def check_changelog() -> None:
    run([_bin("antsibull-changelog"), "lint"])


def check_docs() -> None:
    """Check the documentation of the plugins, build the site with each warning an error, and check its links."""
    # rstcheck does not know the roles and directives of Sphinx, which checks the pages.
    run([_bin("antsibull-docs"), "lint-collection-docs", "--plugin-docs", "--skip-rstcheck", "."])
    docs.build()
    docs.check_links()


def check_artifact() -> None:
    """Build the collection, check its contents, and run Galaxy's importer on it."""
    with tempfile.TemporaryDirectory(prefix="gantry-build-") as folder:
        archive = collection.build(Path(folder))
        collection.check_contents(archive)
        config = Path(folder) / "galaxy-importer.cfg"
        # The checks "sanity", "ruff" and "ansible-lint" run these.
        apart = "RUN_ANSIBLE_TEST=False\nRUN_FLAKE8=False\nRUN_ANSIBLE_LINT=False\n"
        config.write_text(f"[galaxy-importer]\nCHECK_REQUIRED_TAGS=True\n{apart}")
        variables = {**os.environ, "GALAXY_IMPORTER_CONFIG": str(config)}
        run([_bin("python"), "-m", "galaxy_importer.main", str(archive)], cwd=Path(folder), env=variables)


def check_shell() -> None:
    """Check the syntax of each shell script that git tracks."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.split("\n"):
        path = ROOT / name
        if path.is_file() and path.open("rb").readline().startswith(_SHEBANGS):
            run([shutil.which("bash") or "/bin/bash", "-n", str(path)])


CHECKS: dict[str, Callable[[], None]] = {
    "rules": source_rules.check,
    "programs": programs.check,
    "ruff": check_ruff,
    "mypy": check_mypy,
    "go": check_go,
    "shell": check_shell,
    "changelog": check_changelog,
    "docs": check_docs,
    "ansible-lint": check_ansible_lint,
    "ansible-lint-oldest": check_oldest_ansible_lint,
    "artifact": check_artifact,
    "sanity": run_sanity,
}


def fix() -> None:
    run([_bin("ruff"), "check", "--fix", "."])
    run([_bin("ruff"), "format", "."])
    for module in go_modules():
        run([find_gofmt(), "-w", "."], cwd=module)


@dataclass(frozen=True)
class Result:
    name: str
    seconds: float
    problem: str


def _run_apart(name: str) -> Result:
    """Run a check in a process of its own, and print its output when it has ended."""
    begin = time.monotonic()
    command = [_bin("python"), "-m", "tools.lint", name]
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    say(done.stdout.rstrip())
    return Result(name, time.monotonic() - begin, f"exit code {done.returncode}" if done.returncode else "")


def _run_here(name: str) -> Result:
    say(f"== lint: {name}")
    begin = time.monotonic()
    problem = ""
    try:
        CHECKS[name]()
    except (ToolError, subprocess.CalledProcessError) as error:
        problem = str(error)
        say(f"error: {problem}")
    return Result(name, time.monotonic() - begin, problem)


def run_checks(names: list[str]) -> list[Result]:
    """Run the checks, each even if another has failed, and print the table."""
    # The importer and ansible-lint search PATH for programs of the environment.
    os.environ["PATH"] = f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"
    # Sanity takes as long as all others together, and most of it one CPU only.
    apart = [name for name in names if name == "sanity" and len(names) > 1]
    with ThreadPoolExecutor() as pool:
        beside = [pool.submit(_run_apart, name) for name in apart]
        results = [_run_here(name) for name in names if name not in apart]
        results += [one.result() for one in beside]
    say("== lint: summary")
    for result in results:
        word = "FAILED" if result.problem else "passed"
        say(f"{word}  {result.seconds:6.1f} s  {result.name}  {result.problem}".rstrip())
    return results


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.lint", description="static checks")
    parser.add_argument("--fix", action="store_true", help="format the sources instead of checking them")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CHECKS)}; default: all")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(CHECKS))
    if unknown:
        parser.error(f"no such check: {', '.join(unknown)}")
    if arguments.fix:
        fix()
        return 0
    results = run_checks(arguments.names or list(CHECKS))
    return 1 if any(result.problem for result in results) else 0


if __name__ == "__main__":
    main_guard(main)
