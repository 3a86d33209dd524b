# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of attributes in the guide about Compose files."""

from __future__ import annotations

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._compose.attributes import VERDICTS
from devkit.console import ToolError
from tools import compose_table


def test_the_guide_shows_the_tables_as_they_are() -> None:
    assert compose_table.page_is_current()


def test_each_attribute_is_listed_once() -> None:
    shown = compose_table.tables()
    for pattern, verdict in VERDICTS.items():
        assert shown.count(f"* - ``{pattern}``\n     - {verdict.use.value}\n     - {verdict.text}") == 1


def test_a_page_without_a_place_for_the_tables_is_an_error() -> None:
    with pytest.raises(ToolError, match="has no place for the tables"):
        compose_table._split("Compose\n")
