# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the virtual hardware of a template."""

from __future__ import annotations

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._image.encode import hardware_for


@pytest.mark.parametrize(
    ("versions", "version", "guest_id"),
    [
        (["8.0.3", "7.0.0"], "vmx-17", "other5xLinux64Guest"),
        (["8.0.3", "6.7.0"], "vmx-14", "other4xLinux64Guest"),
        (["10.0.0"], "vmx-17", "other5xLinux64Guest"),
        ([""], "vmx-14", "other4xLinux64Guest"),
        ([], "vmx-14", "other4xLinux64Guest"),
    ],
)
def test_the_hardware_is_supported_by_all_hosts(versions: list[str], version: str, guest_id: str) -> None:
    hardware = hardware_for(versions)
    assert (hardware.version, hardware.guest_id) == (version, guest_id)
