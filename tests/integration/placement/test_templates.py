# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images stay usable while the hosts of their templates are in maintenance mode or not connected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pyVmomi import vim

from tests.support.lab.containers import PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.placement import NETWORK, Site

HOSTS = ("esx1", "esx2", "esx3")
IMAGES = {host: f"registry.example.com/{host}:1" for host in HOSTS}
WEB, PLAIN = f"{PREFIX}web", f"{PREFIX}plain"


class Templates:
    """An image template on each host of C0, and the tests' own access to them."""

    def __init__(self, site: Site) -> None:
        self.site = site
        for number, (host, reference) in enumerate(IMAGES.items()):
            site.builder.make_image(reference, 2 * number + 1, {"Cmd": ["serve"]})
            self.put(reference, host)

    def ref(self, reference: str) -> Any:
        """Return the template of an image."""
        path = 'config.extraConfig["gantry.image"]'
        rows = self.site.builder.session.read_all("VirtualMachine", ["config.template", path])
        (row,) = [row for row in rows if row["config.template"] and getattr(row.get(path), "value", "") == reference]
        return row.ref

    def put(self, reference: str, host: str) -> None:
        put_template(self.site, self.ref(reference), host)

    def host(self, reference: str) -> str:
        return str(self.ref(reference).runtime.host.name)

    def assert_usable(self) -> None:
        """Create a container from each image, at once, and remove them again."""
        names = {f"{PREFIX}{reference.partition('/')[2].partition(':')[0]}": reference for reference in IMAGES.values()}
        place = {"cluster": "C0", "datastore": self.site.lab["datastore"], "networks": [{"name": NETWORK}]}
        containers = [{"name": name, "image": reference, **place} for name, reference in names.items()]
        self.site.ok("container_set", project="usable", containers=containers)
        self.site.ok("container_set", project="usable", containers=containers, state="absent")


def put_template(site: Site, template: Any, host: str) -> None:
    """Register a template on a host."""
    where = site.host(host)
    template.MarkAsVirtualMachine(pool=where.parent.resourcePool, host=where)
    template.MarkAsTemplate()


@pytest.fixture
def site(lab: dict[str, Any], builder: VmBuilder, calls: Control) -> Iterator[Site]:
    one = Site(lab, builder, calls)
    builder.clear(images=True)
    builder.upload_bootstrap()
    yield one
    calls.reset()
    one.configure("C0", drsConfig=drs(enabled=True))
    for host in HOSTS:
        connect(one, host)
        one.ok("host_maintenance", host=host, state="absent")
    calls.set_services("C0", "none")
    builder.clear(images=True)


@pytest.fixture
def templates(site: Site) -> Templates:
    return Templates(site)


def drs(*, enabled: bool) -> Any:
    return vim.cluster.DrsConfigInfo(enabled=enabled, defaultVmBehavior="fullyAutomated")


def connect(site: Site, host: str) -> None:
    ref = site.host(host)
    if ref.runtime.connectionState != "connected":
        site.builder.task("connect", ref.ReconnectHost_Task)


def disconnect(site: Site, host: str) -> None:
    ref = site.host(host)
    site.builder.task("disconnect", ref.DisconnectHost_Task)


def enter(site: Site, host: str) -> None:
    """Put a host into maintenance mode as another client does, with its templates on it."""
    ref = site.host(host)
    site.builder.task("enter", lambda: ref.EnterMaintenanceMode_Task(timeout=60))


def agents_of(site: Site) -> set[str]:
    """Return the VMs of vSphere Cluster Services, as recorded calls name them."""
    rows = site.builder.session.read_all("VirtualMachine", ["name"])
    return {f"VirtualMachine:{row.moid}" for row in rows if row["name"].startswith("vCLS-")}


def container(**options: Any) -> dict[str, Any]:
    return {"name": WEB, "cluster": "C0", "networks": [{"name": NETWORK}], **options}


def comparable(result: dict[str, Any]) -> dict[str, Any]:
    return {key: result[key] for key in ("changed", "actions", "diff", "evacuated", "staying", "blockers")}


