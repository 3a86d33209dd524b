# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the life of a Compose project of several services, while a container asks one of them all the time.

The project has a web server, an API with replicas, a database with a volume, a cache and a migration, of images that
are built from Debian packages. No request may fail while the API is scaled, updated and rolled back.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVim.task import WaitForTask
from pyVmomi import vim

from tests.support.guests.containers import MEMORY, PATIENCE, Containers
from tests.support.guests.vcenter import find, session
from tests.support.lab.playbook import TaskResult
from tests.support.runtime import runtime_package

STACK = "gantry.vsphere.container_stack"
KEY = "key-of-the-project"
APIS = ["shop-api-1", "shop-api-2"]
FILE = """
name: shop
services:
  web:
    image: {nginx}
    mem_limit: {memory}
    healthcheck: &serves
      test: "cat /proc/net/tcp /proc/net/tcp6 | grep -q ':0050 .* 0A '"
      retries: 1
      interval: 5s
      start_interval: 300ms
      start_period: 60s
    depends_on: {{api: {{condition: service_healthy}}, cache: {{condition: service_healthy}}}}
  api:
    image: ${{API_IMAGE}}
    mem_limit: {memory}
    environment: {{VERSION: "${{API_VERSION}}"}}
    healthcheck: *serves
    secrets: [token]
    depends_on: {{migrate: {{condition: service_completed_successfully}}}}
    deploy:
      update_config: {{order: "${{ORDER}}", failure_action: rollback, monitor: 1s}}
    x-gantry: {{drain: 10s}}
  migrate:
    image: {postgres}
    mem_limit: {memory}
    entrypoint: [/bin/sh, -c]
    command: ["PGPASSWORD=$$(cat /run/secrets/password) psql -h db -U postgres -c 'CREATE TABLE items (name text)'"]
    user: root
    secrets: [password]
    depends_on: {{db: {{condition: service_healthy}}}}
  db:
    image: {postgres}
    mem_limit: 192m
    environment: {{POSTGRES_PASSWORD_FILE: /run/secrets/password}}
    secrets: [{{source: password, uid: postgres, mode: 0400}}]
    volumes: ["data:/var/lib/postgresql/data"]
    stop_grace_period: 60s
    healthcheck: {{test: pg_isready -h 127.0.0.1 -U postgres, interval: 10s, start_interval: 1500ms, start_period: 3m}}
  cache:
    image: {redis}
    mem_limit: {memory}
  load:
    image: {tiny}
    mem_limit: {memory}
    entrypoint: [/bin/sh, -c]
    command: ['while :; do wget -q -O /dev/null http://api/ && echo answered || echo failed; sleep 0.2; done']
    depends_on: {{api: {{condition: service_healthy}}}}
    x-gantry: {{guest_operations: true}}
secrets:
  password: {{file: password.txt}}
  token: {{environment: TOKEN}}
volumes: {{data: {{}}}}
"""


class Shop:
    """The project, and what the container that asks its API has seen."""

    def __init__(self, containers: Containers, folder: Path) -> None:
        self.containers = containers
        self.folder = folder
        self.variables = {"API_IMAGE": containers.image("tiny"), "API_VERSION": "1", "ORDER": "start-first"}
        self.token = "the first token"
        self.answered = 0

    def task(self, *, check: bool = False, **options: Any) -> TaskResult:
        given = {
            "project_src": str(self.folder),
            "datastore": self.containers.lab["datastore"],
            "networks": {"*": "VM Network"},
            "volume_size": "1G",
            "guest_key": KEY,
            "wait_timeout": 2 * PATIENCE,
            "registry_tls_verify": False,
            "variables": self.variables,
            "secret_variables": {"TOKEN": self.token},
            **options,
        }
        return self.containers.direct({STACK: given, "ignore_errors": True}, check=check).last

    def run(self, **options: Any) -> TaskResult:
        """Run the task: check mode predicts it, and a second run changes nothing."""
        predicted = self.task(check=True, **options)
        done = self.task(**options)
        assert not done.failed, done.msg
        assert done["actions"] == predicted["actions"]
        again = self.task(**options)
        assert (again.result["changed"], again["actions"]) == (False, [])
        return done

    def failures(self) -> int:
        """Return how many requests have failed, when there are answers that have come since the last call."""
        deadline = time.monotonic() + PATIENCE
        while (found := self._answers())["answered"] <= self.answered:
            assert time.monotonic() < deadline, found
            time.sleep(1)
        self.answered = found["answered"]
        return found["failed"]

    def _answers(self) -> Counter[str]:
        read = {"name": ["shop-load-1"], "guest_key": KEY}
        (log,) = self.containers.direct({"gantry.vsphere.container_vm_logs": read}).ok().last["logs"]
        return Counter(log["lines"])

    def images(self) -> dict[str, str]:
        return {name: self.containers.look(name)["image"] for name in APIS}


