# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare EVC modes. Pure."""

from __future__ import annotations

# From the oldest to the newest, as in VMware's KB 1003212; a host that supports one supports all before it.
_FAMILIES = (
    (
        "intel-merom", "intel-penryn", "intel-nehalem", "intel-westmere", "intel-sandybridge", "intel-ivybridge",
        "intel-haswell", "intel-broadwell", "intel-skylake", "intel-cascadelake", "intel-icelake",
        "intel-sapphirerapids",
    ),
    (
        "amd-rev-e", "amd-rev-f", "amd-greyhound-no3dnow", "amd-greyhound", "amd-bulldozer", "amd-piledriver",
        "amd-steamroller", "amd-zen", "amd-zen2", "amd-zen3", "amd-zen4",
    ),
)  # fmt: skip
_RANK = {mode: (family, rank) for family, modes in enumerate(_FAMILIES) for rank, mode in enumerate(modes)}


def runs(needed: str | None, offered: str | None) -> bool:
    """Return whether a VM that needs a mode runs where another is offered; unknown modes are left to vCenter."""
    if needed not in _RANK or offered not in _RANK:
        return True
    (vendor, least), (other, most) = _RANK[needed], _RANK[offered]
    return vendor == other and least <= most
