# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that the rows of a PostgreSQL survive whatever happens to its virtual machine, and are restored from a snapshot.

The database is a container with a volume, a secret and a health check. Each test writes rows, and reads all rows that
any test has written before.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import pytest
from pyVim.task import WaitForTask
from pyVmomi import vim

from devkit.console import ROOT
from tests.support.guests.containers import PATIENCE
from tests.support.guests.vcenter import find, session
from tests.support.lab.control import Control
from tests.support.lab.drive import drive
from tests.support.lab.killed import SEED, kill_after, random_points
from tests.support.lab.observer import datastore_files, vm_names

NAME, VOLUME = "data-safety", "data-safety/cluster"
DATA = "/var/lib/postgresql/data"
FIRST, NEXT = "postgres", "postgres-next"
HOME, OTHER = "shared0", "shared1"
KEY = "key-of-data-safety"
KILLED = -9

Files = Counter[tuple[str, str]]


@dataclass
class Database:
    """The container of the database, and the rows that were written to it."""

    lab: Mapping[str, Any]
    rows: list[str] = field(default_factory=list)
    image: str = FIRST

    def task(self, module: str, **options: Any) -> dict[str, Any]:
        """Run a module, which must succeed."""
        result = drive(module, {**self.lab["vcenter"], **options})
        assert "failed" not in result, result
        return result

    def options(self) -> dict[str, Any]:
        """Return the options of the container, which is to be healthy."""
        return {
            "name": NAME,
            "image": self.lab["images"][self.image],
            "memory": "192M",
            "datastore": HOME,
            "networks": [{"name": "VM Network"}],
            "volumes": [f"{VOLUME}:{DATA}"],
            "env": {"POSTGRES_PASSWORD_FILE": "/run/secrets/password"},
            "secrets": [{"name": "password", "content": "of-the-superuser", "owner": "postgres", "mode": "0400"}],
            "guest_operations": True,
            "guest_key": KEY,
            "healthcheck": {
                "test": ["CMD", "pg_isready", "--username=postgres"],
                # Each check starts a program, which takes much of an emulated processor while it creates the database.
                "interval": "10s",
                "start_interval": "1500ms",
                "start_period": f"{PATIENCE}s",
            },
            "stop_timeout": 60,
            "state": "healthy",
            "wait_timeout": PATIENCE,
        }

    def run(self, image: str | None = None) -> dict[str, Any]:
        """Run the container with the image that it has, or another one, until it is healthy."""
        self.image = image or self.image
        result = self.task("container_vm", **self.options())
        assert result["container"]["health"] == "healthy"
        return result

    def start(self) -> subprocess.Popen[str]:
        """Start a process that runs the container as ``run`` does."""
        options = json.dumps({**self.lab["vcenter"], **self.options()})
        command = [sys.executable, "-m", "tests.support.lab.drive", "container_vm", options]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, start_new_session=True)

    def exec(self, *argv: str, **options: Any) -> str:
        result = self.task("container_vm_exec", name=NAME, guest_key=KEY, argv=list(argv), **options)
        assert result["rc"] == 0, result
        output: str = result["stdout"]
        return output

    def sql(self, statements: str, **options: Any) -> str:
        words = ("psql", "--username=postgres", "--no-align", "--tuples-only", "--quiet", "--set=ON_ERROR_STOP=1")
        return self.exec(*words, stdin=statements, **options)

    def write(self, row: str) -> None:
        self.sql(f"INSERT INTO kept (text) VALUES ('{row}')")
        self.rows.append(row)

    def read(self) -> list[str]:
        """Return the rows in the order in which they were written. The table's index must have the same rows."""
        by_table = "SELECT text FROM kept ORDER BY number"
        by_index = "SET enable_seqscan = off; SELECT text FROM kept ORDER BY text"
        lines = self.sql(f"{by_table}; {by_index}").splitlines()
        table, index = lines[: len(lines) // 2], lines[len(lines) // 2 :]
        assert index == sorted(table)
        return table

    def volume(self) -> dict[str, Any]:
        """Return the only volume that exists."""
        (volume,) = self.task("container_volume_info")["volumes"]
        found: dict[str, Any] = volume
        return found

    def held(self) -> tuple[list[str], Files]:
        """Return the names of all VMs, and the numbers of files of each kind on each datastore."""
        files: Files = Counter()
        for datastore in (HOME, OTHER):
            kinds = (PurePosixPath(path).suffix for path in datastore_files(self.lab["vcenter"], datastore))
            files.update((datastore, kind) for kind in kinds)
        return vm_names(self.lab["vcenter"]), files

    def restart(self) -> None:
        """Power the VM off at once and on again, as another client does."""
        with session(self.lab) as content:
            vm = find(content, vim.VirtualMachine, NAME)
            WaitForTask(vm.PowerOffVM_Task())
            WaitForTask(vm.PowerOnVM_Task())


@pytest.fixture(scope="module")
def database(lab: dict[str, Any]) -> Iterator[Database]:
    """Start the database on an empty volume, with a table."""
    one = Database(lab)
    one.task("bootstrap_image", src=lab["bootstrap_iso"], datastore=HOME)
    for image in (FIRST, NEXT):
        one.task("container_image", name=lab["images"][image], registry_tls_verify=False, datastore=HOME)
    one.task("container_volume", name=VOLUME, size="256M", datastore=HOME)
    one.run()
    one.sql("CREATE TABLE kept (number serial, text text PRIMARY KEY)")
    yield one
    one.task("container_vm", name=NAME, state="absent", force_kill=True)
    gone = [{"name": snapshot["name"], "state": "absent"} for snapshot in one.volume()["snapshots"]]
    one.task("container_volume", name=VOLUME, snapshots=gone, state="absent", confirm_data_loss=True)


def test_a_stock_image_runs_as_its_user_with_the_password_of_a_secret(database: Database) -> None:
    assert database.exec("stat", "-c", "%U %a", DATA) == "postgres 700"
    assert database.exec("id", "-un") == "postgres"
    address = ["--host=127.0.0.1", "--username=postgres", "--command=SELECT 1"]
    database.exec("psql", *address, env={"PGPASSWORD": "of-the-superuser"})
    refused = database.task(
        "container_vm_exec", name=NAME, guest_key=KEY, argv=["psql", *address], env={"PGPASSWORD": "guessed"}
    )
    assert "password authentication failed" in refused["stderr"]
    assert not database.run()["changed"]


def test_data_survives_a_replacement_by_another_image(database: Database) -> None:
    database.write("before the replacement")
    before = database.exec("cat", "/etc/image-version")
    replaced = database.run(_another(database.image))
    assert f"attach the volume {VOLUME} to {NAME}" in replaced["actions"]
    assert database.exec("cat", "/etc/image-version") != before
    assert database.read() == database.rows


def test_data_survives_a_storage_vmotion(database: Database) -> None:
    database.write("before the Storage vMotion")
    before = database.volume()
    moved = database.task("vm_vmotion", vms=[NAME], datastore=OTHER, timeout=PATIENCE)
    assert [vm["mode"] for vm in moved["vms"]] == ["live"]
    after = database.volume()
    assert (after["id"], after["datastore"], after["attached_to"]) == (before["id"], OTHER, [NAME])
    assert after["file"] != before["file"]
    database.write("after the Storage vMotion")
    assert database.read() == database.rows
    assert not database.run()["changed"]


def test_data_survives_a_crash_and_a_start_by_another_client(database: Database) -> None:
    before = database.run()["container"]
    database.write("before the crash")
    database.restart()
    again = database.run()
    assert (again["container"]["id"], again["container"]["moid"]) == (before["id"], before["moid"])
    assert database.read() == database.rows


def test_destroyed_data_is_restored_from_a_snapshot_of_the_running_database(database: Database) -> None:
    running = database.run()["container"]
    database.write("before the snapshot")
    file = database.volume()["file"]
    database.task("container_volume", name=VOLUME, snapshots=[{"name": "good"}])
    assert database.volume()["file"] != file
    again = database.run()
    assert (again["changed"], again["container"]["started_at"]) == (False, running["started_at"])
    assert database.read() == database.rows

    database.sql("INSERT INTO kept (text) VALUES ('after the snapshot')")
    database.exec("sh", "-c", 'rm -rf "$PGDATA"/*')
    database.task("container_vm", name=NAME, state="absent", force_kill=True)
    gone = [{"name": "good", "state": "absent"}]
    database.task("container_volume", name=VOLUME, restore="good", snapshots=gone, confirm_data_loss=True)
    database.run()
    assert database.read() == database.rows
    database.write("after the restore")
    assert database.read() == database.rows


@pytest.mark.timeout(1200)
def test_data_survives_ten_kills_of_the_controller_during_replacements(database: Database) -> None:
    """The run after a kill continues, and is killed too; the run after that one completes the replacement."""
    calls = Control(database.lab["control"])
    database.run()
    identity, complete = database.volume()["id"], database.held()
    calls.forget()
    database.run(_another(database.image))
    whole = len(calls.all())
    assert database.held() == complete
    calls.forget()
    assert not database.run()["changed"]
    idle = len(calls.all())

    points = random_points(0, 1)
    for early, late in zip(points[:5], points[5:], strict=True):
        # A run that continues reads what is there, and then does what is left of the replacement. How many requests
        # that takes depends on how long the guest boots, so the kill comes well before the end of what is expected.
        killed_after = [int(early * whole), idle + int(0.7 * (late - early) * whole)]
        where = f"killed after {killed_after} of {whole} requests, seed {SEED}"
        print(where)
        database.write(where)
        database.image = _another(database.image)
        for requests in killed_after:
            assert kill_after(requests, calls, database.start) == KILLED, where
        database.run()
        assert database.held() == complete, where
        assert database.read() == database.rows, where
        volume = database.volume()
        assert (volume["id"], volume["attached_to"]) == (identity, [NAME]), where


def _another(image: str) -> str:
    return {FIRST: NEXT, NEXT: FIRST}[image]
