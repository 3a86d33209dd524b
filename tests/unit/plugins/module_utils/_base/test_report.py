# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test reports of progress, and what they tell of the time that changes took."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Finished, Stopwatch


def test_a_stopwatch_passes_messages_on_and_adds_up_the_times() -> None:
    messages: list[str] = []
    watch = Stopwatch(messages.append)
    for message in (
        "start web",
        Finished("web", 1.26, "1 of 2"),
        Finished("db", 2.0, "2 of 2"),
        Finished("web", 1, ""),
    ):
        watch(message)
    assert messages[:2] == ["start web", "web: done in 1.3 s (1 of 2)"]
    assert watch.seconds == {"web": 2.26, "db": 2.0}
