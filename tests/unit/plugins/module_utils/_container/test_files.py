# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test files and secrets: what is refused, what is delivered, when, and that no representation shows a content."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_wait import (
    POWER_PATH,
    STATUS_PATH,
    Contents,
    FilesWanted,
    Startup,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import (
    AwaitStatus,
    PowerOn,
    Reconfigure,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_effects import container_effects
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_files import ReplaceFiles
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    ON,
    DesiredContainer,
    Machine,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan import plan_container
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target import new_machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target_files import target_delivery
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Effect
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.delivery import MAX_BYTES, Delivery, make_delivery
from tests.support.builders.containers import IMAGES, PLACE, desired_container

KEY = "0123456789abcdef"
SECRET, OTHER_SECRET = "weak-password-1", "weak-password-2"


def desired(**options: Any) -> DesiredContainer:
    """Return a desired container with the options, guest operations and a key."""
    return desired_container(**{"image": "image:0", "guest_operations": True, "guest_key": KEY, **options})


def with_secret(content: str = SECRET, **options: Any) -> DesiredContainer:
    return desired(secrets=[{"name": "db", "content": content}], **options)


def recorded(wanted: DesiredContainer, option: str) -> list[dict[str, Any]]:
    assert wanted.config is not None
    entries: list[dict[str, Any]] = wanted.config.document()[option]
    return entries


def machine_of(wanted: DesiredContainer) -> Machine:
    """Return a running machine as a task leaves it."""
    assert wanted.config is not None
    assert wanted.guest_key is not None
    machine = new_machine(wanted, wanted.config, "web", IMAGES[0], PLACE)
    document = {**(machine.document or {}), "id": "id-1", "guest_operations": wanted.guest_key.guest_field("id-1")}
    return replace(machine, moid="vm-7", container_id="id-1", power=ON, status={"state": "running"}, document=document)


def plan(machine: Machine | None, wanted: DesiredContainer) -> list[Any]:
    return list(plan_container(wanted, ObservedContainer(machine=machine, image=IMAGES[0], place=PLACE)))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"files": [{"target": "etc/a", "content": "x"}]}, "files[0].target is 'etc/a'"),
        ({"files": [{"target": "/etc/", "content": "x"}]}, "files[0].target is '/etc/'"),
        ({"files": [{"target": "/a"}]}, "files[0] has no content"),
        ({"files": [{"target": "/a", "content": "x", "content_base64": "eA=="}]}, "files[0] has both"),
        ({"files": [{"target": "/a", "content_base64": "%"}]}, "files[0].content_base64 is not valid base64"),
        ({"files": [{"target": "/a", "content": {"a": SECRET}}]}, "files[0].content is not a text but of type dict"),
        ({"files": [{"target": "/a", "content": "x", "owner": "a:b"}]}, "files[0].owner is 'a:b'"),
        ({"files": [{"target": "/a", "content": "x", "mode": "rw"}]}, "files[0].mode is 'rw'"),
        ({"files": [{"target": "/a", "content": "x", "mode": 0o4755}]}, "files[0].mode is 4755"),
        ({"files": [{"target": "/a", "content": "x", "signal": "SIGNO"}]}, "files[0].signal is 'SIGNO'"),
        ({"secrets": [{"name": "a/b", "content": "x"}]}, "secrets[0].name is 'a/b'"),
        ({"secrets": [{"name": "a", "content": "x"}, {"name": "a", "content": "y"}]}, "target /run/secrets/a twice"),
        (
            {"files": [{"target": "/run/secrets", "content": "x"}], "secrets": [{"name": "a", "content": "x"}]},
            "the targets /run/secrets and /run/secrets/a",
        ),
        ({"files": [{"target": f"/{n}", "content": "x"} for n in range(65)]}, "At most 64 files with 4 MiB"),
        ({"secrets": [{"name": "a", "content": "x" * (MAX_BYTES + 1)}]}, "At most 64 files with 4 MiB"),
        ({"secrets": [{"name": "a", "content": SECRET}], "writable": "tmpfs"}, "writable: tmpfs"),
        ({"secrets": [{"name": "a", "content": SECRET}], "guest_operations": None}, "guest_operations: true"),
        ({"secrets": [{"name": "a", "content": SECRET}], "guest_key": None, "guest_operations": None}, "guest_key"),
    ],
)
def test_invalid_files_are_refused_without_their_content(options: dict[str, Any], said: str) -> None:
    with pytest.raises(GantryError) as caught:
        desired(**options)
    assert said in caught.value.message
    assert SECRET not in caught.value.message


