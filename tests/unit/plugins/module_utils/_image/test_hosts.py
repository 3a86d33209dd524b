# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hardware a template gets, and which host takes an upload where vCenter does not choose."""

from __future__ import annotations

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._image.encode import hardware_for
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.hosts import UploadHost, choose_host


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
def test_the_hardware_is_what_all_hosts_know(versions: list[str], version: str, guest_id: str) -> None:
    hardware = hardware_for(versions)
    assert (hardware.version, hardware.guest_id) == (version, guest_id)


def test_the_host_is_a_usable_one_and_always_the_same() -> None:
    hosts = [
        UploadHost("h3", "esx3", "8", True),
        UploadHost("h1", "esx1", "8", False),
        UploadHost("h2", "esx2", "8", True),
    ]
    assert choose_host(hosts, "/DC0/host/C0", "shared0").moid == "h2"


def test_no_usable_host_is_told() -> None:
    with pytest.raises(GantryError, match=r"No host of /DC0/host/C0 can take an upload to datastore shared0.*esx1"):
        choose_host([UploadHost("h1", "esx1", "8", False)], "/DC0/host/C0", "shared0")