@pytest.mark.parametrize("services", ["external", "embedded"])
def test_all_images_are_usable_while_each_host_is_done(site: Site, templates: Templates, services: str) -> None:
    """One host after the other, as the role evacuate does it, with vCLS and with a host that is not connected."""
    site.calls.set_services("C0", services)
    disconnect(site, "esx3")
    templates.assert_usable()
    assert templates.host(IMAGES["esx3"]) in ("esx1", "esx2")
    for host, other in (("esx1", "esx2"), ("esx2", "esx1")):
        check = site.ok("host_maintenance", host=host, precheck="report", check=True)
        assert (check["blockers"], check["changed"]) == ([], False)
        agents = agents_of(site)
        assert agents
        entered = site.ok("host_maintenance", host=host)
        assert not agents & {call["this"] for call in site.calls.all()}
        assert site.in_maintenance(host)
        assert {one["mode"] for one in entered["evacuated"]} == {"template"}
        assert {one["to"] for one in entered["evacuated"]} == {other}
        assert entered["staying"] == []
        templates.assert_usable()
        site.ok("host_maintenance", host=host, state="absent")
        templates.assert_usable()


@pytest.mark.parametrize("has_drs", [True, False])
def test_a_template_is_moved_as_check_mode_says(site: Site, templates: Templates, has_drs: bool) -> None:
    site.configure("C0", drsConfig=drs(enabled=has_drs))
    options = {"host": "esx1"}
    predicted = site.ok("host_maintenance", check=True, **options)
    assert site.calls.mutating() == []
    entered = site.ok("host_maintenance", **options)
    assert comparable(entered) == comparable(predicted)
    (one,) = entered["evacuated"]
    assert (one["mode"], one["from"], one["to"]) == ("template", "esx1", templates.host(IMAGES["esx1"]))
    assert one["to"] in ("esx2", "esx3")
    assert entered["actions"][0] == f"move template {one['name']} to {one['to']} from esx1"
    assert site.calls.mutating() == ["MarkAsVirtualMachine", "MarkAsTemplate", "EnterMaintenanceMode_Task"]


@pytest.mark.parametrize("evacuation", ["drs", "explicit"])
def test_other_templates_leave_with_what_is_off(site: Site, evacuation: str) -> None:
    """vCenter neither relocates nor migrates a template."""
    site.make(PLAIN, host="esx1", on=False)
    site.vm(PLAIN).MarkAsTemplate()
    stays = site.ok("host_maintenance", host="esx1", evacuation=evacuation)
    assert (stays["staying"], stays["evacuated"]) == ([f"/DC0/vm/{PLAIN}"], [])
    site.ok("host_maintenance", host="esx1", state="absent")
    leaves = site.ok("host_maintenance", host="esx1", evacuation=evacuation, evacuate_powered_off=True)
    assert [(one["name"], one["mode"]) for one in leaves["evacuated"]] == [(PLAIN, "template")]
    assert site.hosts()[PLAIN] == leaves["evacuated"][0]["to"] != "esx1"
    assert site.vm(PLAIN).config.template


def test_a_template_that_only_this_host_can_have_stays_with_a_warning(site: Site) -> None:
    local(site, PLAIN, "gantry.kind")
    options = {"host": "esx1", "timeout": 30}
    entered = site.ok("host_maintenance", **options)
    assert entered["staying"] == [f"/DC0/vm/{PLAIN}"]
    (warning,) = entered["warnings"]
    assert f"Template /DC0/vm/{PLAIN} stays on esx1" in warning
    assert "host esx2 does not see the datastore local-esx1" in warning
    site.ok("host_maintenance", host="esx1", state="absent")
    # Without DRS vCenter waits for it.
    site.configure("C0", drsConfig=drs(enabled=False))
    refused = site.refused("host_maintenance", evacuation="explicit", evacuate_powered_off=True, **options)
    assert {one["code"] for one in refused["blockers"]} == {"datastore_not_shared"}


