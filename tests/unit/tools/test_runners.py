# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the counting of tests: the numbers are those of the runner, and a run without tests is a failure."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools import runners
from tools.runners import Counts


def suite(folder: Path, content: str) -> list[str]:
    (folder / "test_sample.py").write_text(content)
    return ["-q", "-p", "no:cacheprovider", f"--rootdir={folder}", "-c", os.devnull, str(folder)]


def test_passed_failed_and_skipped_are_counted(tmp_path: Path) -> None:
    counts = runners.pytest(
        suite(
            tmp_path,
            "import pytest\n"
            "def test_a(): pass\n"
            "def test_b(): pass\n"
            "def test_c(): assert 1 == 2, 'why it failed'\n"
            "def test_d(): pytest.skip('why')\n",
        )
    )
    assert (counts.passed, counts.failed, counts.skipped, counts.problem) == (2, 1, 1, "")
    assert not counts.good
    (failure,) = counts.failures
    assert failure.startswith("test_sample::test_c: AssertionError: why it failed")


@pytest.mark.parametrize(
    "content",
    ["", "import pytest\ndef test_a(): pytest.skip('why')\n", "import no_such_module\n"],
    ids=["no test", "only skipped", "does not import"],
)
def test_a_run_without_a_passed_test_is_a_failure(tmp_path: Path, content: str) -> None:
    assert not runners.pytest(suite(tmp_path, content)).good


def test_counts_add_up_and_keep_every_problem() -> None:
    total = Counts(1, 0, 2, "first") + Counts(3, 1, 0, "second", ("test_a: no",))
    assert total == Counts(4, 1, 2, "first; second", ("test_a: no",))
    assert str(total) == "4 passed, 1 failed, 2 skipped"


def test_long_tests_begin_first_and_the_parts_of_one_run_at_the_same_time(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    begun.mkdir()
    note = f"import os, pathlib, time, pytest\nbegun = pathlib.Path({str(begun)!r})\n"
    (tmp_path / "test_many.py").write_text(
        note + "@pytest.mark.parametrize('number', range(9))\n"
        "def test_a(number): assert len(list(begun.iterdir())) == 2, 'a short test came first'\n"
    )
    content = note + (
        "@pytest.mark.timeout(900)\n"
        "@pytest.mark.parametrize('part', [0, 1], ids=['part0', 'part1'])\n"
        "def test_long(part):\n"
        "    (begun / str(part)).touch()\n"
        "    end = time.monotonic() + 20\n"
        "    while len(list(begun.iterdir())) < 2 and time.monotonic() < end: time.sleep(0.02)\n"
        "    assert len(list(begun.iterdir())) == 2, 'the other part did not begin'\n"
    )
    counts = runners.pytest(suite(tmp_path, content))
    assert (counts.passed, counts.failures) == (11, ())
