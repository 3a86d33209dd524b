# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the lab's namespace: its name, and its removal with the processes in it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lab.namespace import namespace_exists, namespace_name, remove_namespace

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")


def test_each_state_directory_has_its_own_name_and_keeps_it(tmp_path: Path) -> None:
    one, other = namespace_name(tmp_path / "one"), namespace_name(tmp_path / "other")
    assert one == namespace_name(tmp_path / "one")
    assert one != other
    assert one.startswith("gantry-lab-")


def test_removing_a_missing_namespace_does_nothing(tmp_path: Path) -> None:
    assert remove_namespace(namespace_name(tmp_path)) is False


@needs_root
def test_a_namespace_is_removed_with_the_processes_in_it(tmp_path: Path) -> None:
    name = namespace_name(tmp_path)
    subprocess.run(["ip", "netns", "add", name], check=True)
    inside = subprocess.Popen(["ip", "netns", "exec", name, "sleep", "600"])
    outside = subprocess.Popen(["sleep", "600"])
    try:
        while (
            str(inside.pid)
            not in subprocess.run(
                ["ip", "netns", "pids", name], capture_output=True, text=True, check=True
            ).stdout.split()
        ):
            assert inside.poll() is None
        assert namespace_exists(name)
        assert remove_namespace(name) is True
        assert not namespace_exists(name)
        assert inside.wait(10) == -9
        assert outside.poll() is None
    finally:
        for process in (inside, outside):
            process.kill()
            process.wait()
