# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that the documentation site is expected to have a page for everything that users call."""

from __future__ import annotations

from pathlib import Path

from devkit.console import ROOT
from tools import docs


def test_each_module_plugin_and_role_must_have_a_page(tmp_path: Path) -> None:
    for name in ("plugins/modules/vm.py", "plugins/inventory/vms.py", "plugins/action/vm.py", "roles/cloud/README.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.touch()
    assert docs.expected_pages(tmp_path) == ["cloud_role.html", "vm_module.html", "vms_inventory.html"]
    assert "container_vm_module.html" in docs.expected_pages(ROOT)
