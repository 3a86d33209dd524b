# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe the resources that containers use: averages and maxima of vCenter's real-time statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.performance import (
    SAMPLE_SECONDS,
    Samples,
    read_samples,
)

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_KIB = 1 << 10
# The facts by vCenter's counters, with the factor to their units.
_FACTS: Mapping[str, tuple[str, float]] = {
    "cpu.usage.average": ("cpu_percent", 0.01),
    "cpu.usagemhz.average": ("cpu_mhz", 1),
    "mem.consumed.average": ("memory_bytes", _KIB),
    "disk.read.average": ("disk_read_bytes_per_second", _KIB),
    "disk.write.average": ("disk_write_bytes_per_second", _KIB),
    "net.received.average": ("network_receive_bytes_per_second", _KIB),
    "net.transmitted.average": ("network_transmit_bytes_per_second", _KIB),
}


def observe_usage(session: Session, machines: Sequence[Machine], minutes: int) -> list[Machine]:
    """Return the containers with what they have used in these last minutes, and None for those without samples."""
    running = [session.ref("VirtualMachine", machine.moid) for machine in machines if machine.running]
    samples = read_samples(session, running, list(_FACTS), minutes * 60 // SAMPLE_SECONDS)
    return [replace(machine, usage=_usage(samples.get(machine.moid))) for machine in machines]


def _usage(samples: Samples | None) -> Mapping[str, Any] | None:
    if samples is None or not samples.times:
        return None
    facts = {name: _summary(samples.values.get(counter, ()), factor) for counter, (name, factor) in _FACTS.items()}
    return {"samples": len(samples.times), "begin": samples.times[0], "end": samples.times[-1], **facts}


def _summary(values: Sequence[int | None], factor: float) -> dict[str, float] | None:
    known = [value * factor for value in values if value is not None]
    if not known:
        return None
    return {"average": round(sum(known) / len(known), 2), "maximum": round(max(known), 2)}
