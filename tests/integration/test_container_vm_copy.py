# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test container_vm_copy with the lab's vCenter and the files of a guest that is not booted."""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.lab.containers import IMAGE, PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.direct import DirectRunner
from tests.support.lab.playbook import TaskResult

COPY = "gantry.vsphere.container_vm_copy"
VM = "gantry.vsphere.container_vm"
NAME = f"{PREFIX}copied"
KEY = "key-of-the-copies"
Copy = Callable[..., TaskResult]


@pytest.fixture
def container(builder: VmBuilder, direct: DirectRunner, lab: dict[str, Any]) -> Iterator[str]:
    """Start a container that permits guest operations, and yield its name."""
    place = {"datacenter": lab["datacenter"], "cluster": lab["cluster"]}
    options = {"name": NAME, "image": IMAGE, "guest_operations": True, "guest_key": KEY, **place}
    direct({VM: options}).ok()
    yield NAME
    builder.clear()


@pytest.fixture
def copy(container: str, direct: DirectRunner, calls: Control) -> Copy:
    """Return a function that runs a copy and returns the task's result."""

    def task(container_path: str, *, check: bool = False, **options: Any) -> TaskResult:
        given = {"name": container, "guest_key": KEY, "container_path": container_path, **options}
        calls.forget()
        return direct({COPY: given, "ignore_errors": True}, check=check, diff=True).last

    return task


def make_tree(top: Path) -> None:
    """Create files, a directory and links below a directory."""
    (top / "sub" / "empty").mkdir(parents=True)
    (top / "index.html").write_bytes(os.urandom(200_000))
    (top / "index.html").chmod(0o640)
    (top / "sub" / "run").write_text("#!/bin/sh\n")
    (top / "sub" / "run").chmod(0o755)
    (top / "sub" / "none").write_bytes(b"")
    (top / "sub" / "up").symlink_to("../index.html")
    (top / ("n" * 120)).write_text("long name")


def facts(top: Path) -> Mapping[str, Any]:
    """Return what is below a directory: kinds, modes, contents and targets of links."""
    found: dict[str, Any] = {}
    for path in sorted(top.rglob("*")):
        mode = path.lstat().st_mode
        content = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(top))] = (stat.S_IFMT(mode), None if path.is_symlink() else mode, content)
    return found


def test_a_tree_is_the_same_there_and_back(copy: Copy, tmp_path: Path) -> None:
    source, back = tmp_path / "source", tmp_path / "back"
    make_tree(source)
    predicted = copy("/tmp/site", path=str(source), check=True)
    copied = copy("/tmp/site", path=str(source))
    assert (predicted.changed, predicted["actions"], predicted["diff"]) == (True, copied["actions"], copied["diff"])
    assert copied["actions"] == [f"copy 8 files to {NAME}:/tmp/site"]
    shown = copied["diff"]["after"][NAME]["/tmp/site/index.html"]
    assert (shown["mode"], shown["size"], len(shown["sha256"])) == ("0640", 200_000, 64)
    again = copy("/tmp/site", path=str(source))
    assert (again.changed, again["files"], again["diff"]) == (False, [], {"before": {}, "after": {}})

    fetched = copy("/tmp/site", dest=str(back))
    assert fetched.changed
    assert facts(back) == facts(source)
    assert not copy("/tmp/site", dest=str(back)).changed

    (source / "sub" / "run").write_text("changed")
    (back / "index.html").chmod(0o600)
    changed = copy("/tmp/site", path=str(source))
    assert changed["files"] == ["sub/run"]
    assert copy("/tmp/site", dest=str(back))["files"] == ["index.html", "sub/run"]
    assert facts(back) == facts(source)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["back", "home", "source"]


def test_content_is_written_with_owner_and_mode(copy: Copy, tmp_path: Path) -> None:
    options = {"content": "hello\n", "mode": "0640", "owner": str(os.getuid()), "group": str(os.getgid())}
    copied = copy("/tmp/greeting", **options)
    assert copied["actions"] == [f"copy 1 file to {NAME}:/tmp/greeting"]
    assert copied["diff"]["before"] == {}
    assert not copy("/tmp/greeting", **options).changed
    changed = copy("/tmp/greeting", **{**options, "content": "hello\nworld\n"}, check=True)
    shown = [changed["diff"][side][NAME]["/tmp/greeting"]["content"] for side in ("before", "after")]
    assert shown == [["hello"], ["hello", "world"]]
    binary = copy("/tmp/greeting", **{**options, "content": "\0"}, check=True)["diff"]["after"][NAME]["/tmp/greeting"]
    assert (binary["size"], "content" in binary) == (1, False)
    other = copy("/tmp/greeting", **{**options, "mode": 0o600})
    assert (other["diff"]["before"][NAME]["/tmp/greeting"]["mode"], other["files"]) == ("0640", [""])
    assert copy("/tmp/greeting", dest=f"{tmp_path}/").changed
    assert (tmp_path / "greeting").read_text() == "hello\n"
    assert stat.S_IMODE((tmp_path / "greeting").stat().st_mode) == 0o600
    binary = base64.b64encode(bytes(range(256))).decode()
    assert copy("/tmp/binary", content=binary, content_is_b64=True, mode="0600").changed
    copy("/tmp/binary", dest=str(tmp_path / "binary"))
    assert (tmp_path / "binary").read_bytes() == bytes(range(256))