def local(site: Site, name: str, kind: str) -> None:
    """Create a template of an image on the local datastore of esx1."""
    session = site.builder.session
    inventory = session.inventory(refresh=True)
    folder = inventory.folder(None, datacenter=inventory.datacenter(None))
    spec = vim.vm.ConfigSpec(
        name=name,
        guestId="other5xLinux64Guest",
        memoryMB=64,
        numCPUs=1,
        files=vim.vm.FileInfo(vmPathName="[local-esx1]"),
        extraConfig=[vim.option.OptionValue(key=kind, value="image")],
    )
    pool, host = inventory.resource_pool(None, cluster=inventory.cluster("C0")).ref, site.host("esx1")
    site.builder.task("create", lambda: folder.ref.CreateVM_Task(config=spec, pool=pool, host=host))
    site.vm(name).MarkAsTemplate()


@pytest.mark.parametrize("has_drs", [True, False])
def test_a_container_moves_the_template_of_a_host_in_maintenance(
    site: Site, templates: Templates, has_drs: bool
) -> None:
    site.configure("C0", drsConfig=drs(enabled=has_drs))
    enter(site, "esx1")
    before = templates.ref(IMAGES["esx1"])
    options = container(image=IMAGES["esx1"])
    predicted = site.ok("container_vm", check=True, **options)
    assert site.calls.mutating() == []
    created = site.ok("container_vm", **options)
    assert created["actions"] == predicted["actions"]
    host = templates.host(IMAGES["esx1"])
    assert created["actions"][0] == f"move template {before.name} to {host} from esx1"
    assert templates.ref(IMAGES["esx1"]) == before
    # The others are where they were, and nothing is left to do.
    assert not site.ok("container_vm", **options)["changed"]
    again = site.ok("container_vm", **options, recreate=True)
    assert not [action for action in again["actions"] if "template" in action]


def test_a_container_registers_the_template_of_a_lost_host_again(site: Site, templates: Templates) -> None:
    disconnect(site, "esx2")
    before = templates.ref(IMAGES["esx2"])
    name = before.name
    created = site.ok("container_vm", **container(image=IMAGES["esx2"]))
    host = templates.host(IMAGES["esx2"])
    assert created["actions"][0] == (
        f"move template {name} to {host} from esx2, which is not connected, by registering it again"
    )
    assert templates.ref(IMAGES["esx2"]) != before
    (warning,) = created["warnings"]
    assert "Permissions and tags that it had of its own are lost." in warning
    assert not site.ok("container_vm", **container(image=IMAGES["esx2"]))["changed"]
    templates.assert_usable()


def test_a_template_that_vcenter_does_not_unregister_is_reported(site: Site, templates: Templates) -> None:
    """It is not documented whether vCenter removes a VM of a lost host from the inventory."""
    disconnect(site, "esx2")
    site.calls.fault("UnregisterVM", "HostNotConnected")
    result = site.run("container_vm", **container(image=IMAGES["esx2"]))
    assert result["failed"]
    remedy = "Connect the host again, or remove it from the inventory, and run container_image again."
    assert f"The template is registered on host esx2, which is not connected. {remedy}" in result["msg"]
    assert templates.host(IMAGES["esx2"]) == "esx2"
    assert site.builder.vms(WEB) == []


def test_a_template_that_is_not_registered_again_is_found_by_its_file(site: Site, templates: Templates) -> None:
    disconnect(site, "esx2")
    path = templates.ref(IMAGES["esx2"]).config.files.vmPathName
    site.calls.fault("RegisterVM_Task", "VmConfigFault", in_task=True)
    result = site.run("container_vm", **container(image=IMAGES["esx2"]))
    assert result["failed"]
    assert f"Register {path} as a template" in result["msg"]


def test_without_another_host_the_cause_is_reported(site: Site, templates: Templates) -> None:
    enter(site, "esx1")
    for host in ("esx2", "esx3", "esx4", "esx5"):
        disconnect(site, host)
    try:
        refused = site.refused("container_image", name=IMAGES["esx1"], pull="never")
    finally:
        for host in ("esx4", "esx5"):
            connect(site, host)
    assert "registered on host esx1, which is in maintenance mode, and no other host can take it" in refused["msg"]