@pytest.fixture(scope="module")
def shop(containers: Containers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    images = {name: containers.image(name) for name in ("nginx", "redis", "postgres", "tiny")}
    (folder / "compose.yaml").write_text(FILE.format(memory=MEMORY.lower(), **images))
    (folder / "password.txt").write_text("of-the-superuser")
    with runtime_package(folder / "runtime"):
        yield Shop(containers, folder)
    absent = {"project": "shop", "state": "absent"}
    containers.direct({"gantry.vsphere.container_set": absent}).ok()


def test_the_project_comes_up_in_order(shop: Shop) -> None:
    made = shop.run()
    assert {name: len(slots) for name, slots in made["services"].items()} == {
        "api": 1,
        "cache": 1,
        "db": 1,
        "load": 1,
        "migrate": 1,
        "web": 1,
    }
    assert shop.containers.look("shop-migrate-1", logs=True)["log"] == "CREATE TABLE\n"
    assert shop.failures() == 0


def test_it_is_scaled(shop: Shop) -> None:
    assert len(shop.run(scale={"api": 5})["services"]["api"]) == 5
    assert shop.run(scale={"api": 2})["services"]["api"] == APIS
    assert shop.failures() == 0


def test_a_new_image_is_rolled_out_without_a_failed_request(shop: Shop) -> None:
    shop.variables["API_IMAGE"] = shop.containers.image("nginx")
    shop.run(scale={"api": 2})
    assert set(shop.images().values()) == {shop.containers.image("nginx")}
    assert shop.failures() == 0


def test_a_bad_image_is_rolled_back_without_a_failed_request(shop: Shop) -> None:
    before = shop.images()
    shop.variables |= {"API_IMAGE": shop.containers.image("redis"), "ORDER": "stop-first"}
    failed = shop.task(scale={"api": 2})
    assert failed.failed
    assert failed["rolled_back"] == {"shop-api": APIS[:1]}
    assert shop.images() == before
    assert shop.failures() == 0
    shop.variables["API_IMAGE"] = shop.containers.image("nginx")
    assert shop.task(scale={"api": 2})["actions"] == []


def test_a_secret_is_changed_without_a_failed_request(shop: Shop) -> None:
    shop.token = "the second token"
    shop.run(scale={"api": 2})
    read = {"name": APIS[0], "guest_key": KEY, "argv": ["cat", "/run/secrets/token"]}
    assert shop.containers.direct({"gantry.vsphere.container_vm_exec": read}).ok().last["stdout"] == shop.token
    assert shop.failures() == 0


def test_what_is_done_in_vcenter_is_kept_or_mended(shop: Shop) -> None:
    with session(shop.containers.lab) as content:
        moved, removed = (find(content, vim.VirtualMachine, name) for name in APIS)
        other = next(host for host in moved.runtime.host.parent.host if host != moved.runtime.host)
        WaitForTask(moved.MigrateVM_Task(host=other, priority="defaultPriority"))
        WaitForTask(removed.PowerOffVM_Task())
        WaitForTask(removed.Destroy_Task())
        made = shop.run(scale={"api": 2})
        own = [action for action in made["actions"] if action.split()[-1] == APIS[0]]
        assert own == []
        assert find(content, vim.VirtualMachine, APIS[0]).runtime.host == other


def test_its_data_is_kept_until_it_is_removed_without_a_trace(shop: Shop) -> None:
    query = ["psql", "--username=postgres", "--command=SELECT count(*) FROM items"]
    asked = {"name": "shop-db-1", "guest_key": KEY, "argv": query}
    assert "(1 row)" in shop.containers.direct({"gantry.vsphere.container_vm_exec": asked}).ok().last["stdout"]
    removal = {"state": "absent", "remove_volumes": True, "confirm_data_loss": True, "remove_images": "all"}
    removed = shop.run(**removal)
    assert (removed["containers"], removed["volumes"]) == ([], [])
    with session(shop.containers.lab) as content:
        view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)
        assert [vm.name for vm in view.view if vm.name.startswith("shop-")] == []
