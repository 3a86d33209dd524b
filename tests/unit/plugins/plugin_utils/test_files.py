# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test how files of the controller become contents, and where the contents of several containers are put."""

from __future__ import annotations

import base64
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.desire import desire_set
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.options import set_argument_spec
from ansible_collections.gantry.vsphere.plugins.plugin_utils.files import ContainersFilesAction, FilesAction
from tests.support.builders.web_server import make_certificate

KEY = "0123456789abcdef"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def action_in(folder: Path, kind: type[FilesAction] = FilesAction) -> FilesAction:
    """Return an action of a playbook in a folder."""
    task = SimpleNamespace(get_search_path=lambda: [str(folder)], args={}, async_val=0)
    return kind(task, connection=None, play_context=None, loader=DataLoader(), templar=None, shared_loader_obj=None)


def test_a_source_becomes_content_and_the_rest_stays(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "key").write_bytes(b"\xff\0")
    plain = {"target": "/a", "content": "x"}
    arguments = {
        "name": "web",
        "files": [plain, "no dictionary"],
        "secrets": [{"name": "db", "src": "key", "owner": "1"}],
    }
    assert action_in(tmp_path).local_arguments(arguments) == {
        "name": "web",
        "files": [plain, "no dictionary"],
        "secrets": [{"name": "db", "owner": "1", "content_base64": base64.b64encode(b"\xff\0").decode()}],
    }
    assert "src" in arguments["secrets"][0]


def test_a_directory_becomes_its_files(tmp_path: Path) -> None:
    (tmp_path / "www" / "sub").mkdir(parents=True)
    (tmp_path / "www" / "b").write_text("1")
    (tmp_path / "www" / "sub" / "run").write_text("2")
    (tmp_path / "www" / "sub" / "run").chmod(0o755)
    given = [{"target": "/srv/", "src": str(tmp_path / "www")}, {"target": "/c", "src": "www/sub/run", "mode": "0700"}]
    assert action_in(tmp_path).local_arguments({"files": given})["files"] == [
        {"target": "/srv/b", "content_base64": encoded("1")},
        {"target": "/srv/sub/run", "content_base64": encoded("2"), "mode": "0755"},
        {"target": "/c", "content_base64": encoded("2"), "mode": "0700"},
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"files": [{"target": "/a", "src": "absent"}]}, "files[0].src is 'absent', which was not found"),
        ({"files": [{"target": "/a", "src": "many", "content": "y"}]}, "files[0] has both src and content"),
        ({"files": [{"target": "/a", "src": "empty"}]}, "with 0 files and 0 bytes"),
        ({"files": [{"target": "/a", "src": "many"}]}, "with 65 files and 0 bytes"),
        ({"files": [{"target": "/a", "src": "large"}]}, "with 1 files and 104857600 bytes"),
        ({"files": [{"target": "/a", "src": "large/one"}]}, "has 104857600 bytes. A container gets at most 4194304"),
        ({"secrets": [{"name": "a", "src": "many"}]}, "Only files with a target can have one"),
        ({"files": [{"src": "many"}]}, "Only files with a target can have one"),
    ],
)
def test_what_cannot_be_read_is_refused(given: dict[str, Any], said: str, tmp_path: Path) -> None:
    for name in ("empty", "many", "large"):
        (tmp_path / name).mkdir()
    for number in range(65):
        (tmp_path / "many" / str(number)).touch()
    with (tmp_path / "large" / "one").open("wb") as large:
        large.truncate(100 << 20)
    with pytest.raises(AnsibleActionFail) as caught:
        action_in(tmp_path).local_arguments(given)
    assert said in str(caught.value)


def test_a_file_of_variables_is_read_on_the_controller(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "web.env").write_text("A=1\n")
    (tmp_path / "latin.env").write_bytes(b"A=\xe4")
    action = action_in(tmp_path)
    given = {"env_file": "web.env", "env": {"B": "2"}}
    assert action.local_arguments(given) == {**given, "env_file_content": "A=1\n"}
    # A container that is removed needs none.
    gone = {"state": "absent", "env_file": "nowhere.env"}
    assert action.local_arguments(gone) == gone
    for wrong, said in (
        ({"env_file": "nowhere.env"}, "env_file is 'nowhere.env', which was not found"),
        ({"env_file": "latin.env"}, "is not a text in UTF-8"),
        ({"env_file": str(tmp_path)}, "Give a file."),
        ({"env_file": "web.env", "env_file_content": "A=2"}, "Both env_file and env_file_content are given."),
    ):
        with pytest.raises(AnsibleActionFail) as caught:
            action.local_arguments(wrong)
        assert said in str(caught.value)


