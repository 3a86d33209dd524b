# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vCenters that have other versions of the API, or accept fewer of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.lab.control import Control
from tests.support.lab.drive import drive


@pytest.mark.parametrize(
    "choices",
    [
        {"oldest_api": "7.0.0.0"},
        {"api": "9.0.0.0", "oldest_api": "8.0.0.1"},
        {"api": "9.0.0.0", "oldest_api": "9.0.0.0"},
        {"api": "7.0.3.0"},
    ],
    ids=["8.0 without 6.7", "9.0 without 7.0", "9.0 only", "7.0"],
)
def test_modules_speak_a_version_that_vcenter_accepts(
    lab: dict[str, Any], calls: Control, choices: dict[str, str]
) -> None:
    calls.behave(**choices)
    result = drive("container_vm_info", lab["vcenter"])
    assert "failed" not in result, result
