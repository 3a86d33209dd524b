# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that each documented limit of an option is enforced: at the limit, and one step beyond it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container import options_parsers
from ansible_collections.gantry.vsphere.plugins.modules import container_vm
from tests.support.builders.containers import desired_container

DOCUMENTED = yaml.safe_load(container_vm.DOCUMENTATION)["options"]
GUEST = Path(__file__).parents[5] / "guest"

# The option, its minimum or maximum, a value beyond it, further options, and the words of the documentation.
BOUNDS: list[tuple[str, Any, Any, dict[str, Any], str]] = [
    ("name", "x" * 63, "x" * 64, {}, "at most 63 characters"),
    ("name", "x", "", {}, "beginning with a letter or digit"),
    ("memory", "96M", "92M", {}, "at least V(96M)"),
    ("memory", "256M", "257M", {}, "a multiple of 4 MiB"),
    ("cpus", 1, 0, {}, "at least V(1)"),
    ("scratch_size", "64M", "65535K", {}, "at least V(64M) for a disk"),
    ("scratch_size", "1M", "1023K", {"writable": "tmpfs"}, "V(1M) for V(tmpfs)"),
    ("shm_size", "4K", "4095", {}, "at least V(4K)"),
    ("log_max_size", "16K", "16383", {}, "at least V(16K)"),
    ("wait_timeout", 1, 0, {}, "at least V(1)"),
    ("stop_timeout", 0, -1, {}, "With V(0) it is killed immediately"),
    ("restart_retries", 0, -1, {"restart_policy": "on-failure"}, "V(0), without limit"),
    ("container_hostname", "x" * 64, "x" * 65, {}, "at most 64 characters"),
    ("healthcheck.retries", 1, 0, {}, "at least V(1)"),
    ("healthcheck.interval", "1ms", "999us", {}, "at least V(1ms)"),
]


def described(option: str) -> str:
    node: dict[str, Any] = {"suboptions": DOCUMENTED}
    for part in option.split("."):
        node = node["suboptions"][part]
    return re.sub(r"\s+", " ", " ".join(node["description"]))


def options(option: str, value: Any, further: dict[str, Any]) -> dict[str, Any]:
    first, _dot, second = option.partition(".")
    given = {"test": "true", second: value} if second else value
    return {"image": "app:1", **further, first: given}


@pytest.mark.parametrize(("option", "within", "beyond", "further", "words"), BOUNDS)
def test_a_documented_bound_is_the_enforced_one(
    option: str, within: Any, beyond: Any, further: dict[str, Any], words: str
) -> None:
    assert words in described(option)
    assert desired_container(**options(option, within, further)).config is not None
    with pytest.raises(GantryError, match=re.escape(option)):
        desired_container(**options(option, beyond, further))


def test_the_least_memory_and_disk_are_what_the_guest_boots_with_and_formats() -> None:
    text = (GUEST.parent / "docs" / "developers" / "guest.md").read_text()
    assert f"The smallest VM has {options_parsers.MIN_MEMORY >> 20} MiB" in text
    assert f"The smallest is {options_parsers.MIN_SCRATCH_DISK >> 20} MiB" in text
