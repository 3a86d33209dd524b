# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Leases of imports and exports, as vCenter shows them, for tests without one."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim


@dataclass
class Lease:
    """A lease that becomes ready after some reads of its state."""

    urls: list[Any]
    looks: int = 2
    fault: Any = None
    calls: list[Any] = field(default_factory=list)

    def rows(self) -> list[dict[str, Any]]:
        self.looks -= 1
        if self.looks > 0:
            return [{"state": vim.HttpNfcLease.State.initializing}]
        if self.fault is not None:
            return [{"state": vim.HttpNfcLease.State.error, "error": self.fault}]
        return [
            {
                "state": vim.HttpNfcLease.State.ready,
                "info": SimpleNamespace(deviceUrl=self.urls, entity="vm-7"),
            }
        ]

    def HttpNfcLeaseProgress(self, percent: int) -> None:  # noqa: N802 - the vSphere API's names
        self.calls.append(percent)

    def HttpNfcLeaseComplete(self) -> None:  # noqa: N802
        self.calls.append("complete")

    def HttpNfcLeaseAbort(self) -> None:  # noqa: N802
        self.calls.append("abort")


def device(url: str, *, disk: bool = True, thumbprint: str = "", key: str = "") -> Any:
    return SimpleNamespace(url=url, disk=disk, sslThumbprint=thumbprint, key=key)
