# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plugin of pytest that distributes tests to the workers of pytest-xdist so that the longest do not come last.

pytest-xdist by itself begins with the files that have the most tests. The longest tests are alone in their files.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

# The parts of one long test, which need nothing of each other.
_PART = re.compile(r"\[part\d+\]$")


class _Units(LoadFileScheduling):  # type: ignore[misc] # mypy does not follow the imports of packages
    """A file stays together and in its order, since its tests share expensive fixtures, but for the parts of a test."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if _PART.search(nodeid) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _Units:
    return _Units(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the files: first those with the longest time limit of their own, then those with the most tests."""
    limits: dict[Path, float] = {}
    for item in items:
        marker = item.get_closest_marker("timeout")
        limits[item.path] = max(limits.get(item.path, 0), marker.args[0] if marker else 0)
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (-limits[item.path], -tests[item.path]))
