# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test container_stack when what it needs fails: registry, datastore, host, session. The next run finishes."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import SoapAdapter
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.stub import USER_AGENT
from tests.support.builders.oci import BuiltImage, LayerArchive, build_layer
from tests.support.builders.registries import MortalRegistry
from tests.support.lab.containers import VmBuilder, building
from tests.support.lab.control import Control
from tests.support.lab.drive import drive
from tests.support.lab.drs import ClusterObserver
from tests.support.lab.images import Store
from tests.support.lab.observer import datastore_files
from tests.support.lab.stacks import Stack, stack_options
from tests.support.runtime import runtime_package

OLD, NEW = "registry.example.com/fault:1", "registry.example.com/fault:2"
WEBS = ["shop-web-1", "shop-web-2", "shop-web-3"]
SENTINEL = "sentinel-4d1f09c7-of-the-secret"
MOVED_TEMPLATE = "run again, and the template is moved to another host"
CONNECT = "The host of the VM is not connected to vCenter: connect it again"
TIMEOUT = {"wait_timeout": 20}


@pytest.fixture(scope="module")
def builder(lab: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[VmBuilder]:
    with runtime_package(tmp_path_factory.mktemp("runtime")), building(lab) as one:
        one.make_image(OLD, 1, {"Cmd": ["serve"]})
        one.make_image(NEW, 3, {"Cmd": ["serve"]})
        yield one


@pytest.fixture
def shop(
    lab: dict[str, Any], builder: VmBuilder, calls: Control, cluster: ClusterObserver, tmp_path: Path
) -> Iterator[Stack]:
    """Yield the project, of which nothing is left afterwards."""
    options = {**stack_options(lab, tmp_path / "cache"), **TIMEOUT}
    # The rules of projects whose containers other tests have removed by other means.
    cluster.clear()
    yield Stack("shop", options, builder, calls, cluster)
    calls.reset()
    drive("container_set", {**lab["vcenter"], "project": "shop", "state": "absent"})
    builder.clear()
    cluster.clear()


def webs(image: str = OLD, **update: Any) -> dict[str, Any]:
    return {"web": {"image": image, "deploy": {"replicas": 3, "update_config": update}}}


def of(image: str) -> dict[str, str]:
    return dict.fromkeys(WEBS, image)


# -- the registry


@pytest.fixture
def registry() -> Iterator[MortalRegistry]:
    layer = build_layer(LayerArchive().file("large", os.urandom(1 << 20)), "none")
    one = MortalRegistry(BuiltImage([layer]))
    yield one
    one.stop()


def test_a_registry_that_dies_in_a_pull_leaves_the_containers_and_no_half_image(
    shop: Stack, lab: dict[str, Any], registry: MortalRegistry
) -> None:
    shop.settle(shop.task(webs()), of(OLD))
    before = shop.vms()
    store = Store(lab["vcenter"])
    names = [one.name for one in store.templates()]
    files = datastore_files(lab["vcenter"], lab["datastore"])
    # The first image is there, the second one is not.
    wanted = shop.task({**webs(NEW), "zoo": {"image": registry.reference}})
    registry.start(dies=True)
    failed = drive("container_stack", wanted)
    assert failed["failed"]
    assert failed["msg"].startswith(f"Cannot read the image '{registry.reference}@sha256:")
    assert f" from the registry {registry.address}: " in failed["msg"]
    assert "run again" in failed["msg"]
    assert (shop.vms(), [one.name for one in store.templates()]) == (before, names)
    assert datastore_files(lab["vcenter"], lab["datastore"]) == files
    registry.start()
    shop.settle(wanted, {**of(NEW), "shop-zoo-1": registry.reference})
    assert len(store.templates()) == len(names) + 1
    store.session.close()


# -- the datastore


@pytest.mark.parametrize("fault", ["NoDiskSpace", "InsufficientStorageSpace"])
@pytest.mark.parametrize("method", ["CloneVM_Task", "PowerOnMultiVM_Task"])
def test_a_datastore_that_fills_stops_one_container_and_not_the_others(
    shop: Stack, lab: dict[str, Any], method: str, fault: str
) -> None:
    services = {**webs(), "db": {"image": OLD}, "zoo": {"image": OLD, "depends_on": ["web"]}}
    if method == "CloneVM_Task":
        # The last one, and again when the others are started.
        shop.calls.fault(method, fault, skip=4, count=2, in_task=True)
    else:
        # The last one is started when those that it depends on run.
        shop.calls.fault(method, fault, skip=1, in_task=True)
    wanted = shop.task(services)
    failed = drive("container_stack", wanted)
    assert failed["failed"]
    states = {one["name"]: one["status"] for one in failed["subjects"]}
    (left,) = [name for name, status in states.items() if status == "failed"]
    assert f"could not {'create' if method == 'CloneVM_Task' else 'start'} {left}" in failed["msg"]
    assert f"Make room on the datastore {lab['datastore']}" in failed["msg"]
    # What does not depend on it runs.
    running = {name for name, (_moid, _image, on) in shop.vms().items() if on}
    assert running == {*WEBS, "shop-db-1", "shop-zoo-1"} - {left, "shop-zoo-1"}, states
    shop.settle(wanted, {**of(OLD), "shop-db-1": OLD, "shop-zoo-1": OLD})


# -- a host


@pytest.mark.parametrize("moment", ["create ", "remove "])
def test_a_host_that_is_disconnected_in_an_update_is_mended_after_its_return(shop: Stack, moment: str) -> None:
    shop.settle(shop.task(webs()), of(OLD))
    rows = shop.builder.session.read_all("VirtualMachine", ["name", "runtime.host", "config.template"])
    (host,) = [row["runtime.host"] for row in rows if row["name"] == WEBS[1]]
    on_host = {row["name"] for row in rows if row["runtime.host"] == host}
    for template in [row.ref for row in rows if row["config.template"]]:
        template.MarkAsVirtualMachine(pool=host.parent.resourcePool, host=host)
        template.MarkAsTemplate()
    gone = []

    def disconnect(text: str) -> None:
        if not gone and text.startswith(moment):
            gone.append(host.name)
            shop.builder.task("disconnect", host.DisconnectHost_Task)

    wanted = shop.task(webs(NEW))
    try:
        before = shop.vms()
        failed = drive("container_stack", wanted, report=disconnect)
        assert failed["failed"]
        assert gone
        # The template is registered on another host by the second run, and what is on the host is left alone.
        again = drive("container_stack", wanted)
        assert again["failed"]
        assert MOVED_TEMPLATE in failed["msg"] or CONNECT in failed["msg"], failed
        assert CONNECT in again["msg"], again
        found = shop.vms()
        assert all(found[name] == before[name] for name in found if name in before and name in on_host)
        assert found.keys() <= {*before, f"{WEBS[0]}-gantry-next", f"{WEBS[1]}-gantry-next"}
        rows = shop.builder.session.read_all("VirtualMachine", ["name", "runtime.host"])
        (used,) = [row["runtime.host"].name for row in rows if row["name"].startswith("gantry-image-3333")]
        assert used not in gone
    finally:
        if gone:
            shop.builder.task("connect", host.ReconnectHost_Task)
    shop.settle(wanted, of(NEW))


# -- the session


def test_a_session_that_vcenter_ends_in_an_update_is_replaced(shop: Stack) -> None:
    shop.settle(shop.task(webs()), of(OLD))
    ended = []

    def end(text: str) -> None:
        if text.startswith(("create ", "start ", "remove ")):
            sessions = shop.builder.session.content.sessionManager
            own = sessions.currentSession.key
            keys = [one.key for one in sessions.sessionList if one.key != own and one.userAgent == USER_AGENT]
            if keys:
                sessions.TerminateSession(keys)
            ended.extend(keys)

    shop.calls.forget()
    done = drive("container_stack", shop.task(webs(NEW, failure_action="rollback")), report=end)
    assert "failed" not in done, done
    assert len(ended) > 5
    assert shop.calls.methods().count("Login") > 5
    shop.settle(shop.task(webs(NEW, failure_action="rollback")), of(NEW))


# -- secrets


@contextmanager
def recorded_requests(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[bytes], list[bytes]]]:
    """Record what is sent to vCenter, and apart from it what is sent through it to programs in the guests."""
    sent: list[bytes] = []
    delivered: list[bytes] = []
    serialize = SoapAdapter.SoapStubAdapterBase.SerializeRequest

    def record(self: Any, mo: Any, info: Any, args: Any) -> Any:
        request = serialize(self, mo, info, args)
        own = delivered if info.wsdlName == "StartProgramInGuest" else sent
        own.append(request if isinstance(request, bytes) else request.encode())
        return request

    with monkeypatch.context() as patch:
        patch.setattr(SoapAdapter.SoapStubAdapterBase, "SerializeRequest", record)
        yield sent, delivered


