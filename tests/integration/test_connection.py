# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user gets who gives a wrong connection, and whose connection breaks: one clear message, nothing changed."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.lab import fake_servers
from tests.support.lab.control import Control
from tests.support.lab.playbook import PlaybookRunner, TaskResult, Way, run_both_ways

FOLDER = "gantry.probe.folder"


def folder(name: str = "connection", **options: Any) -> dict[str, Any]:
    return {FOLDER: {"name": name, **options}}


def unique(name: str) -> str:
    """The lab may have served other runs before."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


def assert_clear(outcome: TaskResult, *words: str) -> None:
    assert outcome.failed
    assert not outcome.changed
    for word in words:
        assert word in outcome.msg
    assert "Traceback" not in str(outcome.result)


@pytest.mark.smoke
def test_wrong_password(play: PlaybookRunner, calls: Control, way: Way) -> None:
    run = play(folder(password="not-the-password"), way=way, verbosity=3)
    assert_clear(run.last, "does not accept user", "administrator@vsphere.local", "Check username")
    assert run.last["fault"]["type"] == "InvalidLogin"
    assert "not-the-password" not in run.output
    assert "not-the-password" not in str(run.last.result)
    assert calls.mutating() == []


def test_wrong_password_after_the_right_one_does_not_resume_its_session(play: PlaybookRunner, calls: Control) -> None:
    play(folder(state="absent")).ok()
    calls.reset()
    assert_clear(play(folder(state="absent", password="not-the-password")).last, "does not accept user")
    assert "Login" in calls.methods()


BAD_INPUT = {
    "ca file that is not there": r"^ca_path '/nowhere/ca.pem' does not exist\. It must be a file of PEM",
    "unknown host": r"^Cannot connect to vcenter\.invalid:\d+: the name cannot be resolved",
    "refused connection": r"^Cannot connect to 127\.0\.0\.1:\d+: the connection was refused",
    "server that hangs": r"no answer within 0\.5 s \(connect_timeout\)",
    "server that is no vCenter": r"what listens there does not speak TLS",
    "http": r"by https only",
    "misspelt cluster": r"^There is no cluster '(.*)x'\. Did you mean .*'\1'",
    "misspelt datastore": r"^There is no datastore '(.*)x'\. Did you mean .*'\1'",
    "misspelt network": r"^There is no network 'VM Networkx'\. Did you mean 'VM Network'",
    "unknown option": r"^Unsupported parameters for \(gantry\.probe\.folder\) module: colour\. Supported",
    "option that another needs": r"^defect is True but all of the following are missing: token$",
    "defect of ours": r"ZeroDivisionError: of the module, with the token \*+",
}


@pytest.fixture(scope="module")
def complaints(
    lab: dict[str, Any], connection: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, TaskResult]:
    """What each bad input returned, which was the same both ways, and made no mutating request."""
    with fake_servers.silent() as silent, fake_servers.answering(b"SSH-2.0-OpenSSH_9.2\r\n") as ssh:
        options: dict[str, dict[str, Any]] = {
            "ca file that is not there": {"ca_path": "/nowhere/ca.pem"},
            "unknown host": {"hostname": "vcenter.invalid"},
            "refused connection": {"port": fake_servers.unused_port()},
            "server that hangs": {"port": silent, "connect_timeout": 0.5},
            "server that is no vCenter": {"port": ssh},
            "http": {"hostname": "http://127.0.0.1"},
            "misspelt cluster": {"cluster": lab["cluster"] + "x"},
            "misspelt datastore": {"datastore": lab["datastore"] + "x"},
            "misspelt network": {"network": "VM Networkx"},
            "unknown option": {"colour": "red"},
            "option that another needs": {"defect": True},
            "defect of ours": {"defect": True, "token": "hush-hush"},
        }
        control = Control(lab["control"])
        control.reset()
        runner = PlaybookRunner(tmp_path_factory.mktemp("home"), connection)
        results = run_both_ways(runner, [folder(**given) for given in options.values()])
        assert control.mutating() == []
    return dict(zip(options, results, strict=True))


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_gets_one_clear_message(complaints: dict[str, TaskResult], case: str) -> None:
    outcome = complaints[case]
    assert_clear(outcome)
    assert re.search(BAD_INPUT[case], outcome.msg), outcome.msg
    assert "traceback" not in outcome.result
    assert "hush-hush" not in str(outcome.result)


def test_unknown_ca(both_ways: Callable[..., dict[str, Any]]) -> None:
    result = both_ways(folder(), environment={"VMWARE_CA_PATH": None})
    assert "its certificate is not trusted" in result["msg"]
    assert "ca_path" in result["msg"]


def test_unknown_ca_is_accepted_without_validation(play: PlaybookRunner, way: Way) -> None:
    play(folder(state="absent", validate_certs=False), way=way, environment={"VMWARE_CA_PATH": None}).ok()


def test_server_that_hangs_while_asked(play: PlaybookRunner, calls: Control, way: Way) -> None:
    calls.fault("RetrievePropertiesEx", delay_seconds=12)
    outcome = play(folder(request_timeout=4), way=way).last
    assert_clear(outcome, "was lost during RetrievePropertiesEx", "request_timeout 4")
    assert calls.mutating() == []


def test_server_that_hangs_while_it_changes_something(play: PlaybookRunner, calls: Control, way: Way) -> None:
    calls.fault("CreateFolder", delay_seconds=12)
    outcome = play(folder(unique("hanging"), request_timeout=4), way=way).last
    assert outcome.failed
    assert "CreateFolder" in outcome.msg
    assert "vCenter may have carried it out all the same; run again" in outcome.msg


@pytest.mark.smoke
def test_hostname_may_be_a_url(play: PlaybookRunner, connection: dict[str, str], way: Way) -> None:
    url = f"https://{connection['VMWARE_HOST']}:{connection['VMWARE_PORT']}/sdk"
    play(folder(state="absent", hostname=url), way=way, environment={"VMWARE_PORT": None}).ok()


def test_missing_password(both_ways: Callable[..., dict[str, Any]]) -> None:
    assert both_ways(folder(), environment={"VMWARE_PASSWORD": None})["msg"] == "missing required arguments: password"


def test_defect_has_its_traceback_at_verbosity_three(play: PlaybookRunner, way: Way) -> None:
    run = play(folder(defect=True, token="hush-hush"), way=way, verbosity=3)
    assert "ZeroDivisionError" in run.last["traceback"]
    assert "hush-hush" not in run.output


@pytest.mark.smoke
def test_no_secret_is_shown(play: PlaybookRunner, connection: dict[str, str], way: Way) -> None:
    run = play(folder(state="absent", token="hush-hush", echo="it is hush-hush"), way=way, verbosity=4).ok()
    for shown in (run.output, str(run.last.result)):
        assert "hush-hush" not in shown
        assert connection["VMWARE_PASSWORD"] not in shown


class TestSessions:
    def test_module_logs_in_and_out(self, play: PlaybookRunner, calls: Control) -> None:
        play(folder(state="absent"), way="module").ok()
        assert calls.methods() == ["RetrieveServiceContent", "Login", "RetrievePropertiesEx", "Logout"]

    @pytest.mark.smoke
    def test_loop_has_one_session(self, play: PlaybookRunner, calls: Control) -> None:
        loop = {**folder("{{ item }}", state="absent"), "loop": list("abcde")}
        play(loop).ok()
        # All of them find nothing to do by one look at what there is.
        assert calls.methods() == ["RetrieveServiceContent", "Login", "RetrievePropertiesEx"]

    def test_item_with_something_to_do_looks_again(self, play: PlaybookRunner, calls: Control) -> None:
        loop = {**folder("{{ item }}"), "loop": list("abc")}
        run = play(loop, check=True).ok()
        assert [item.changed for item in run.last.items] == [True] * 3
        assert calls.methods().count("RetrievePropertiesEx") == 3

    def test_next_task_resumes_the_session(self, play: PlaybookRunner, calls: Control) -> None:
        play(folder(state="absent")).ok()
        calls.reset()
        play([folder(state="absent"), folder("other", state="absent")]).ok()
        assert calls.methods() == ["RetrievePropertiesEx"] * 2

    def test_session_that_ended_meanwhile_is_replaced(self, play: PlaybookRunner, calls: Control) -> None:
        play(folder(state="absent")).ok()
        (file,) = (path for path in play.cache.iterdir() if path.name != "salt")
        text = file.read_text()
        file.write_text(text.replace('"cookie": "', '"cookie": "vmware_soap_session=gone; was '))
        calls.reset()
        play(folder(state="absent")).ok()
        assert calls.methods()[-3:] == ["RetrieveServiceContent", "Login", "RetrievePropertiesEx"]
        calls.reset()
        play(folder(state="absent")).ok()
        assert calls.methods() == ["RetrievePropertiesEx"]

    @pytest.mark.smoke
    def test_session_that_ends_in_a_loop_is_replaced(self, play: PlaybookRunner, calls: Control) -> None:
        calls.fault("RetrievePropertiesEx", "NotAuthenticated", skip=2)
        run = play({**folder("{{ item }}"), "loop": list("abcde")}, check=True).ok()
        assert [item.changed for item in run.last.items] == [True] * 5
        assert calls.methods().count("Login") == 2

    def test_cookie_is_private(self, play: PlaybookRunner, connection: dict[str, str]) -> None:
        play(folder(state="absent")).ok()
        assert play.cache.stat().st_mode & 0o7777 == 0o700
        files = list(play.cache.iterdir())
        assert len(files) == 2
        for file in files:
            assert file.stat().st_mode & 0o7777 == 0o600
            assert connection["VMWARE_PASSWORD"].encode() not in file.read_bytes()

    def test_directory_that_others_can_read_is_not_used(self, play: PlaybookRunner, calls: Control) -> None:
        play.cache.mkdir(parents=True)
        play.cache.chmod(0o755)
        play(folder(state="absent")).ok()
        assert list(play.cache.iterdir()) == []
        assert calls.methods()[-1] == "Logout"

    def test_cache_can_be_forbidden(self, play: PlaybookRunner, calls: Control) -> None:
        play(folder(state="absent"), extra_vars={"gantry_session_cache": False}).ok()
        assert not play.cache.exists()
        assert calls.methods()[-1] == "Logout"


class TestWays:
    """Where a task runs: in Ansible's worker, or in a module's process."""

    @staticmethod
    def used_module(play: PlaybookRunner, calls: Control, task: dict[str, Any], **options: Any) -> bool:
        """A module's process logs out, a worker keeps its session."""
        calls.reset()
        play(task, **options).ok()
        return "Logout" in calls.methods()

    def test_worker_by_default(self, play: PlaybookRunner, calls: Control) -> None:
        assert not self.used_module(play, calls, folder(state="absent"))

    def test_module_when_the_variable_says_so(self, play: PlaybookRunner, calls: Control) -> None:
        task = {**folder(state="absent"), "vars": {"wanted": True}}
        assert self.used_module(play, calls, task, extra_vars={"gantry_run_as_module": "{{ wanted }}"})

    def test_module_when_become(self, play: PlaybookRunner, calls: Control) -> None:
        if os.geteuid() != 0:
            pytest.skip("only root becomes root without a password")
        task = {**folder(state="absent"), "become": True, "become_method": "su"}
        assert self.used_module(play, calls, task)

    def test_module_when_async(self, play: PlaybookRunner, calls: Control) -> None:
        assert self.used_module(play, calls, {**folder(state="absent"), "async": 60, "poll": 1})

    def test_worker_sees_the_environment_of_the_task(
        self, play: PlaybookRunner, calls: Control, connection: dict[str, str]
    ) -> None:
        task = {**folder(state="absent"), "environment": dict(connection)}
        assert not self.used_module(play, calls, task, environment=dict.fromkeys(connection))

    def test_module_defaults_are_used(self, play: PlaybookRunner, connection: dict[str, str], way: Way) -> None:
        defaults = {FOLDER: {"hostname": "vcenter.invalid"}}
        run = play(folder(state="absent"), way=way, play={"module_defaults": defaults})
        assert "vcenter.invalid" in run.last.msg


