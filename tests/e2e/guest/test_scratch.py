# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what init keeps on the scratch disk: how the container has ended, and its document."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._guest.delivery import Delivery, make_delivery
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.scratch_record import (
    BEGINNING_BYTES,
    ScratchRecord,
    decode_record,
    digest,
)
from tests.e2e.guest.conftest import Boot
from tests.support.guests.images import ON_DISK, make_disk, make_spec
from tests.support.guests.machine import Machine

SECRET = "Zm9yIHRoaXMgdGVzdCBvbmx5LCAzMiBieXRlcyBsb25n"
OTHER_VM = "42190000-0000-4000-8000-000000000002"


def _record(scratch: Path) -> ScratchRecord:
    with scratch.open("rb") as disk:
        found = decode_record(disk.read(BEGINNING_BYTES))
    assert found is not None
    return found


def _document(spec: dict[str, Any]) -> str:
    return json.dumps(spec)


def test_the_end_and_the_document_are_kept(boot: Boot, tmp_path: Path) -> None:
    scratch = make_disk(tmp_path / "scratch.img")
    spec = make_spec(
        ["sh", "-c", "echo to the log; sleep 1000"], root=ON_DISK, stop={"signal": "SIGTERM", "timeout": 0.5}
    )
    first = boot(spec, scratch=scratch)
    first.wait_log("\nto the log")
    first.power_cut()
    cut = _record(scratch)
    assert (cut.status["state"], cut.container_id) == ("started", spec["id"])

    # Guest info has lost the document. The container starts, and ends as it does with one.
    again = boot(spec, scratch=scratch, spec_by="nothing")
    running = again.wait_state("running")
    assert (running["document"], running["id"]) == ("scratch_disk", spec["id"])
    again.request_shutdown()
    assert again.wait_off()["exit_code"] == 137
    kept = _record(scratch)
    assert (kept.status["state"], kept.status["exit_code"]) == ("exited", 137)
    assert kept.status["finished_at"] == again.statuses[-1]["finished_at"]
    assert kept.document == digest(_document(spec))
    assert kept.log == again.log()
    assert kept.log.endswith("to the log\n")

    # The copy of the disk in a clone is not the container's own.
    clone = boot(spec, scratch=scratch, spec_by="nothing", uuid=OTHER_VM)
    assert clone.wait_off()["error"]["code"] == "spec_missing"
    assert "the scratch disk" in clone.log()
    assert _record(scratch) == kept


def test_a_failed_start_is_kept(boot: Boot, tmp_path: Path) -> None:
    scratch = make_disk(tmp_path / "scratch.img")
    spec = make_spec(["true"], root=ON_DISK)
    spec["process"]["user"] = "ghost"
    status = boot(spec, scratch=scratch).wait_off()
    kept = _record(scratch)
    assert kept.status["state"] == "error"
    assert kept.status["error"] == status["error"]
    assert kept.log == f"gantry: user_unknown: {status['error']['message']}\n"


def test_another_restart_policy_is_followed_while_it_runs_and_kept(boot: Boot, tmp_path: Path) -> None:
    scratch = make_disk(tmp_path / "scratch.img")
    spec = make_spec(
        ["sh", "-c", "trap 'exit 7' USR1; echo ready; while :; do sleep 1 & wait; done"],
        root=ON_DISK,
        stop={"signal": "SIGTERM", "timeout": 0.5},
    )
    spec["guest_operations"] = {"secret_sha256": hashlib.sha256(SECRET.encode()).hexdigest()}
    later = {**spec, "revision": 1, "restart": {"policy": "on-failure", "max_retries": 0}}
    machine = boot(spec, scratch=scratch)
    assert machine.wait_state("running")["follows"] == ["restart", "files"]
    assert _record(scratch).document == digest(_document(spec))
    machine.set_document(later)
    machine.wait_log("revision 1 of the document: the restart policy is on-failure")
    _fail_and_run_again(machine)
    machine.power_cut()
    assert _record(scratch).document == digest(_document(later))

    # vSphere has gone back to the document of before the change, and HA starts the VM.
    again = boot(spec, scratch=scratch)
    assert again.wait_state("running")["document"] == "scratch_disk"
    _fail_and_run_again(again)
    again.request_shutdown()
    again.wait_off()
    assert _record(scratch).document == digest(_document(later))