def test_the_defaults_and_forms_of_files() -> None:
    files = [
        {"target": "/etc//app/../a.conf", "content": "\u00fc", "owner": "33", "group": "www", "mode": 0o640},
        {"target": "/b", "content_base64": base64.b64encode(b"\0\xff").decode()},
    ]
    secrets = [{"name": "db", "content": ""}, {"name": "x", "content": "y", "target": "sub/z", "mode": "400"}]
    wanted = desired(files=files, secrets=secrets)
    assert wanted.config is not None
    assert [(one.target, one.owner, one.group, one.mode, one.content) for one in wanted.config.files] == [
        ("/etc/a.conf", "33", "www", "0640", "\u00fc".encode()),
        ("/b", "", "", "0644", b"\0\xff"),
        ("/run/secrets/db", "", "", "0444", b""),
        ("/run/secrets/sub/z", "", "", "0400", b"y"),
    ]


def test_a_container_that_is_removed_needs_no_key_and_no_content() -> None:
    wanted = desired(state="absent", guest_operations=None, guest_key=None, secrets=[{"name": "db"}])
    assert wanted.config is not None
    assert wanted.config.files == ()


def test_a_digest_needs_the_key_and_shows_no_equal_contents() -> None:
    (first,) = recorded(with_secret(), "secrets")
    assert first["digest"] == recorded(with_secret(), "secrets")[0]["digest"]
    others = [
        with_secret(OTHER_SECRET),
        with_secret(guest_key="another-key-0123456"),
        with_secret(name="other"),
        desired(secrets=[{"name": "other", "content": SECRET}]),
    ]
    assert len({first["digest"], *(recorded(other, "secrets")[0]["digest"] for other in others)}) == 5
    # What anybody can compute who guesses the secret.
    for guess in (SECRET.encode(), f"/run/secrets/db{SECRET}".encode()):
        assert first["digest"] != hashlib.sha256(guess).hexdigest()
    delivery = target_delivery(with_secret())
    assert delivery is not None
    assert delivery.sha256 != make_delivery("", [SECRET.encode()]).sha256


def joined(delivery: Delivery) -> bytes:
    """Return what a guest has after all parts, as it receives them."""
    received = b""
    parts = [json.loads(part) for part in delivery.parts()]
    for number, part in enumerate(parts, 1):
        assert (part["sha256"], part["offset"]) == (delivery.sha256, len(received))
        assert part["last"] == (number == len(parts))
        received += base64.b64decode(part["data"])
    return received


@pytest.mark.parametrize("size", [0, 1, 33 << 10, 100_000])
def test_the_parts_of_a_delivery_are_the_whole(size: int) -> None:
    delivery = make_delivery("salt", [b"x" * size, b"end"])
    whole = joined(delivery)
    assert hashlib.sha256(whole).hexdigest() == delivery.sha256
    magic, header, content = whole.split(b"\n", 2)
    assert magic == b"GANTRYFILES1"
    assert json.loads(header) == {"salt": "salt", "sizes": [size, 3]}
    assert content == b"x" * size + b"end"
    assert all(len(part) <= 48 << 10 for part in delivery.parts())


def test_the_document_announces_the_files_and_has_no_content() -> None:
    document = machine_of(with_secret()).document or {}
    delivery = target_delivery(with_secret())
    assert delivery is not None
    assert document["files"] == {
        "sha256": delivery.sha256,
        "entries": [{"target": "/run/secrets/db", "owner": "", "group": "", "mode": "0444"}],
    }
    assert "files" not in (machine_of(desired()).document or {})


def test_nothing_to_do_for_the_same_content() -> None:
    assert plan(machine_of(with_secret()), with_secret()) == []


def test_another_content_restarts_the_container_and_is_shown_as_a_digest() -> None:
    changes = plan(machine_of(with_secret()), with_secret(OTHER_SECRET))
    assert [type(change).__name__ for change in changes] == ["Stop", "Reconfigure", "PowerOn"]
    (before, after) = (recorded(wanted, "secrets") for wanted in (with_secret(), with_secret(OTHER_SECRET)))
    (reconfigure,) = [change for change in changes if isinstance(change, Reconfigure)]
    assert reconfigure.before() == {"web": {"secrets": before}}
    assert reconfigure.after() == {"web": {"secrets": after}}
    (start,) = [change for change in changes if isinstance(change, PowerOn)]
    assert start.files is not None
    assert OTHER_SECRET.encode() in start.files.delivery.content


OTHER_DIGEST = "0" * 64