def test_force_says_what_is_replaced(copy: Copy) -> None:
    first = {"content": "one", "mode": "0600"}
    assert copy("/tmp/forced", **first, force=False).changed
    assert not copy("/tmp/forced", content="two", mode="0600", force=False).changed
    assert not copy("/tmp/forced", **first).changed
    assert copy("/tmp/forced", **first, force=True).changed


def test_a_link_is_replaced_or_followed(copy: Copy, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "link").symlink_to("file")
    (source / "file").write_text("one")
    copy("/tmp/linked", path=str(source))
    followed = copy("/tmp/linked/link", content="two", mode="0644", follow=True)
    assert followed["container_path"] == "/tmp/linked/file"
    assert copy("/tmp/linked", path=str(source))["files"] == ["file"]
    replaced = copy("/tmp/linked/link", content="two", mode="0644")
    assert replaced["container_path"] == "/tmp/linked/link"
    assert replaced["diff"]["before"][NAME]["/tmp/linked/link"]["link"] == "file"
    assert copy("/tmp/linked", path=str(source))["files"] == ["link"]


def test_a_link_of_this_machine_is_followed_or_copied(copy: Copy, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("one")
    link = tmp_path / "link"
    link.symlink_to("file")
    copy("/tmp/local", path=str(link))
    assert copy("/tmp/local", content="one", mode="0644")["files"] == []
    as_link = copy("/tmp/local", path=str(link), local_follow=False)
    assert as_link["diff"]["after"][NAME]["/tmp/local"]["link"] == "file"
    assert not copy("/tmp/local", path=str(link), local_follow=False).changed
    # A link that leads nowhere can be copied, and not followed.
    link.unlink()
    link.symlink_to("nowhere")
    assert copy("/tmp/local", path=str(link), local_follow=False).changed
    assert "there is no such file or directory on the machine" in copy("/tmp/local", path=str(link)).msg


@pytest.mark.parametrize(
    ("container_path", "options", "message"),
    [
        ("relative", {"content": "x", "mode": "0644"}, "It must be an absolute path in the container"),
        ("/nowhere/x", {"content": "x", "mode": "0644"}, "/nowhere: no such file or directory"),
        ("/tmp", {"content": "x", "mode": "0644"}, "is a directory, and a file is to be copied there"),
        ("/absent", {"dest": "/tmp/x"}, "There is no /absent in container"),
        ("/etc", {"dest": "/nowhere/x"}, "there is no directory /nowhere on the machine"),
        ("/tmp/x", {"path": "/nowhere/x"}, "there is no such file or directory on the machine"),
        ("/tmp/x", {"content": "x", "mode": 644 << 8}, "Write it in quotes"),
        ("/tmp/x", {"content": "x", "mode": "u+x"}, "is not an octal mode"),
        ("/tmp/x", {"content": "xyz", "mode": "0644", "max_size": "2"}, "more than the 2 of max_size"),
        ("/tmp/x", {"content": "&", "mode": "0644", "content_is_b64": True}, "is not valid base64"),
        ("/tmp/x", {"content": "x", "mode": "0644", "owner": "nobody-there"}, "nobody-there"),
        ("/tmp/x", {"content": "x", "mode": "0644", "group": "0"}, "Give both"),
        ("/tmp/x", {"content": "x", "mode": "0644", "name": "nothing"}, "There is no container 'nothing'"),
        ("/tmp/x", {"content": "x", "mode": "0644", "guest_key": "another-key-of-copies"}, "of another guest_key"),
    ],
)
def test_what_cannot_be_copied_is_refused(
    copy: Copy, calls: Control, container_path: str, options: dict[str, Any], message: str
) -> None:
    refused = copy(container_path, **options)
    assert message in refused.msg
    assert not refused.changed
    assert "InitiateFileTransferToGuest" not in calls.methods()


def test_a_broken_transfer_leaves_the_old_file(copy: Copy, calls: Control, tmp_path: Path) -> None:
    copy("/tmp/kept", content="old", mode="0600")
    calls.fault("InitiateFileTransferToGuest", "SystemError")
    failed = copy("/tmp/kept", content="new", mode="0600")
    assert "was interrupted, and no file was replaced" in failed.msg
    assert failed.changed  # it is not known what the guest has done
    assert not copy("/tmp/kept", content="old", mode="0600").changed


def test_a_container_that_is_off_is_not_asked(copy: Copy, direct: DirectRunner, calls: Control) -> None:
    direct({VM: {"name": NAME, "state": "stopped"}}).ok()
    refused = copy("/tmp/x", content="x", mode="0600")
    assert f"Container {NAME} is not running" in refused.msg
    assert calls.mutating() == []
