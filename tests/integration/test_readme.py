# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that the playbook in the README does what the README says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.lab.iso import make_iso
from tests.support.lab.playbook import PlaybookRunner

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    """Write the only playbook in the README to a file, as a reader would copy it."""
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    path = tmp_path / "readme.yml"
    path.write_text(block)
    return path


@pytest.fixture
def variables(lab: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    iso = make_iso(tmp_path, "9.9.9")
    return {"image": lab["images"]["tiny"], "datastore": lab["datastore"], "iso": str(iso)}


def test_the_playbook_runs_and_a_second_run_changes_nothing(
    play: PlaybookRunner, playbook: Path, variables: dict[str, Any], cleared: None
) -> None:
    # The lab's registry uses plain HTTP, and the runtime package is not installed; the README mentions neither.
    options = {"container_image": {"registry_tls_verify": False}, "bootstrap_image": {"src": "{{ iso }}"}}
    defaults = {"module_defaults": {f"gantry.vsphere.{module}": values for module, values in options.items()}}
    (only,) = yaml.safe_load(playbook.read_text())
    playbook.write_text(yaml.safe_dump([{**only, **defaults}], sort_keys=False))
    first = play(playbook, extra_vars=variables).ok()
    assert first.task("Run the container").changed
    assert first.last["msg"].startswith("http://")
    second = play(playbook, extra_vars=variables).ok()
    assert not any(outcome.changed for outcome in second.outcomes)


def test_every_module_plugin_and_role_is_in_the_tables() -> None:
    listed = sorted(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE))
    folders = ("plugins/modules/*.py", "plugins/inventory/*.py", "plugins/lookup/*.py", "roles/*")
    assert listed == sorted(path.stem for pattern in folders for path in ROOT.glob(pattern))