def following(wanted: DesiredContainer, **status: Any) -> Machine:
    """Return a machine whose guest replaces files while it runs, as a task leaves it."""
    machine = machine_of(wanted)
    contents = {"sha256": (machine.document or {})["files"]["sha256"], "wanted": None, "error": None}
    reported = {"state": "running", "follows": ["restart", "files"], "files": contents, **status}
    return replace(machine, status=reported)


def with_signals(content: str = SECRET, other: str = "x", *, signal: str | None = "HUP", **options: Any) -> Any:
    """Return a desired container with a secret and a file that have a signal, and a file that has none."""
    files = [
        {"target": "/a", "content": other, "signal": signal},
        {"target": "/b", "content": options.pop("last", "z")},
    ]
    return desired(files=files, secrets=[{"name": "db", "content": content, "signal": "SIGUSR1"}], **options)


def test_contents_with_a_signal_are_replaced_while_the_container_runs() -> None:
    machine, wanted = following(with_signals()), with_signals(OTHER_SECRET)
    changed, replaced = plan(machine, wanted)
    assert isinstance(changed, Reconfigure)
    assert isinstance(replaced, ReplaceFiles)
    delivery = target_delivery(wanted)
    assert delivery is not None
    assert changed.target.document == {
        **(machine.document or {}),
        "revision": 1,
        "files": {**(machine.document or {})["files"], "sha256": delivery.sha256, "signals": ["SIGUSR1"]},
    }
    assert changed.before() == {"web": {"secrets": recorded(with_signals(), "secrets")}}
    assert changed.after() == {"web": {"secrets": recorded(wanted, "secrets")}}
    assert replaced.describe() == "replace files in web"
    assert replaced.before() == {"web": {"contents": (machine.status or {})["files"]["sha256"]}}
    assert replaced.after() == {"web": {"contents": delivery.sha256}}
    assert container_effects([[changed, replaced]]) == [Effect("web", "in place", ("files", "secrets"))]
    done = replaced.project(ObservedContainer(machine=changed.target)).machine
    assert plan(done, wanted) == []
    # What was changed before is no reason for a signal.
    (again, _) = plan(done, with_signals(OTHER_SECRET, "y", restart_policy="always"))
    assert again.target.document["files"]["signals"] == ["SIGHUP"]
    assert (again.target.document["revision"], again.target.document["restart"]["policy"]) == (2, "always")
    # The restart policy alone is followed without the contents.
    (policy,) = plan(done, with_signals(OTHER_SECRET, restart_policy="always"))
    assert policy.target.document["files"] == done.document["files"]


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        # A file without a signal has changed, too.
        ({}, {"last": "other"}, {}),
        # So has something else.
        ({}, {"env": {"A": "b"}}, {}),
        ({"signal": None}, {"signal": None, "other": "y"}, {}),
        # An earlier bootstrap, one that starts, and a container that has ended.
        ({}, {}, {"follows": ["restart"]}),
        ({}, {}, {"state": "booting", "files": None}),
    ],
)
def test_other_changes_restart_the_container_as_before(
    before: dict[str, Any], after: dict[str, Any], status: dict[str, Any]
) -> None:
    machine = following(with_signals(**before), **status)
    changes = plan(machine, with_signals(OTHER_SECRET, **after))
    assert [type(change).__name__ for change in changes] == ["Stop", "Reconfigure", "PowerOn"]
    document = changes[1].target.document
    assert "revision" not in document
    # Earlier guests refuse what they do not know.
    assert set(document["files"]) == {"sha256", "entries"}


def test_another_signal_changes_the_record_alone() -> None:
    machine, wanted = following(with_signals(signal=None)), with_signals(signal="SIGHUP")
    (changed,) = plan(machine, wanted)
    assert changed.target.document == machine.document
    assert changed.describe() == "reconfigure web: files"
    assert plan(changed.target, wanted) == []


def test_an_interrupted_replacement_is_made_by_the_next_run() -> None:
    first = with_signals(OTHER_SECRET)
    interrupted = plan(following(with_signals()), first)[0].target
    (replaced,) = plan(interrupted, first)
    assert isinstance(replaced, ReplaceFiles)
    assert container_effects([[replaced]]) == [Effect("web", "in place", ("files", "secrets"))]
    # The signals of both changes are sent after another change.
    changed, _ = plan(interrupted, with_signals(OTHER_SECRET, "y"))
    assert changed.target.document["files"]["signals"] == ["SIGHUP", "SIGUSR1"]
    # A guest that cannot replace them gets them at a start.
    failed = {"sha256": OTHER_DIGEST, "wanted": (interrupted.document or {})["files"]["sha256"], "error": "moved away"}
    machine = replace(interrupted, status={**(interrupted.status or {}), "files": failed})
    assert [type(change).__name__ for change in plan(machine, first)] == ["Stop", "PowerOn"]


