# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text for messages."""

from __future__ import annotations

from collections.abc import Iterable

_MOST = 10


def listed(texts: Iterable[str]) -> str:
    """Return the items as text, in their order; of a long list the first ten and how many more there are."""
    whole = list(texts)
    more = len(whole) - _MOST
    return ", ".join(whole[:_MOST]) + (f" and {more} more" if more > 0 else "")