def test_container_image_moves_its_template_too(site: Site, templates: Templates) -> None:
    enter(site, "esx1")
    options = {"name": IMAGES["esx1"], "pull": "never"}
    predicted = site.ok("container_image", check=True, **options)
    moved = site.ok("container_image", **options)
    assert (moved["actions"], moved["image"]) == (predicted["actions"], predicted["image"])
    assert templates.host(IMAGES["esx1"]) != "esx1"
    assert not site.ok("container_image", **options)["changed"]


def test_container_image_registers_its_template_again(site: Site, templates: Templates) -> None:
    disconnect(site, "esx1")
    options = {"name": IMAGES["esx1"], "pull": "never"}
    predicted = site.ok("container_image", check=True, **options)
    assert predicted["image"]["moid"] is None
    moved = site.ok("container_image", folder="ct-images", **options)
    assert moved["image"]["moid"] == templates.ref(IMAGES["esx1"])._moId
    assert moved["image"]["path"] == f"/DC0/vm/ct-images/{moved['image']['name']}"


def test_a_tag_is_removed_without_drs_and_without_a_place(site: Site, templates: Templates) -> None:
    """The pool and the host are those of the template, whatever clusters there are."""
    site.configure("C0", drsConfig=drs(enabled=False))
    other = "registry.example.com/other:1"
    template = templates.ref(IMAGES["esx2"])
    where = site.host("esx2")
    template.MarkAsVirtualMachine(pool=where.parent.resourcePool, host=where)
    references = f'["{IMAGES["esx2"]}", "{other}"]'
    site.builder.set_config(template._moId, {"gantry.image.references": references})
    template.MarkAsTemplate()
    site.ok("container_image", name=other, state="absent")
    assert templates.host(IMAGES["esx2"]) == "esx2"
    assert site.ok("container_image_info", name=IMAGES["esx2"])["images"][0]["references"] == [IMAGES["esx2"]]


def test_containers_prefer_a_template_on_a_usable_host(site: Site, templates: Templates) -> None:
    """The same image twice on one datastore, of which the newer one is on a host in maintenance mode."""
    template = templates.ref(IMAGES["esx1"])
    values = {option.key: option.value for option in templates.ref(IMAGES["esx2"]).config.extraConfig}
    where = site.host("esx1")
    template.MarkAsVirtualMachine(pool=where.parent.resourcePool, host=where)
    wanted = {key: str(values[key]) for key in ("gantry.image.digest", "gantry.image.references")}
    site.builder.set_config(template._moId, wanted)
    template.MarkAsTemplate()
    for host, other in (("esx1", "esx2"), ("esx2", "esx1")):
        enter(site, host)
        created = site.ok("container_vm", **container(image=IMAGES["esx2"], recreate=bool(site.builder.vms(WEB))))
        assert not [action for action in created["actions"] if "template" in action]
        assert templates.host(IMAGES[other]) == other
        site.ok("host_maintenance", host=host, state="absent")


@pytest.mark.parametrize("how", ["maintenance", "lost"])
def test_a_project_moves_a_template_once_for_all_its_containers(site: Site, templates: Templates, how: str) -> None:
    if how == "lost":
        disconnect(site, "esx1")
    else:
        enter(site, "esx1")
    place = {"cluster": "C0", "datastore": site.lab["datastore"], "networks": [{"name": NETWORK}]}
    project = {"project": "shop", "containers": [{"name": WEB, "image": IMAGES["esx1"], "replicas": 3, **place}]}
    predicted = site.ok("container_set", check=True, **project)
    made = site.ok("container_set", **project)
    assert made["actions"] == predicted["actions"]
    assert made["actions"][0].startswith("move template gantry-image-")
    assert len([action for action in made["actions"] if "template" in action]) == 1
    methods = site.calls.mutating()
    first = ["UnregisterVM", "RegisterVM_Task"] if how == "lost" else ["MarkAsVirtualMachine", "MarkAsTemplate"]
    assert [method for method in methods if method in (*first, "CloneVM_Task")] == [*first, *["CloneVM_Task"] * 3]
    assert not site.ok("container_set", **project)["changed"]
