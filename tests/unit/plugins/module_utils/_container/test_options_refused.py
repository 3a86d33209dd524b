# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the refusal of docker_container's options that have no meaning for a VM."""

from __future__ import annotations

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.operation import ContainerVm
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_refused import REFUSED


@pytest.mark.parametrize("option", sorted(REFUSED))
def test_an_option_is_refused_with_a_reason_and_a_remedy(option: str) -> None:
    with pytest.raises(GantryError) as caught:
        ContainerVm().refuse(["name", option, "image"])
    start = f"{option} is an option of docker_container that container_vm does not have. "
    assert caught.value.message.startswith(start)
    sentences = caught.value.message.removeprefix(start).split(". ")
    assert len(sentences) >= 2
    assert caught.value.message.endswith(".")


def test_all_refused_options_are_reported_together_with_their_aliases_too() -> None:
    with pytest.raises(GantryError, match=r"^2 problems were found, and nothing was changed\.") as caught:
        ContainerVm().refuse(["privileged", "env", "expose"])
    assert [problem.split()[0] for problem in caught.value.details["problems"]] == ["privileged", "expose"]


def test_the_options_of_the_module_are_not_refused() -> None:
    assert not REFUSED.keys() & ContainerVm.argument_spec.keys()
    ContainerVm().refuse(ContainerVm.argument_spec)
