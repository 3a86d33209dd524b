# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the hosts of a lab's inventory, and the datastores and networks that they see."""

from __future__ import annotations

from typing import Any

import pytest

from lab.config import load
from lab.site import Site, plan, settings


@pytest.fixture(autouse=True)
def _no_user_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GANTRY_LAB_CONFIG", raising=False)


def _planned(inventory: dict[str, Any]) -> tuple[Site, dict[str, Any]]:
    config = load({"inventory": inventory})
    site = plan(config.inventory, config.networks, host_prefix="esx")
    return site, settings(site, config.inventory, config.networks)


def test_all_hosts_of_the_default_see_everything() -> None:
    site, content = _planned({})
    assert site.clusters == {"C0": ("esx1", "esx2", "esx3")}
    assert site.datastores == {"shared0": site.hosts}
    assert content["clusters"] == []
    assert content["datastores"] == [{"name": "shared0", "capacity_bytes": 64 << 30, "hosts": []}]
    assert all(network["hosts"] == ["esx1", "esx2", "esx3"] for network in content["networks"])
    assert "datastore_cluster" not in content


def test_hosts_of_further_clusters_continue_the_numbering() -> None:
    site, content = _planned({"hosts": 1, "clusters": {"C1": 2, "C2": 1}})
    assert site.clusters == {"C0": ("esx1",), "C1": ("esx2", "esx3"), "C2": ("esx4",)}
    assert content["hosts"] == {"names": ["esx1"]}
    assert content["clusters"] == [{"name": "C1", "hosts": ["esx2", "esx3"]}, {"name": "C2", "hosts": ["esx4"]}]


def test_a_local_datastore_belongs_to_one_host_even_if_it_is_the_only_one() -> None:
    site, content = _planned({"hosts": 1, "local_datastores": True, "shared_datastores": ["shared1"]})
    assert list(site.datastores) == ["shared0", "shared1", "local-esx1"]
    assert [store["hosts"] for store in content["datastores"]] == [[], [], ["esx1"]]


def test_a_partial_network_is_on_the_first_hosts_and_a_datastore_cluster_has_the_shared_datastores() -> None:
    site, content = _planned(
        {
            "partial_networks": {"Backend": 2},
            "shared_datastores": ["shared1"],
            "local_datastores": True,
            "datastore_cluster": "POD0",
        }
    )
    assert site.networks == {"VM Network": site.hosts, "Backend": ("esx1", "esx2")}
    assert content["datastore_cluster"] == {"name": "POD0", "datastores": ["shared0", "shared1"]}
