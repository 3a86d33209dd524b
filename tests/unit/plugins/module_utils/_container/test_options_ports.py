# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the ports that a container offers."""

from __future__ import annotations

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from tests.support.builders.containers import config_of, desired_container


def test_equal_ports_are_one_port_in_any_form() -> None:
    ports = config_of(published_ports=["443:443", "80", "80:80/tcp", "53:53/udp", "8000-8010:8000-8010"])
    assert ports.values["published_ports"] == ("53/udp", "80/tcp", "443/tcp", "8000-8010/tcp")
    aliased = desired_container(image="nginx:1", ports=["80"]).config
    assert aliased is not None
    assert aliased.hash() == config_of(published_ports=["80:80"]).hash()


@pytest.mark.parametrize("text", ["8080:80", "8080:80/udp", "80-81:80"])
def test_another_port_outside_is_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(
        GantryError, match=r"ports are not redirected, so both numbers must be equal\. Give 80, or have"
    ):
        config_of(published_ports=[text])


@pytest.mark.parametrize("text", ["", "0", "65536", "http", "127.0.0.1:80:80", "81-80", "80/icmp", "80-", "all"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(GantryError, match=r"^published_ports holds .*Write a port or a range"):
        config_of(published_ports=[text])
