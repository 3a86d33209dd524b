# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of privileges in the security guide."""

from __future__ import annotations

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._access.privileges import REQUIREMENTS
from devkit.console import ToolError
from tools import privileges


def test_the_guide_shows_the_table_as_it_is() -> None:
    assert privileges.page_is_current()


def test_each_module_is_linked_once_and_each_privilege_is_listed() -> None:
    table = privileges.table()
    for name, requirements in REQUIREMENTS.items():
        kind = "inventory" if name == "container_vms" else "module"
        assert table.count(f":ansplugin:`gantry.vsphere.{name}#{kind}`") == 1
        for requirement in requirements:
            assert f"On {requirement.where}, {requirement.purpose}." in table
            for privilege in requirement.privileges:
                assert f"``{privilege}``" in table


def test_a_page_without_a_place_for_the_table_is_an_error() -> None:
    with pytest.raises(ToolError, match="has no place for the table"):
        privileges._split("Security\n")
