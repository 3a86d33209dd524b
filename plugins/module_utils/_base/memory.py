# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often Python looks for objects that only refer to each other."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

# New objects between two looks. What is read of a thousand VMs is about half a million, and almost none of them is ever
# in a circle; by default all of them would be looked at again and again, for a fifth of the time of a task.
_NEW_OBJECTS = 200_000


@contextlib.contextmanager
def collecting_rarely() -> Iterator[None]:
    """Look for such objects rarely until the end of a task."""
    before = gc.get_threshold()
    if 0 < before[0] < _NEW_OBJECTS:
        gc.set_threshold(_NEW_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
