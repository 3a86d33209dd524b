# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What vSphere guarantees to a container's VM and what it may use at most: reservations, limits and shares. Pure.

An allocation is a mapping by the names of the options. CPU is in MHz and memory in bytes, or UNLIMITED; shares are a
level or a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import MIB, parse_size

UNLIMITED = "unlimited"
CPU, MEMORY = "cpu", "memory"
KINDS = (CPU, MEMORY)
# How many shares a level is, for each virtual CPU and for each MiB of memory (SharesLevel of the vSphere API).
LEVELS: Mapping[str, Mapping[str, int]] = {
    CPU: {"low": 500, "normal": 1000, "high": 2000},
    MEMORY: {"low": 5, "normal": 10, "high": 20},
}
# The allocation of a new VM.
DEFAULTS: Mapping[str, int | str] = {
    f"{kind}_{name}": value
    for kind in KINDS
    for name, value in (("reservation", 0), ("limit", UNLIMITED), ("shares", "normal"))
}


def parse_cpu_reservation(given: Any, _params: Mapping[str, Any]) -> int | None:
    return None if given is None else _megahertz(str(given), "cpu_reservation")


def parse_cpu_limit(given: Any, _params: Mapping[str, Any]) -> int | str | None:
    return given if given in (None, UNLIMITED) else _megahertz(given, "cpu_limit")


def parse_cpu_shares(given: Any, _params: Mapping[str, Any]) -> int | str | None:
    return _shares(given, CPU)


def parse_memory_reservation(given: Any, _params: Mapping[str, Any]) -> int | None:
    return None if given is None else _whole_mib(given, "memory_reservation")


def parse_memory_limit(given: Any, _params: Mapping[str, Any]) -> int | str | None:
    return given if given in (None, UNLIMITED) else _whole_mib(given, "memory_limit")


def parse_memory_shares(given: Any, _params: Mapping[str, Any]) -> int | str | None:
    return _shares(given, MEMORY)


def _megahertz(text: str, option: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise GantryError(f"{option} is {text!r}. Write a number of MHz, such as 2000.")
    return int(text)


def _whole_mib(text: str, option: str) -> int:
    size = parse_size(text, option)
    if size % MIB:
        raise GantryError(f"{option} is {text!r}. vSphere counts memory in whole MiB. Write a size such as 512M.")
    return size


def _shares(given: str | None, kind: str) -> int | str | None:
    if given is None or given in LEVELS[kind]:
        return given
    if not (given.isascii() and given.isdigit() and int(given)):
        raise GantryError(f"{kind}_shares is {given!r}. Write {listed(LEVELS[kind])}, or a number of shares from 1 on.")
    return int(given)


def check_allocation(values: Mapping[str, Any]) -> None:
    """Refuse reservations of more than there is or than the limit permits."""
    reserved, memory = values["memory_reservation"] or 0, values["memory"]
    if reserved > memory:
        raise GantryError(
            f"memory_reservation is {reserved // MIB} MiB, and the VM has {memory // MIB} MiB of memory. Reserve at "
            "most the memory, or give more memory."
        )
    for kind in KINDS:
        reservation, limit = values[f"{kind}_reservation"], values[f"{kind}_limit"]
        if isinstance(limit, int) and limit < (reservation or 0):
            raise GantryError(
                f"{kind}_limit is less than {kind}_reservation. Give a limit of at least the reservation."
            )
