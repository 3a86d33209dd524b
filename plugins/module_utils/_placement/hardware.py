# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check which virtual hardware versions an ESXi release runs. Pure."""

from __future__ import annotations

import re

# The first release that runs each version and all before it: VMware's KB 1003746 and KB 315655. The version string of
# 6.7 does not distinguish update 2, which runs vmx-15, from earlier updates, so 6.7 counts as vmx-15.
_FIRST_RELEASES = (
    ((9, 0, 0), 22),
    ((8, 0, 2), 21),
    ((8, 0, 0), 20),
    ((7, 0, 2), 19),
    ((7, 0, 1), 18),
    ((7, 0, 0), 17),
    ((6, 7, 0), 15),
    ((6, 5, 0), 13),
    ((6, 0, 0), 11),
)
_NEWEST_RELEASE = _FIRST_RELEASES[0][0]
_HARDWARE = re.compile(r"vmx-(\d+)")
_RELEASE = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def runs_hardware(release: str | None, hardware: str | None) -> bool:
    """Return whether an ESXi release runs a hardware version; unknown ones are left to vCenter."""
    needed, there = _HARDWARE.fullmatch(hardware or ""), _RELEASE.match(release or "")
    if needed is None or there is None:
        return True
    number = tuple(int(part) for part in there.groups())
    if number > _NEWEST_RELEASE:
        return True
    most = next((version for first, version in _FIRST_RELEASES if number >= first), None)
    return most is None or int(needed[1]) <= most
