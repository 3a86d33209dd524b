# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the options that set limits and settings of the guest's kernel."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from tests.support.builders.containers import config_of


def test_a_limit_has_one_value_or_two() -> None:
    config = config_of(ulimits=["nofile:1024", "core:0:-1", "memlock:-1"])
    assert config.values["ulimits"] == {
        "core": {"soft": 0, "hard": -1},
        "memlock": {"soft": -1, "hard": -1},
        "nofile": {"soft": 1024, "hard": 1024},
    }


@pytest.mark.parametrize("text", ["nofile", "nofile:", "nofile:a", "files:1", "nofile:1:2:3", "nofile:-2", ":1"])
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(GantryError, match=r"^ulimits holds .* Write name:soft"):
        config_of(ulimits=[text])


@pytest.mark.parametrize("text", ["core:2:1", "core:-1:1"])
def test_a_soft_limit_above_the_hard_one_is_refused(text: str) -> None:
    with pytest.raises(GantryError, match="must not exceed the hard limit"):
        config_of(ulimits=[text])


def test_a_limit_that_is_given_twice_is_refused() -> None:
    with pytest.raises(GantryError, match="ulimits has core twice"):
        config_of(ulimits=["core:1", "core:2"])


@pytest.mark.parametrize("text", ["nofile:-1", "nofile:1:1048577"])
def test_more_open_files_than_the_kernel_permits_require_its_setting(text: str) -> None:
    with pytest.raises(GantryError, match=r"raise it with sysctls fs\.nr_open"):
        config_of(ulimits=[text])
    assert config_of(ulimits=[text], sysctls={"fs.nr_open": "2000000"}).values["ulimits"]["nofile"]


@pytest.mark.parametrize("options", [{"ulimits": ["core:1"]}, {"sysctls": {"vm.swappiness": "1"}}])
def test_fields_that_earlier_bootstraps_do_not_know_are_only_there_if_given(options: dict[str, Any]) -> None:
    (name,) = options
    place = {"ulimits": ("process", "ulimits"), "sysctls": ("sysctls",)}[name]
    assert place in config_of(**options).guest_fields()
    assert place not in config_of().guest_fields()


def test_a_number_is_refused_since_the_kernel_gets_text() -> None:
    with pytest.raises(GantryError, match="sysctls"):
        config_of(sysctls={"net.core.somaxconn": 1024})


@pytest.mark.parametrize(
    ("name", "remedy"), [("kernel.hostname", "container_hostname"), ("kernel.modprobe", "outside of the container")]
)
def test_a_setting_of_the_machine_is_refused_with_the_reason(name: str, remedy: str) -> None:
    with pytest.raises(GantryError, match=rf"sysctls cannot set {name}, since .*{remedy}"):
        config_of(sysctls={name: "x"})
