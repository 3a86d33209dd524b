# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the playbook site killed at random points: the next run converges."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.lab.cloud import cloud_variables, remove_cloud
from tests.support.lab.control import Control
from tests.support.lab.direct import DirectRunner
from tests.support.lab.inventory_dump import dump_vcenter
from tests.support.lab.killed import PARTS, Held, KillablePlaybook, assert_converges, without_import_name


def held_objects(lab: Mapping[str, Any]) -> Held:
    """Return the objects, roles and permissions of the vCenter, and its files. MoIDs differ each time."""
    names = sorted(map(without_import_name, dump_vcenter(lab["vcenter"])))
    files = [name for name in names if name.startswith("[")]
    return [name for name in names if not name.startswith("[")], files


@pytest.mark.timeout(2400)
@pytest.mark.parametrize("part", PARTS)
def test_a_site_converges(
    home: Path,
    lab: dict[str, Any],
    operator: dict[str, str],
    direct: DirectRunner,
    calls: Control,
    iso: Path,
    part: int,
) -> None:
    variables = cloud_variables(lab, iso)
    site = KillablePlaybook(home, operator, variables, "site.yml")
    assert_converges(site, lab, lambda: remove_cloud(direct, variables), calls, held=held_objects, part=part)
