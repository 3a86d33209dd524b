# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the lab's ports: configured ones, which must be free, and chosen free ones."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from lab.config import load
from lab.errors import LabError
from lab.ports import choose


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def free() -> list[int]:
    with socket.socket() as one, socket.socket() as two, socket.socket() as three, socket.socket() as four:
        sockets = [one, two, three, four]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def test_configured_ports_are_used_unchanged(free: list[int]) -> None:
    services = {"vcenter": free[0], "control": free[1], "registry": free[2]}
    ports = choose(load({"ports": services, "publish": {free[3]: "web:80"}}))
    assert ports.services == services
    assert ports.published == {free[3]: "web:80"}


def test_free_ports_differ_for_services_and_publishing() -> None:
    ports = choose(load({"ports": "free", "publish": {"18080": "web:80", "18081": "db:6379"}}))
    assert set(ports.services) == {"vcenter", "control", "registry"}
    assert sorted(ports.published.values()) == ["db:6379", "web:80"]
    assert len({*ports.services.values(), *ports.published}) == 5


def test_nothing_is_published_without_a_hypervisor() -> None:
    assert choose(load({"ports": "free", "hypervisor": "none"})).published == {}


@pytest.mark.parametrize("what", ["registry", "publish"])
def test_a_port_in_use_is_reported_with_the_setting_to_change(what: str, taken: int, free: list[int]) -> None:
    services = {"vcenter": free[0], "control": free[1], "registry": taken if what == "registry" else free[2]}
    publish = {taken if what == "publish" else free[3]: "web:80"}
    with pytest.raises(LabError) as error:
        choose(load({"ports": services, "publish": publish}))
    assert f"Port {taken} of 127.0.0.1" in str(error.value)
    assert {"registry": "ports.registry", "publish": "another publish"}[what] in str(error.value)
