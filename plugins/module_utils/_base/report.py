# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How an operation reports its progress."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[str], None]


class Finished(str):
    """The message that all changes of an object are made, and how many seconds they took."""

    __slots__ = ("name", "seconds")
    name: str
    seconds: float

    def __new__(cls, name: str, seconds: float, progress: str) -> Finished:
        message = super().__new__(cls, f"{name}: done in {seconds:.1f} s ({progress})")
        message.name, message.seconds = name, seconds
        return message


class Stopwatch:
    """A report that passes all messages on, and adds up how long the changes of each object took."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.seconds: dict[str, float] = {}

    def __call__(self, message: str) -> None:
        if isinstance(message, Finished):
            self.seconds[message.name] = self.seconds.get(message.name, 0.0) + message.seconds
        self._report(message)
