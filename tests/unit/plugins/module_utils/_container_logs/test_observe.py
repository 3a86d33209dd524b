# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test how the log of a container is read: page by page in its guest, or in the record of its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from pyVmomi import vim

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.guest_access import Guests
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import ON, Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container_logs import observe
from ansible_collections.gantry.vsphere.plugins.module_utils._container_logs.model import (
    ContainerLog,
    DesiredLogs,
    LogSelection,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_logs.observe import observe_logs
from ansible_collections.gantry.vsphere.plugins.module_utils._container_logs.result import logs_result
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import GuestKey
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.log_page import decode_published, parse_position
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session
from tests.support.builders.log_pages import page, position, published

KEY = GuestKey("a key of these tests")
WANTED = DesiredLogs(
    names=("web",), selection=LogSelection(), timestamps=False, positions={}, max_bytes=1 << 20, guest_key=KEY,
    datacenter=None, folder=None,
)  # fmt: skip
RUNNING = Machine(
    moid="vm-7", name="web", path="/DC0/vm/web", kind="container", power=ON, container_id="an id", tools_running=True,
    status={"state": "running"}, document={"guest_operations": KEY.guest_field("an id")},
)  # fmt: skip
ENDED = replace(RUNNING, power="poweredOff", tools_running=False, status={"state": "exited"})


@dataclass
class Guest:
    """Session and file manager of a guest that serves these pages, or fails with these faults instead."""

    pages: list[bytes | Exception]
    paths: list[str] = field(default_factory=list)
    machines: Sequence[Machine] = (RUNNING,)

    def InitiateFileTransferFromGuest(self, vm: str, auth: Any, guestFilePath: str) -> Any:  # noqa: N802, N803
        assert (vm, auth.username, auth.password) == ("vm-7", "gantry", KEY.secret("an id"))
        self.paths.append(guestFilePath)
        return vim.vm.guest.FileManager.FileTransferInformation(url="https://*/guestFile?id=1")

    def ref(self, _kind: str, moid: str) -> str:
        return moid

    def download_guest_file(self, _url: str, _host_config_of: Callable[[str], Any], _max_bytes: int) -> bytes:
        served = self.pages.pop(0)
        if isinstance(served, Exception):
            raise served
        return served

    def read(self, desired: DesiredLogs = WANTED) -> ContainerLog:
        (found,) = observe_logs(cast(Session, self), desired)
        return found


@pytest.fixture(autouse=True)
def _inventory(monkeypatch: pytest.MonkeyPatch) -> None:
    def observe_guests(session: Guest, _names: Sequence[str], **_options: Any) -> Guests:
        return Guests(tuple(session.machines), {"processManager": None, "fileManager": session})

    monkeypatch.setattr(observe, "observe_guests", observe_guests)
    monkeypatch.setattr(observe, "_PAUSES", (0.0,) * 7)


def texts(log: ContainerLog) -> list[bytes]:
    return [record.text for record in log.records]


def lines(desired: DesiredLogs, log: ContainerLog) -> list[str]:
    return list(logs_result(desired, [log])["logs"][0]["lines"])


def test_pages_are_read_up_to_the_end_that_the_log_had_at_first() -> None:
    first = page((1, 1, b"a\n"), end=position(2))
    second = page((1, 1, b"b\n"), first=1, end=position(9), lost=3)
    guest = Guest([first, second])
    found = guest.read(replace(WANTED, selection=LogSelection(tail=5, since=7, streams=("stderr",))))
    assert texts(found) == [b"a\n", b"b\n"]
    assert (found.position and found.position.text, found.lost, found.more) == (position(2), 3, False)
    begin, following = (path.split(",", 1) for path in guest.paths)
    assert begin[0].startswith("/gantry/log/id=")
    assert begin[0] != following[0]
    assert (begin[1], following[1]) == (
        "tail=5,since=7,stream=stderr",
        f"from={position(1)},since=7,stream=stderr",
    )


def test_reading_ends_when_it_is_enough() -> None:
    found = Guest([page((1, 1, b"a" * 100), end=position(5))]).read(replace(WANTED, max_bytes=100))
    assert (texts(found), found.more, found.position and found.position.number) == ([b"a" * 100], True, 1)


def test_a_guest_that_reports_pages_without_lines_is_not_asked_for_ever() -> None:
    with pytest.raises(GantryError, match="web reports an empty page before the end"):
        Guest([page(end=position(5))]).read()


def test_it_goes_on_at_the_position_of_the_task() -> None:
    place = parse_position(position(4))
    assert place is not None
    guest = Guest([page(first=4, lost=2, unknown_position=True)])
    found = guest.read(replace(WANTED, positions={"web": place}))
    assert guest.paths[0].endswith(f",from={position(4)}")
    assert (found.lost, logs_result(WANTED, [found])["logs"][0]["lost"]) == (None, True)


def fault(kind: type[Any]) -> FaultError:
    return FaultError("read", kind())


def test_a_page_is_read_again_while_the_container_moves() -> None:
    passing = [fault(vim.fault.GuestOperationsUnavailable), fault(vim.fault.TaskInProgress)] * 3
    refused = GantryError("The host refused the file of the guest.")
    assert texts(Guest([*passing, page((1, 1, b"a\n"))]).read()) == [b"a\n"]
    assert texts(Guest([refused] * 3 + [page((1, 1, b"a\n"))]).read()) == [b"a\n"]


@pytest.mark.parametrize(
    ("failure", "tries", "remedy"),
    [
        (fault(vim.fault.GuestOperationsUnavailable), 8, "The guest tools do not answer"),
        (fault(vim.fault.FileNotFound), 1, "a bootstrap ISO that does not offer its log"),
        (fault(vim.fault.CannotAccessFile), 1, "has not been started yet"),
        (fault(vim.fault.InvalidPowerState), 1, "has stopped in the meantime"),
        (GantryError("The host refused the file of the guest."), 5, "refused the file of the guest"),
    ],
)
def test_what_does_not_pass_is_reported_with_its_remedy(failure: Exception, tries: int, remedy: str) -> None:
    guest = Guest([failure] * 20)
    with pytest.raises(GantryError, match=remedy) as caught:
        guest.read()
    assert caught.value.message.startswith("Could not read the log of container web: ")
    assert len(guest.paths) == tries


@pytest.mark.parametrize(
    ("machine", "key", "message"),
    [
        (replace(RUNNING, tools_running=False), KEY, "The guest tools of container web are not running"),
        (RUNNING, None, "There is no guest_key"),
        (replace(RUNNING, document={}), KEY, "permits no guest operations"),
        (replace(RUNNING, name="db"), KEY, "There is no container 'web'"),
    ],
)
def test_a_guest_that_cannot_be_reached_is_not_asked(machine: Machine, key: GuestKey | None, message: str) -> None:
    guest = Guest([], machines=[machine])
    with pytest.raises(GantryError, match=message):
        guest.read(replace(WANTED, guest_key=key))
    assert guest.paths == []


RECORD = published((1, 1, b"a\n"), (2, 2, b"b\n"), (1, 3, b"c\n"), first=4)


@pytest.mark.parametrize(
    ("options", "expected", "lost"),
    [
        ({}, [b"a\n", b"b\n", b"c\n"], 0),
        ({"selection": LogSelection(tail=2)}, [b"b\n", b"c\n"], 0),
        ({"selection": LogSelection(tail=0)}, [], 0),
        ({"selection": LogSelection(streams=("stderr",))}, [b"b\n"], 0),
        ({"selection": LogSelection(since=2 * 10**9, until=3 * 10**9)}, [b"b\n"], 0),
        ({"positions": {"web": parse_position(position(6))}}, [b"c\n"], 0),
        ({"positions": {"web": parse_position(position(7))}}, [], 0),
        ({"positions": {"web": parse_position(position(1))}}, [b"a\n", b"b\n", b"c\n"], 3),
        ({"positions": {"web": parse_position(position(1, "0" * 16))}}, [b"a\n", b"b\n", b"c\n"], None),
        ({"positions": {"web": parse_position(position(8))}}, [b"a\n", b"b\n", b"c\n"], None),
    ],
)
def test_the_log_of_a_container_that_has_ended_is_that_of_its_record(
    options: dict[str, Any], expected: list[bytes], lost: int | None
) -> None:
    guest = Guest([], machines=[replace(ENDED, log_page=decode_published(RECORD))])
    found = guest.read(replace(WANTED, guest_key=None, **options))
    assert (texts(found), found.lost, found.position and found.position.text) == (expected, lost, position(7))
    assert guest.paths == []


def test_an_end_that_is_not_recorded_is_a_warning() -> None:
    found = Guest([], machines=[ENDED]).read()
    result = logs_result(WANTED, [found])
    assert (result["logs"][0]["lines"], result["positions"]) == ([], {})
    assert "The end of the output of container web is not recorded" in result["warnings"][0]
    created = Guest([], machines=[replace(ENDED, status=None)]).read()
    assert logs_result(WANTED, [created])["warnings"] == []


def test_lines_that_were_split_are_joined_and_have_the_time_of_their_first_part() -> None:
    split = page((1, 1, b"one "), (2, 2, b"err\r\n"), (1, 3, b"line\n"), (1, 4, b"two"))
    found = Guest([split]).read()
    assert lines(WANTED, found) == ["one line", "err", "two"]
    assert lines(replace(WANTED, timestamps=True), found) == [
        "1970-01-01T00:00:01.000000000Z one line",
        "1970-01-01T00:00:02.000000000Z err",
        "1970-01-01T00:00:04.000000000Z two",
    ]
