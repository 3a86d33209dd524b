# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the bare systems of `make test-fresh`, with the packages of the README and this machine's package sources."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
from pathlib import Path

import pytest

from devkit.console import ROOT, ToolError
from tools import fresh

DEBIAN = {"ID": "debian", "VERSION_CODENAME": "bookworm"}
TARGETS = """\
bookworm bookworm http://mirror.example/debian/
bookworm-updates bookworm-updates http://mirror.example/debian/
bookworm-security bookworm-security http://mirror.example/security/
stable other http://vendor.example/
"""


def test_the_packages_are_those_of_the_readme_and_of_every_other_text() -> None:
    packages = fresh.readme_packages((ROOT / "README.md").read_text())
    assert packages == ["make", "git", "python3"]
    for name in ("Makefile", "CONTRIBUTING.md"):
        (line,) = re.findall(r"apt-get install ([a-z0-9 -]+)", (ROOT / name).read_text())
        assert line.split() == packages, name


@pytest.mark.parametrize("readme", ["nothing\n", "    apt-get install a\n    apt-get install b\n"])
def test_a_readme_without_exactly_one_list_of_packages_is_an_error(readme: str) -> None:
    with pytest.raises(ToolError, match="exactly one is expected"):
        fresh.readme_packages(readme)


def test_another_release_comes_from_the_archives_of_this_one() -> None:
    assert fresh.sources(fresh.SUITES["trixie"], DEBIAN, TARGETS, None) == [
        "deb http://mirror.example/debian/ trixie main",
        "deb http://mirror.example/security/ trixie-security main",
    ]


def test_package_sources_with_the_suite_stable_are_accepted() -> None:
    targets = "stable bookworm http://mirror.example/debian/\n"
    assert fresh.archives(targets, "bookworm", ("", "-security")) == {"": "http://mirror.example/debian/"}


def test_missing_package_sources_are_reported() -> None:
    with pytest.raises(ToolError, match="no package source of bookworm"):
        fresh.archives("stable other http://vendor.example/\n", "bookworm", ("",))


def test_the_release_of_another_distribution_is_refused() -> None:
    with pytest.raises(ToolError, match=r"trixie is a release of debian.*sources of ubuntu only"):
        fresh.sources(fresh.SUITES["trixie"], {"ID": "ubuntu", "VERSION_CODENAME": "noble"}, TARGETS, None)


def test_the_release_of_another_distribution_comes_from_the_archive_that_is_named() -> None:
    archive = "http://mirror.example/ubuntu/"
    keys = "[signed-by=/usr/share/keyrings/ubuntu-archive-keyring.gpg]"
    assert fresh.sources(fresh.SUITES["noble"], DEBIAN, TARGETS, archive) == [
        f"deb {keys} {archive} noble main universe",
        f"deb {keys} {archive} noble-updates main universe",
        f"deb {keys} {archive} noble-security main universe",
    ]


def test_security_updates_of_debian_are_not_sought_in_the_archive_that_is_named() -> None:
    (line,) = fresh.sources(fresh.SUITES["trixie"], {"ID": "ubuntu"}, "", "http://mirror.example/debian/")
    assert line.endswith(" http://mirror.example/debian/ trixie main")


def test_all_releases_of_the_distribution_of_this_machine_are_tested_by_default() -> None:
    assert fresh.own_suites(DEBIAN) == ["bookworm", "trixie"]
    assert fresh.own_suites({"ID": "ubuntu"}) == ["noble"]
    with pytest.raises(ToolError, match=r"no release of arch.*--suite.*--archive"):
        fresh.own_suites({"ID": "arch"})


def _task(**more: object) -> fresh.Task:
    words = {"command": None, "test": None, "user": False, "archive": None, **more}
    return fresh.task_of(argparse.Namespace(**words))


def test_the_page_for_new_users_is_what_runs_unless_something_else_is_asked_for() -> None:
    script = _task().command
    assert "\napt-get install -y make git python3\nmake lab-up\n" in script
    assert _task(user=True).command == script.replace("\napt-get", "\nsudo apt-get")
    assert _task(command="make demo").command == "make demo"


def test_the_test_suite_or_parts_of_it_can_be_run() -> None:
    assert _task(test=[]).command == "make test"
    command = "make setup && .venv/bin/python -m tools.test lint go"
    assert _task(test=["lint", "go"], user=True) == fresh.Task(command, command, fresh.SUDO_USER, None)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Create a root file system with one static program and a clone that holds one file."""
    folder = tmp_path / "root"
    for name in ("bin", "dev", "proc", "run", fresh.ROOT_USER.clone, "sys"):
        (folder / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", folder / "bin" / "busybox")
    for name in ("cat", "sh", "sleep", "umount"):
        (folder / "bin" / name).symlink_to("busybox")
    (folder / fresh.ROOT_USER.clone / "marker").write_text("here\n")
    return folder


def _commands() -> set[bytes]:
    """Return the command line of each process of this machine."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended
            found.add(path.read_bytes())
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")
def test_a_command_runs_in_the_clone_and_nothing_of_it_is_left(root: Path) -> None:
    unique = f"{os.getpid()}.25"
    command = f"sleep {unique} & cat marker > /result; cat /proc/mounts > /mounts; exit 7"
    assert fresh.enter(root, command, fresh.ROOT_USER) == 7
    assert (root / "result").read_text() == "here\n"
    assert "/old" not in (root / "mounts").read_text()
    assert f"sleep\0{unique}\0".encode() not in _commands()
    assert str(root) not in Path("/proc/self/mountinfo").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")
def test_a_command_has_the_network_of_this_machine_and_nothing_else_of_its_environment(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("GANTRY_PYTHON", "/opt/python")
    script = "[ $https_proxy = http://proxy.example:3128 ] && [ -z $GANTRY_PYTHON ]"
    assert fresh.enter(root, script, fresh.ROOT_USER) == 0


def test_a_root_is_removed_unless_it_is_kept_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh, "PARENT", tmp_path)
    for keep in (False, True):
        with fresh.folder(fresh.SUITES["trixie"], keep) as folder:
            (folder / "file").touch()
        assert folder.exists() is keep