def test_the_ca_of_a_syslog_server_is_read_on_the_controller(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    ca = certificate.ca.read_text()
    (tmp_path / "text").write_text("no certificate")
    address = {"syslog-address": "tcp+tls://logs"}
    given = {"log_options": {**address, "syslog-tls-ca-cert": "ca.pem"}}
    read = {"log_options": {**address, "syslog-tls-ca-cert": ca}}
    action = action_in(tmp_path)
    assert action.local_arguments(given) == read
    assert given["log_options"]["syslog-tls-ca-cert"] == "ca.pem"
    # Content is no path, and what is no text is refused where all options are checked.
    for same in (read, {"log_options": {"syslog-tls-ca-cert": 1}}, {"log_options": address}, {"log_options": "a"}):
        assert action.local_arguments(same) == same
    of_set = {"project": "p", "defaults": given, "containers": [{"name": "a", **given}]}
    assert action_in(tmp_path, ContainersFilesAction).local_arguments(of_set) == {
        "project": "p",
        "defaults": read,
        "containers": [{"name": "a", **read}],
    }
    for wrong, said in (
        ("nowhere.pem", "log_options syslog-tls-ca-cert is 'nowhere.pem', which was not found"),
        ("text", f"log_options syslog-tls-ca-cert {tmp_path}/text is not a text of certificates in PEM"),
        ("server.pem", f"log_options syslog-tls-ca-cert {tmp_path}/server.pem has a private key"),
        (str(tmp_path), "Give a file."),
    ):
        with pytest.raises(AnsibleActionFail) as caught:
            action.local_arguments({"log_options": {**address, "syslog-tls-ca-cert": wrong}})
        assert said in str(caught.value)


def test_variables_of_the_containers_of_a_set_are_contents(tmp_path: Path) -> None:
    (tmp_path / "all.env").write_text("A=1\n")
    given = {
        "project": "p",
        "defaults": {"env_file": "all.env"},
        "containers": [{"name": "a"}, {"name": "b", "env_file_content": "A=2\n"}],
    }
    assert action_in(tmp_path, ContainersFilesAction).local_arguments(given) == {
        "project": "p",
        "defaults": {"env_file": "all.env", "env_file_from": "1"},
        "containers": [{"name": "a"}, {"name": "b", "env_file_from": "2"}],
        "contents": {"1": {"content": "A=1\n"}, "2": {"content": "A=2\n"}},
    }


def set_arguments() -> dict[str, Any]:
    one = {"name": "a", "image": "image:0", "secrets": [{"name": "s", "content": "first"}, {"name": "t"}]}
    two = {"name": "b", "image": "image:0", "files": [{"target": "/b", "content": "third"}]}
    defaults = {"guest_operations": True, "files": [{"target": "/a", "content_base64": encoded("second")}]}
    return {"project": "p", "containers": [one, two, "no dictionary"], "defaults": defaults}


def test_the_contents_of_several_containers_are_in_one_option(tmp_path: Path) -> None:
    moved = action_in(tmp_path, ContainersFilesAction).local_arguments(set_arguments())
    assert moved == {
        "project": "p",
        "defaults": {"guest_operations": True, "files": [{"target": "/a", "content_from": "1"}]},
        "containers": [
            {"name": "a", "image": "image:0", "secrets": [{"name": "s", "content_from": "2"}, {"name": "t"}]},
            {"name": "b", "image": "image:0", "files": [{"target": "/b", "content_from": "3"}]},
            "no dictionary",
        ],
        "contents": {
            "1": {"content_base64": encoded("second")},
            "2": {"content": "first"},
            "3": {"content": "third"},
        },
    }


def test_the_containers_get_their_contents_back(tmp_path: Path) -> None:
    arguments = set_arguments()
    arguments["containers"] = [arguments["containers"][0], arguments["containers"][1]]
    del arguments["containers"][0]["secrets"][1]
    moved = action_in(tmp_path, ContainersFilesAction).local_arguments(arguments)
    spec = {name: argument.get("default") for name, argument in set_argument_spec().items()}
    first, second = desire_set({**spec, **moved, "guest_key": KEY}).containers
    assert first.config is not None
    assert second.config is not None
    assert [file.content for file in first.config.files] == [b"second", b"first"]
    assert [file.content for file in second.config.files] == [b"third"]
    with pytest.raises(GantryError) as caught:
        desire_set({**spec, **moved, "guest_key": KEY, "contents": {}})
    assert "containers[0] (a): files[0].content_from is '1', and contents has no" in caught.value.message


def test_arguments_without_contents_stay_as_they_are(tmp_path: Path) -> None:
    arguments = {"project": "p", "containers": [{"name": "a", "image": "image:0"}], "defaults": None}
    assert action_in(tmp_path, ContainersFilesAction).local_arguments(arguments) == arguments