def test_contents_that_are_not_compared_are_not_replaced() -> None:
    ignored = {"comparisons": {"files": "ignore", "secrets": "ignore"}}
    assert plan(following(with_signals()), with_signals(OTHER_SECRET, **ignored)) == []


def contents(watcher: Contents, power: str = ON, **status: Any) -> bool:
    return watcher.seen({POWER_PATH: power, STATUS_PATH: json.dumps(status)})


def test_the_wait_for_a_guest_to_replace_files() -> None:
    def files(current: str, wanted: str | None = None, error: str | None = None) -> dict[str, Any]:
        return {"sha256": current, "wanted": wanted, "error": error}

    watcher = Contents("new", deadline=1.0)
    assert not contents(watcher, state="running", files=files("old"))
    # It has not read the last revision of the document.
    assert not contents(watcher, state="running", files=files("old", "another"))
    assert not contents(watcher, state="running", files=files("old", "another", "failed"))
    assert contents(watcher, state="running", files=files("old", "new"))
    assert watcher.asked
    watcher.sent = True
    assert not contents(watcher, state="running", files=files("old", "new"))
    assert contents(watcher, state="running", files=files("old", "new", "moved away"))
    assert watcher.failure == "moved away"
    assert contents(watcher, state="running", files=files("new"))
    assert (watcher.replaced, watcher.failure, watcher.is_up) == (True, None, True)
    assert contents(watcher, state="exited", files=files("old", "new"))
    assert contents(watcher, power="poweredOff", state="running", files=files("old", "new"))
    assert not watcher.is_up


def test_no_representation_shows_a_content() -> None:
    wanted = with_secret()
    changes = plan(None, wanted)
    shown = f"{wanted!r} {changes!r} {Plan(tuple(changes)).diff()} {Plan(tuple(changes)).actions()}"
    assert SECRET not in shown
    assert base64.b64encode(SECRET.encode()).decode() not in shown
    assert "digest" in shown


def test_a_container_whose_files_are_removed_restarts() -> None:
    changes = plan(machine_of(with_secret()), desired())
    assert [type(change).__name__ for change in changes] == ["Stop", "Reconfigure", "PowerOn"]
    assert [change.files for change in changes if isinstance(change, PowerOn)] == [None]


def test_a_read_only_container_gets_a_disk_for_its_files() -> None:
    machine = machine_of(with_secret(read_only=True))
    assert machine.scratch_bytes == 64 << 20
    assert (machine.document or {})["root"]["scratch"] == {"unit": 1}
    assert machine_of(desired(read_only=True)).scratch_bytes is None
    assert plan(machine, with_secret(read_only=True)) == []


@pytest.mark.parametrize("wait", [True, False])
def test_a_container_that_still_waits_for_its_files_gets_them(wait: bool) -> None:
    machine = replace(machine_of(with_secret()), status={"state": "booting", "waiting_for": "files"})
    (change,) = plan(machine, with_secret(wait=wait))
    assert isinstance(change, AwaitStatus)
    assert change.files is not None
    assert change.files.container_id == "id-1"


def seen(watcher: FilesWanted | Startup, power: str = ON, **status: Any) -> bool:
    return watcher.seen({POWER_PATH: power, STATUS_PATH: json.dumps(status)})


def test_the_wait_for_the_question_of_a_guest() -> None:
    before = json.dumps({"state": "booting", "waiting_for": "files"})
    wanted = FilesWanted(before, deadline=1.0)
    assert not wanted.seen({POWER_PATH: ON, STATUS_PATH: before})
    assert not seen(wanted, state="booting", waiting_for=None)
    assert not wanted.asked
    assert seen(wanted, state="booting", sequence=2, waiting_for="files")
    assert wanted.asked
    assert seen(wanted, state="running", waiting_for=None)
    assert not wanted.asked
    assert seen(wanted, power="poweredOff")


@pytest.mark.parametrize("delivers", [True, False])
def test_a_task_without_the_files_fails_at_once(delivers: bool) -> None:
    startup = Startup("web", "running", 300, None, wants_address=False, deadline=1.0, delivers=delivers)
    assert seen(startup, state="booting", waiting_for="files") is not delivers
    if not delivers:
        assert "Run the task that gives them with files and secrets" in startup.error(None).message