@pytest.mark.smoke
def test_check_and_diff_are_the_same_both_ways(both_ways: Callable[..., dict[str, Any]], calls: Control) -> None:
    name = unique("new")
    result = both_ways(folder(name, echo="hello"), check=True, diff=True)
    assert result["changed"]
    assert result["actions"] == [f"create the folder {name}"]
    assert result["diff"] == {"before": {}, "after": {"folders": {name: "present"}}}
    assert result["warnings"] == ["echo hello"]
    assert calls.mutating() == []


@pytest.mark.smoke
def test_change_converges(play: PlaybookRunner, calls: Control, way: Way) -> None:
    name = unique("made")
    made = play(folder(name), way=way, diff=True).ok().last
    assert made.changed
    assert made["folder"].endswith(f"/vm/{name}")
    assert not play(folder(name), way=way).ok().last.changed
    gone = play(folder(name, state="absent"), way=way).ok().last
    assert gone.changed
    assert gone["folder"] is None
    assert not play(folder(name, state="absent"), way=way).ok().last.changed


def test_failure_says_what_was_submitted(play: PlaybookRunner, calls: Control, way: Way) -> None:
    name = unique("submitted")
    play(folder(name), way=way).ok()
    calls.fault("WaitForUpdatesEx", delay_seconds=12)
    outcome = play(folder(name, state="absent", request_timeout=4), way=way).last
    assert outcome.failed
    assert outcome.changed
    (submitted,) = outcome["submitted"]
    assert submitted["action"] == "remove the folder"
    assert submitted["subject"] == name
    assert submitted["task"] in outcome.msg
    calls.reset()
    play(folder(name, state="absent"), way=way).ok()


def test_home_that_cannot_be_written_only_costs_the_cache(play: PlaybookRunner, calls: Control, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a directory is to be")
    play(folder(state="absent"), environment={"XDG_CACHE_HOME": str(blocked)}).ok()
    assert calls.methods()[-1] == "Logout"
