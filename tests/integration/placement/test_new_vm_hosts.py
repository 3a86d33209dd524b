# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the hosts that new container VMs are created on, with DRS off and on, and nothing booted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pyVmomi import vim

from tests.support.lab.containers import PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.placement import NETWORK, Site

IMAGE = "registry.example.com/app:1"
PARTIAL = "Backend"  # esx1 and esx2 have it, esx3 does not
NAMES = [f"{PREFIX}o{number}" for number in range(8)]
HOSTS = ("esx1", "esx2", "esx3")
BUDGET = 10


@pytest.fixture(scope="module")
def images(builder: VmBuilder) -> Iterator[None]:
    builder.clear(images=True)
    builder.upload_bootstrap()
    builder.make_image(IMAGE, 1, {"Cmd": ["serve"]})
    yield
    builder.clear(images=True)


@pytest.fixture
def site(lab: dict[str, Any], builder: VmBuilder, calls: Control, images: None) -> Iterator[Site]:
    one = Site(lab, builder, calls)
    one.clear()
    yield one
    calls.reset()
    set_drs(one, enabled=True)
    for host in HOSTS:
        one.ok("host_maintenance", host=host, state="absent")
    one.clear()


def set_drs(site: Site, *, enabled: bool) -> None:
    site.configure("C0", drsConfig=vim.cluster.DrsConfigInfo(enabled=enabled, defaultVmBehavior="fullyAutomated"))


def container(site: Site, name: str, **options: Any) -> dict[str, Any]:
    place = {"cluster": "C0", "datastore": site.lab["datastore"], "networks": [{"name": PARTIAL}], "state": "present"}
    return {"name": name, "image": IMAGE, **place, **options}


@pytest.mark.parametrize("drs", [False, True], ids=["drs off", "drs on"])
def test_containers_are_created_on_hosts_that_have_their_network(site: Site, drs: bool) -> None:
    set_drs(site, enabled=drs)
    for name in NAMES:
        predicted = site.ok("container_vm", check=True, **container(site, name))
        assert predicted["changed"]
        assert site.ok("container_vm", **container(site, name))["changed"]
    hosts = site.hosts()
    assert sorted(hosts) == NAMES
    assert set(hosts.values()) == {"esx1", "esx2"}
    again = site.ok("container_vm", **container(site, NAMES[0]))
    assert not again["changed"]
    assert len(site.calls.methods()) <= BUDGET


@pytest.mark.parametrize("drs", [False, True], ids=["drs off", "drs on"])
def test_check_mode_reports_that_no_host_fits_and_why(site: Site, drs: bool) -> None:
    set_drs(site, enabled=drs)
    for host in ("esx1", "esx2"):
        site.ok("host_maintenance", host=host)
    for check in (True, False):
        result = site.refused("container_vm", check=check, **container(site, NAMES[0]))
        for text in (NAMES[0], "cluster C0", "host esx1 is in maintenance mode", "host esx3", "network Backend"):
            assert text in result["msg"], result["msg"]
        codes = {(one["host"], one["code"]) for one in result["blockers"]}
        assert {("esx1", "host_maintenance"), ("esx3", "network_missing")} <= codes
    assert site.hosts() == {}


def test_a_datastore_that_no_usable_host_sees_is_reported(site: Site) -> None:
    """Check that the host must also see the bootstrap ISO."""
    site.ok("host_maintenance", host="esx1")
    iso = "[local-esx1] gantry/bootstrap/gantry-bootstrap-0.0.1-0123456789ab.iso"
    wanted = container(site, NAMES[0], networks=[{"name": NETWORK}], bootstrap=iso)
    result = site.refused("container_vm", check=True, **wanted)
    assert "does not see the datastore local-esx1" in result["msg"]


def test_a_container_larger_than_any_host_is_refused(site: Site) -> None:
    result = site.refused("container_vm", check=True, **container(site, NAMES[0], memory="1000G"))
    assert "1024000 MiB" in result["msg"]
    assert {one["code"] for one in result["blockers"]} == {"capacity", "network_missing"}
