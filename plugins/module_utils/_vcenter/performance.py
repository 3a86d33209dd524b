# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vCenter's real-time statistics of VMs: the samples of 20 seconds that it keeps for an hour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, vim

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

SAMPLE_SECONDS = 20
# vCenter asks the host of each VM; a query of all VMs at once would hold one answer back for the slowest host.
_QUERIED_VMS = 100
_CSV = "csv"


@dataclass(frozen=True)
class Samples:
    """The samples of one VM. A value is None if the host has none for that time."""

    # ISO 8601, of the ends of the samples, oldest first.
    times: tuple[str, ...]
    # By counter, such as cpu.usagemhz.average.
    values: Mapping[str, tuple[int | None, ...]]


def read_samples(session: Session, vms: Sequence[Any], counters: Sequence[str], most: int) -> dict[str, Samples]:
    """Return the latest samples by MoID. VMs that have none, such as those that are off, are left out.

    Takes a request for the counters and one for each hundred VMs. ``most`` is the number of samples of each VM.
    """
    if not vms:
        return {}
    manager = session.content.perfManager
    names = _keys_of(session, manager, frozenset(counters))
    metrics = [vim.PerformanceManager.MetricId(counterId=key, instance="") for key in names]
    found: dict[str, Samples] = {}
    for chunk in _chunks(vms):
        specs = [
            vim.PerformanceManager.QuerySpec(
                entity=vm, metricId=metrics, intervalId=SAMPLE_SECONDS, maxSample=most, format=_CSV
            )
            for vm in chunk
        ]
        found.update({moid_of(entity.entity): _decode(entity, names) for entity in manager.QueryPerf(specs)})
    return found


def _keys_of(session: Session, manager: Any, counters: frozenset[str]) -> dict[int, str]:
    """Return the names of the counters by their keys, which differ from vCenter to vCenter."""
    (row,) = session.read([manager], ["perfCounter"])
    known = {counter.key: _name(counter) for counter in row["perfCounter"]}
    return {key: name for key, name in known.items() if name in counters}


def _name(counter: Any) -> str:
    return f"{counter.groupInfo.key}.{counter.nameInfo.key}.{counter.rollupType}"


def _chunks(vms: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(vms), _QUERIED_VMS):
        yield vms[begin : begin + _QUERIED_VMS]


def _decode(entity: Any, names: Mapping[int, str]) -> Samples:
    """Decode the text of one VM: intervals and times in turn, and values, of which -1 stands for none."""
    times = tuple(entity.sampleInfoCSV.split(",")[1::2])
    values = {names[series.id.counterId]: tuple(map(_value, series.value.split(","))) for series in entity.value}
    return Samples(times, values)


def _value(text: str) -> int | None:
    return None if not text or int(text) < 0 else int(text)
