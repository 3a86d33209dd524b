# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test files and secrets with the lab's vCenter, with nothing booted: its guests wait for them as the bootstrap does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.lab.containers import IMAGE, PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.direct import DirectRunner
from tests.support.lab.playbook import WAYS

VM = "gantry.vsphere.container_vm"
SET = "gantry.vsphere.container_set"
NAME = f"{PREFIX}files"
KEY = "integration-key-1"
SEND = "StartProgramInGuest"


@pytest.fixture
def options(builder: VmBuilder, lab: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the options of a container with a file and a secret."""
    yield {
        "name": NAME,
        "image": IMAGE,
        "datacenter": lab["datacenter"],
        "cluster": lab["cluster"],
        "guest_operations": True,
        "guest_key": KEY,
        "files": [{"target": "/etc/app.conf", "content": "debug = false\n", "mode": "0640"}],
        "secrets": [{"name": "db", "content": "first-password"}],
    }
    builder.clear()


def status(builder: VmBuilder) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(builder.vm(NAME).config["guestinfo.gantry.status"])
    return found


@pytest.mark.parametrize("way", WAYS)
def test_files_are_sent_once_and_again_after_a_change(
    options: dict[str, Any], builder: VmBuilder, direct: DirectRunner, calls: Control, way: Any
) -> None:
    calls.forget()
    created = direct({VM: options}, way=way).ok().last
    assert calls.methods().count(SEND) == 1
    assert created["container"]["status"] == "running"
    assert builder.vm(NAME).spec["files"]["entries"][0] == {
        "target": "/etc/app.conf",
        "owner": "",
        "group": "",
        "mode": "0640",
    }
    # Nothing to do, and a restart without the files: they are on the container's disk.
    assert not direct({VM: options}, way=way).ok().last.changed
    direct([{VM: {"name": NAME, "state": "stopped"}}, {VM: {"name": NAME, "state": "started"}}], way=way).ok()
    assert calls.methods().count(SEND) == 1
    # Another secret: check mode and the diff say so, without a value, and nothing is sent in check mode.
    changed = {**options, "secrets": [{"name": "db", "content": "second-password"}]}
    predicted = direct({VM: changed}, way=way, check=True, diff=True).ok().last
    assert calls.methods().count(SEND) == 1
    done = direct({VM: changed}, way=way, diff=True).ok().last
    assert done["actions"] == predicted["actions"] == [f"stop {NAME}", f"reconfigure {NAME}: secrets", f"start {NAME}"]
    assert predicted["diff"] == done["diff"]
    assert "digest" in json.dumps(done["diff"])
    assert "password" not in json.dumps(done["diff"])
    assert calls.methods().count(SEND) == 2
    assert not direct({VM: changed}, way=way).ok().last.changed