def shapes(secret: str) -> list[str]:
    """Return a text as it is, and what of it any Base64 has that contains it."""
    return [secret, *(base64.b64encode(b" " * shift + secret.encode())[4:-4].decode() for shift in range(3))]


def test_a_secret_is_nowhere_but_in_its_container(shop: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    top = {"secrets": {"word": {"environment": "WORD"}}}

    def task(image: str, word: str) -> dict[str, Any]:
        service = webs(image, failure_action="rollback", order="start-first")["web"]
        return shop.task({"web": {**service, "secrets": ["word"]}}, top=top, secret_variables={"WORD": word})

    reports: list[str] = []
    shown: list[Any] = []

    def look() -> None:
        rows = shop.builder.session.read_all("VirtualMachine", ["config"])
        shown.extend(str(row["config"]) for row in rows)
        shown.append(shop.calls.all())

    with recorded_requests(monkeypatch) as (sent, delivered):
        made = [
            drive("container_stack", task(OLD, SENTINEL), check=one, report=reports.append) for one in (True, False)
        ]
        assert not any("failed" in one for one in made), made
        shown.extend(made)
        look()
        shop.calls.fault("PowerOnMultiVM_Task", "InsufficientResourcesFault", skip=1, in_task=True)
        failed = drive("container_stack", task(NEW, f"{SENTINEL}2"), report=reports.append)
        assert failed["rolled_back"] == {"shop-web": WEBS[:2]}, failed
        shown.append(failed)
        look()
    assert len(sent) > 50
    assert any("shop-web-1" in one for one in reports)
    texts = {
        "result": json.dumps(shown, default=str),
        "progress": "\n".join(reports),
        "requests": b"\n".join(sent).decode("utf-8", "replace"),
    }
    assert WEBS[0] in texts["requests"]
    # The way to the container, which vCenter does not record, has it, so it would be found elsewhere.
    way = b"\n".join(delivered).decode()
    assert any(shape in way for shape in shapes(SENTINEL))
    for shape in shapes(SENTINEL):
        assert [where for where, text in texts.items() if shape in text] == [], shape
