# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The error of the lab's controller."""

from __future__ import annotations

from devkit.console import ToolError


class LabError(ToolError):
    """An error whose message has the request, the cause and the remedy. It is shown without a traceback."""
