# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The version of the vSphere API that is spoken: the newest one that both pyVmomi and the server know. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import VmomiSupport

# The first call of a session needs a version before that of the server is known. If the server does not accept this
# one, it lists the versions that it accepts.
FIRST_VERSION = "vim.version.version12"  # 6.7
VERSIONS_PATH = "/sdk/vimServiceVersions.xml"
# Found in the text of the list, which is not parsed as XML.
_NAMESPACE = re.compile(rb"<name>\s*urn:vim25\s*</name>(.*?)</namespace>", re.DOTALL)
_VERSION = re.compile(rb"<version>\s*([0-9.]+)\s*</version>")


def best_version(api_version: str) -> str:
    """Return the newest API version that both pyVmomi and a server of this version know."""
    server = _numbers(api_version)
    return _newest(number for number in _known() if number <= server) or FIRST_VERSION


def is_at_least(version: str, api_version: str) -> bool:
    """Return whether a version of pyVmomi has everything that this API version has."""
    return _numbers(VmomiSupport.versionIdMap[version]) >= _numbers(api_version)


def common_version(document: bytes) -> str | None:
    """Return the newest API version that both pyVmomi and the server's list have; None if there is none."""
    namespace = _NAMESPACE.search(document)
    listed = [] if namespace is None else _VERSION.findall(namespace[1])
    return _newest(number for number in map(_numbers, map(bytes.decode, listed)) if number in _known())


def _newest(numbers: Iterable[tuple[int, ...]]) -> str | None:
    best = max(numbers, default=())
    return _known().get(best)


def _known() -> dict[tuple[int, ...], str]:
    """Return pyVmomi's versions by their numbers."""
    known = {
        _numbers(number): name for name, number in VmomiSupport.versionIdMap.items() if name.startswith("vim.version.")
    }
    known.pop((), None)
    return known


def _numbers(version: str) -> tuple[int, ...]:
    # Trailing zeros are ignored: "8.0" is not older than "8.0.0.0". Other text than numbers is not a release.
    parts = version.strip().split(".")
    if not all(part.isdigit() for part in parts):
        return ()
    numbers = [int(part) for part in parts]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
