# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test which containers find each other, by their networks and folders."""

from __future__ import annotations

import time

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_names import (
    NamedContainer,
    NetworkNames,
    make_tables,
)

MANY = 5000


def named(number: int, *networks: str, folder: str = "group-v1", running: bool = True) -> NamedContainer:
    """Return a container whose address ends with its number."""
    names = tuple(
        NetworkNames(index, network, ("web", f"web-{number}"), (f"10.{index}.0.{number}",))
        for index, network in enumerate(networks)
    )
    return NamedContainer(f"vm-{number}", f"web-{number}", folder, running, names)


def test_containers_find_those_of_their_networks_in_their_folder() -> None:
    containers = [
        named(1, "front"),
        named(2, "front", "back"),
        named(3, "back"),
        named(4, "front", folder="group-v2"),
        named(5, "front", running=False),
    ]
    found = {moid: table.names() for moid, table in make_tables(containers).items()}
    front = {"web": ["10.0.0.1", "10.0.0.2"], "web-1": ["10.0.0.1"], "web-2": ["10.0.0.2"]}
    assert found["vm-1"] == found["vm-5"] == front
    assert found["vm-2"] == {
        "web": ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.1.0.2"],
        "web-1": ["10.0.0.1"],
        "web-2": ["10.0.0.2", "10.1.0.2"],
        "web-3": ["10.0.0.3"],
    }
    assert found["vm-3"] == {"web": ["10.0.0.3", "10.1.0.2"], "web-2": ["10.1.0.2"], "web-3": ["10.0.0.3"]}
    assert found["vm-4"] == {"web": ["10.0.0.4"], "web-4": ["10.0.0.4"]}


def test_the_time_for_tables_does_not_grow_with_the_square_of_the_containers() -> None:
    begin = time.process_time()
    tables = make_tables([named(number, "front") for number in range(MANY)])
    # Made for each container, they take a hundred seconds.
    assert time.process_time() - begin < 10
    assert len({id(table) for table in tables.values()}) == 1
