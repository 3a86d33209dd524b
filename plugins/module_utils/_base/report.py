# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How an operation reports its progress."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[str], None]
