# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations that are larger than one setting of a VM may be: they are compressed, or refused before any change."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.lab.containers import PREFIX, VmBuilder, building
from tests.support.lab.control import Control
from tests.support.lab.direct import DirectRunner

MODULE = "gantry.vsphere.container_vm"
IMAGE = "registry.example.com/large:1"
NAME = f"{PREFIX}large"
TEXT = "All work and no play makes Jack a dull boy. " * 100
LARGE = {f"CHAPTER_{number}": TEXT for number in range(50)}


@pytest.fixture(scope="module")
def builder(lab: dict[str, Any]) -> Iterator[VmBuilder]:
    with building(lab) as one:
        one.make_image(IMAGE, 7, {"Cmd": ["serve"]})
        yield one


@pytest.fixture
def task(lab: dict[str, Any], builder: VmBuilder) -> Iterator[dict[str, Any]]:
    place = {"datacenter": lab["datacenter"], "cluster": lab["cluster"], "networks": [{"name": "VM Network"}]}
    yield {"name": NAME, "image": IMAGE, "wait_timeout": 60, **place}
    builder.clear()


def test_a_large_configuration_is_compressed(
    direct: DirectRunner, builder: VmBuilder, task: dict[str, Any], calls: Control
) -> None:
    created, again = direct([{MODULE: {**task, "env": LARGE}}] * 2).ok().outcomes
    assert created["container"]["status"] == "running"
    assert not again.changed
    stored = builder.vm(NAME).config
    for key in ("guestinfo.gantry.spec", "gantry.config"):
        assert stored[key].startswith("gzip+base64:")
        assert len(stored[key]) < 60 << 10
    small = direct({MODULE: {**task, "env": {"CHAPTER_1": "short"}}}).ok().last
    assert small.changed
    assert "CHAPTER_1=short" in builder.vm(NAME).spec["process"]["env"]


def test_a_configuration_that_does_not_fit_is_refused_before_anything_changes(
    direct: DirectRunner, task: dict[str, Any], calls: Control
) -> None:
    noise = "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=100_000))
    (refused,) = direct({MODULE: {**task, "env": {"NOISE": noise}}}).outcomes
    assert refused.failed
    assert "compressed, which is what fits into one setting of a VM. Shorten env" in refused.msg
    assert calls.mutating() == []
