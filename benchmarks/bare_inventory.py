# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read from vCenter, with nothing but pyVmomi, what a host of the inventory is made of: what it must cost at least.

benchmarks.inventory runs it in a process of its own: python -c "from benchmarks.bare_inventory import read; read()"
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim, vmodl

_KEYS = (
    "gantry.kind",
    "gantry.id",
    "gantry.image",
    "gantry.image.digest",
    "gantry.labels",
    "gantry.spec",
    "gantry.status",
    "guestinfo.gantry.status",
)
_PROPERTIES: dict[str, list[str]] = {
    "VirtualMachine": [
        "name",
        "parent",
        "config.annotation",
        "config.files.vmPathName",
        "config.hardware.memoryMB",
        "config.hardware.numCPU",
        "config.instanceUuid",
        "datastore",
        "guest.net",
        "guest.toolsRunningStatus",
        "resourcePool",
        "runtime.host",
        "runtime.powerState",
        *(f'config.extraConfig["{key}"]' for key in _KEYS),
    ],
    "Folder": ["name", "parent"],
    "Datacenter": ["name", "parent"],
    "ComputeResource": ["name", "parent"],
    "ResourcePool": ["name", "owner"],
    "HostSystem": ["name", "parent"],
    "Datastore": ["name"],
}
_PAGE = 2000


def read_rows(content: Any, properties: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Any]]:
    """Return the properties of all objects of these types, by MoID: one container view, page by page."""
    collector: Any = vmodl.query.PropertyCollector
    kinds = [getattr(vim, name) for name in properties]
    view = content.viewManager.CreateContainerView(content.rootFolder, kinds, True)
    spec = collector.FilterSpec(
        propSet=[
            collector.PropertySpec(type=kind, pathSet=paths)
            for kind, paths in zip(kinds, properties.values(), strict=True)
        ],
        objectSet=[
            collector.ObjectSpec(
                obj=view,
                skip=True,
                selectSet=[collector.TraversalSpec(type=vim.view.ContainerView, path="view", skip=False)],
            )
        ],
    )
    rows: dict[str, dict[str, Any]] = {}
    page = content.propertyCollector.RetrievePropertiesEx([spec], collector.RetrieveOptions(maxObjects=_PAGE))
    while page is not None:
        for found in page.objects:
            rows[found.obj._moId] = {item.name: item.val for item in found.propSet}  # noqa: SLF001 - its only name
        page = content.propertyCollector.ContinueRetrievePropertiesEx(page.token) if page.token else None
    view.DestroyView()
    return rows


def _path(rows: dict[str, dict[str, Any]], moid: str) -> str:
    names: list[str] = []
    while moid in rows:
        names.append(rows[moid]["name"])
        moid = getattr(rows[moid].get("parent"), "_moId", "")
    return "/".join(reversed(names))


@contextmanager
def connected() -> Iterator[Any]:
    """Log in to the vCenter of the environment, and log out at the end."""
    instance = SmartConnect(
        host=os.environ["VMWARE_HOST"],
        port=int(os.environ["VMWARE_PORT"]),
        user=os.environ["VMWARE_USER"],
        pwd=os.environ["VMWARE_PASSWORD"],
        sslContext=ssl.create_default_context(cafile=os.environ["VMWARE_CA_PATH"]),
    )
    try:
        yield instance
    finally:
        Disconnect(instance)


def read() -> None:
    with connected() as instance:
        rows = read_rows(instance.content, _PROPERTIES)
    paths = [_path(rows, moid) for moid, row in rows.items() if "runtime.powerState" in row]
    print(len(paths))
