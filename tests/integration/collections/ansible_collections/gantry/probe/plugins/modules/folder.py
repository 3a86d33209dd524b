# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""See operations.py."""

from __future__ import annotations

from ansible_collections.gantry.probe.plugins.module_utils.operations import FolderOperation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module

if __name__ == "__main__":
    run_module(FolderOperation())
