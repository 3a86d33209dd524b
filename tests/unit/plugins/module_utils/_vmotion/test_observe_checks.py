# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which recommendation of DRS is followed."""

from __future__ import annotations

from typing import Any

from pyVmomi import vim

from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.observe_checks import recommended_host
from tests.support.builders.placement_views import vm


def recommendation(host: str, home: str | None, *disks: tuple[int, str], spec: bool = True) -> Any:
    relocate = vim.vm.RelocateSpec(
        datastore=None if home is None else vim.Datastore(home),
        disk=[vim.vm.RelocateSpec.DiskLocator(diskId=key, datastore=vim.Datastore(store)) for key, store in disks],
    )
    action = vim.cluster.PlacementAction(targetHost=vim.HostSystem(host), relocateSpec=relocate if spec else None)
    return vim.cluster.Recommendation(action=[action])


def asked(*recommendations: Any) -> tuple[str | None, frozenset[str]]:
    return recommended_host(vim.cluster.PlacementResult(recommendations=list(recommendations)), vm())


def test_a_recommendation_for_the_vms_datastores_is_followed() -> None:
    one = vm()
    disk = one.disks[0]
    assert asked(recommendation("host-1", one.home, (disk.key, disk.datastore))) == ("host-1", frozenset())
    assert asked(recommendation("host-1", None)) == ("host-1", frozenset())
    assert asked(recommendation("host-1", None, spec=False)) == ("host-1", frozenset())


def test_a_recommendation_for_other_datastores_is_not_followed() -> None:
    one = vm()
    assert asked(recommendation("host-1", "elsewhere")) == (None, frozenset({"elsewhere"}))
    disks = recommendation("host-1", one.home, (one.disks[0].key, "other"))
    assert asked(recommendation("host-1", "elsewhere"), disks) == (None, frozenset({"elsewhere", "other"}))
    assert asked(disks, recommendation("host-2", one.home)) == ("host-2", frozenset())


def test_no_recommendation_names_no_datastores() -> None:
    assert asked() == (None, frozenset())
    assert asked(vim.cluster.Recommendation(action=[vim.cluster.PlacementAction()])) == (None, frozenset())
