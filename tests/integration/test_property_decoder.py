# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that everything that a vCenter has is decoded as by pyVmomi."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.property_decoder import (
    PropertyDecoder,
    UnusualAnswerError,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim, vmodl
from tests.support.builders.vmomi import assert_same, decoded_by_pyvmomi
from tests.support.lab.containers import VmBuilder, building

KINDS = (
    "Datacenter",
    "Folder",
    "ClusterComputeResource",
    "HostSystem",
    "ResourcePool",
    "Datastore",
    "StoragePod",
    "Network",
    "DistributedVirtualPortgroup",
    "VmwareDistributedVirtualSwitch",
    "VirtualMachine",
)
IMAGE = "registry.example.com/decoder:1"


@pytest.fixture(scope="module")
def builder(lab: dict[str, Any]) -> Iterator[VmBuilder]:
    with building(lab) as one:
        one.make_image(IMAGE, 1, {"Cmd": ["serve"]})
        yield one


class Comparison:
    """Counts what is decoded, and left to pyVmomi, and compares each value with that of pyVmomi."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.values = self.left = 0
        decode = PropertyDecoder.decode

        def compared(decoder: PropertyDecoder, content: bytes, result: Any, stub: Any) -> Any:
            try:
                ours = decode(decoder, content, result, stub)
            except UnusualAnswerError:
                self.left += 1
                raise
            self.values += assert_same(ours, decoded_by_pyvmomi(content, result, stub))
            return ours

        monkeypatch.setattr(PropertyDecoder, "decode", compared)


def read_everything(builder: VmBuilder, kind: str) -> int:
    """Read all properties of all objects of a type; return the number of objects."""
    collector, content = vmodl.query.PropertyCollector, builder.session.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [getattr(vim, kind)], True)
    select = collector.TraversalSpec(type=vim.view.ContainerView, path="view", skip=False)
    spec = collector.FilterSpec(
        propSet=[collector.PropertySpec(type=getattr(vim, kind), all=True)],
        objectSet=[collector.ObjectSpec(obj=view, skip=True, selectSet=[select])],
    )
    page = content.propertyCollector.RetrievePropertiesEx([spec], collector.RetrieveOptions(maxObjects=3))
    found = 0
    while page is not None:
        found += len(page.objects)
        page = content.propertyCollector.ContinueRetrievePropertiesEx(page.token) if page.token else None
    view.DestroyView()
    return found


def test_all_properties_of_all_objects_are_those_of_pyvmomi(
    builder: VmBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    comparison = Comparison(monkeypatch)
    found = {kind: read_everything(builder, kind) for kind in KINDS}
    assert {kind for kind, number in found.items() if not number} <= {"StoragePod", "VmwareDistributedVirtualSwitch"}
    assert comparison.values > 5000, comparison.values
    assert comparison.left == 0


def test_the_reads_of_a_task_are_decoded_here(builder: VmBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    comparison = Comparison(monkeypatch)
    builder.session.inventory(vms=True, refresh=True)
    builder.session.read_all("VirtualMachine", ["config", "runtime", "guest", "snapshot", "layoutEx"])
    builder.session.read_all("HostSystem", ["summary", "config.network"])
    assert (comparison.values > 1000, comparison.left) == (True, 0)
