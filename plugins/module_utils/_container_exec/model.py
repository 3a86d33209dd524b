# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program to run in a container, the container, and the program's result. Pure data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from ansible_collections.gantry.vsphere.plugins.module_utils._container.guest_access import Guests
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import GuestKey


class Selection(Protocol):
    """Which container a task works in, and the key of its secret."""

    @property
    def name(self) -> str: ...
    @property
    def guest_key(self) -> GuestKey | None: ...
    @property
    def datacenter(self) -> str | None: ...
    @property
    def folder(self) -> str | None: ...


@dataclass(frozen=True)
class GuestSelection:
    """A selection without anything else that is to be done there."""

    name: str
    guest_key: GuestKey | None
    datacenter: str | None
    folder: str | None


@dataclass(frozen=True)
class ReachedGuest:
    """A running container, and the secret that its guest expects."""

    machine: Machine
    secret: str = field(repr=False)


@dataclass(frozen=True)
class DesiredExec:
    """A program to run in a container."""

    name: str
    program: str
    # What the guest gets: the command, the environment and the input, which may hold secrets.
    arguments: str = field(repr=False)
    # In seconds; 0 is no limit.
    timeout: int
    # Whether the task only starts the program.
    detach: bool
    strip_empty_ends: bool
    guest_key: GuestKey | None
    datacenter: str | None
    folder: str | None


@dataclass(frozen=True)
class ExecResult:
    """What the guest reports of a program that has ended, or that it could not start."""

    rc: int
    timed_out: bool
    stdout: bytes
    stderr: bytes
    # The names of the streams of which only the beginning was kept.
    truncated: tuple[str, ...] = ()
    # Why the program could not be started.
    problem: str | None = None


@dataclass(frozen=True)
class ObservedExec(Guests):
    """The VMs that have the name of the container, and afterwards the program's number in the guest and its result.

    A detached program has a result only if it ended at once.
    """

    pid: int | None = None
    result: ExecResult | None = None
