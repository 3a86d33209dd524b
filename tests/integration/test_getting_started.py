# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that the files of the page for new users do what the page says. `make test-fresh` also runs its commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devkit.console import ROOT
from tests.support.lab.ansible_inventory import InventoryRunner
from tests.support.lab.iso import make_iso
from tests.support.lab.playbook import PlaybookRunner
from tools.page_blocks import blocks_of

PAGE = ROOT / "docs" / "docsite" / "rst" / "getting_started.rst"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Write the files of the page into a folder."""
    folder = tmp_path / "page"
    folder.mkdir()
    for block in blocks_of(PAGE):
        if block.caption:
            (folder / block.caption).write_text(block.text)
    return folder


@pytest.mark.timeout(600)
def test_the_files_of_the_page_work(
    lab: dict[str, Any], play: PlaybookRunner, files: Path, tmp_path: Path, cleared: None
) -> None:
    environment = {"GANTRY_LAB_BOOTSTRAP_ISO": str(make_iso(tmp_path, "9.9.9"))}
    # The lab of the tests has free ports and boots nothing, so the registry and the image are others.
    arguments = ["-e", f"@{files / 'lab.yml'}", "-e", f"image={lab['images']['tiny']}"]

    first = play(files / "web.yml", environment=environment, arguments=arguments).ok()
    assert first.last["msg"].startswith("web is healthy on esx")
    again = play(files / "web.yml", environment=environment, arguments=arguments).ok()
    assert not any(outcome.changed for outcome in again.outcomes)
    listing = InventoryRunner(play.home, play.connection).list([files / "my.container_vms.yml"])
    assert listing.groups["label_tier_front"] == ["web"]
    moved = play(files / "move.yml").ok()
    assert moved.task("Move it").changed
    removed = play(files / "remove.yml", environment=environment, arguments=arguments).ok()
    assert all(outcome.changed for outcome in removed.outcomes)