def test_other_contents_are_mounted_at_once_and_a_signal_is_sent(boot: Boot, tmp_path: Path) -> None:
    scratch = make_disk(tmp_path / "scratch.img")
    # Each line is written at once, so that none of the guest's is within it.
    program = (
        'show() { echo "$1 $(stat -c "%u:%g %a" /etc/app.conf) $(head -n 1 /etc/app.conf) $(cat /run/secrets/db)"; }; '
        "trap 'show again' HUP; exec 3</etc/app.conf; show first; while :; do sleep 1 & wait; done"
    )
    spec = make_spec(["sh", "-c", program], root=ON_DISK, stop={"signal": "SIGTERM", "timeout": 0.5})
    spec["guest_operations"] = {"secret_sha256": hashlib.sha256(SECRET.encode()).hexdigest()}
    first = make_delivery("salt", [b"one\n", b"same\n"])
    # What is replaced stays in memory. After as much as this, the container is to be restarted.
    other = make_delivery("salt", [b"two\n" + bytes(1 << 20), b"same\n"])
    last = make_delivery("salt", [b"three\n", b"same\n"])
    entries = [
        {"target": "/etc/app.conf", "owner": "7", "group": "8", "mode": "0640"},
        {"target": "/run/secrets/db", "owner": "", "group": "", "mode": "0444"},
    ]
    spec["files"] = {"sha256": first.sha256, "entries": entries}
    machine = boot(spec, scratch=scratch)
    machine.wait_status(lambda status: status["waiting_for"] == "files", "waits for its files")
    _deliver(machine, first)
    machine.wait_log("first 7:8 640 one same\n")
    started = machine.wait_state("running")
    assert started["files"] == {"sha256": first.sha256, "wanted": None, "error": None}
    replaced = _replace(machine, spec, 1, other)
    machine.wait_log("again 7:8 640 two same\n")
    assert (replaced["pid"], replaced["started_at"]) == (started["pid"], started["started_at"])
    assert (replaced["files"]["error"], replaced["follows"]) == (None, ["restart", "files"])
    replaced = _replace(machine, spec, 2, last)
    machine.wait_log("again 7:8 640 three same\n")
    assert (replaced["pid"], replaced["started_at"]) == (started["pid"], started["started_at"])
    assert (replaced["files"]["error"], replaced["follows"]) == (None, ["restart"])
    # Still read-only, and whoever had opened the file before still has its content.
    result = json.loads(machine.exec(SECRET, "sh", "-c", "cat /proc/1/fd/3; echo x >/etc/app.conf"))
    assert base64.b64decode(result["stdout"]) == b"one\n"
    assert b"Read-only file system" in base64.b64decode(result["stderr"])
    machine.power_cut()

    # vSphere has gone back to the document of before the change, and HA starts the VM.
    again = boot(spec, scratch=scratch)
    status = again.wait_state("running")
    assert (status["files"]["sha256"], status["follows"]) == (last.sha256, ["restart", "files"])
    again.wait_log("first 7:8 640 three same\n")


def _contents(status: dict[str, Any], key: str) -> str | None:
    """Return a digest of the contents; None before the guest has any."""
    return None if status["files"] is None else status["files"][key]


def _replace(machine: Machine, spec: dict[str, Any], revision: int, delivery: Delivery) -> dict[str, Any]:
    """Replace the files of a container that runs; return the status after that."""
    files = {**spec["files"], "sha256": delivery.sha256, "signals": ["SIGHUP"]}
    machine.set_document({**spec, "revision": revision, "files": files})
    machine.wait_status(lambda status: _contents(status, "wanted") == delivery.sha256, "expects other contents")
    _deliver(machine, delivery)
    return machine.wait_status(lambda status: _contents(status, "sha256") == delivery.sha256, "has other contents")


def _deliver(machine: Machine, delivery: Delivery) -> None:
    machine.wait_operations()
    assert [machine.deliver(SECRET, part) for part in delivery.parts()][-1] == str(len(delivery.content))


def _fail_and_run_again(machine: Machine) -> None:
    machine.wait_operations()
    # Without a handler, a container's first process ignores the signal.
    machine.wait_log("\nready")
    machine.exec(SECRET, "kill", "-USR1", "1")
    machine.wait_status(lambda status: (status["state"], status["restart_count"]) == ("running", 1), "restarted")
