# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user gets who gives a wrong connection, and whose connection breaks: one clear message, nothing changed."""

from __future__ import annotations

import os
import re
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.support.lab import fake_servers
from tests.support.lab.control import Control
from tests.support.lab.playbook import WAYS, PlaybookRunner, TaskResult, Way, run_both_ways, same, twice

FOLDER = "gantry.probe.folder"


def folder(name: str = "connection", **options: Any) -> dict[str, Any]:
    return {FOLDER: {"name": name, **options}}


def unique(name: str) -> str:
    """Return a name that no earlier run in this lab has used."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


def assert_clear(outcome: TaskResult, *words: str) -> None:
    assert outcome.failed
    assert not outcome.changed
    for word in words:
        assert word in outcome.msg
    assert "Traceback" not in str(outcome.result)


@pytest.mark.smoke
def test_wrong_password(play: PlaybookRunner, calls: Control) -> None:
    run = play(twice(folder(password="not-the-password")), way=None, verbosity=3)
    refused = same(run.outcomes)
    assert_clear(refused, "does not accept user", "administrator@vsphere.local", "Check username")
    assert refused["fault"]["type"] == "InvalidLogin"
    assert "not-the-password" not in run.output
    assert "not-the-password" not in str(refused.result)
    assert calls.mutating() == []


def test_wrong_password_after_the_right_one_does_not_resume_its_session(play: PlaybookRunner, calls: Control) -> None:
    run = play([folder(state="absent"), folder(state="absent", password="not-the-password")])
    right, wrong = run.outcomes
    assert not right.failed
    assert_clear(wrong, "does not accept user")
    assert calls.methods().count("Login") == 2


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
    "option of another collection": r"^privileged is an option of docker_container that container_vm does not have\. ",
    "option that another needs": r"^defect is True but all of the following are missing: token$",
    "defect of ours": r"ZeroDivisionError: of the module, with the token \*+",
}


@pytest.fixture(scope="module")
def complaints(
    lab: dict[str, Any], connection: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, TaskResult]:
    """Return the result of each bad input, and assert that it is the same both ways and changes nothing."""
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
        foreign = {"gantry.vsphere.container_vm": {"name": "web", "image": "app:1", "privileged": True}}
        results = run_both_ways(runner, [*(folder(**given) for given in options.values()), foreign])
        assert control.mutating() == []
    return dict(zip([*options, "option of another collection"], results, strict=True))


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_gets_one_clear_message(complaints: dict[str, TaskResult], case: str) -> None:
    outcome = complaints[case]
    assert_clear(outcome)
    assert re.search(BAD_INPUT[case], outcome.msg), outcome.msg
    assert "traceback" not in outcome.result
    assert "hush-hush" not in str(outcome.result)


def test_unknown_ca(play: PlaybookRunner) -> None:
    tasks = [folder(), folder(state="absent", validate_certs=False)]
    refused, accepted = run_both_ways(play, tasks, environment={"VMWARE_CA_PATH": None})
    assert "its certificate is not trusted" in refused.msg
    assert "ca_path" in refused.msg
    assert not accepted.failed, accepted.msg


def test_server_that_hangs_while_asked(play: PlaybookRunner, calls: Control) -> None:
    calls.fault("RetrievePropertiesEx", delay_seconds=12, count=2)
    (outcome,) = run_both_ways(play, [folder(request_timeout=4)])
    assert_clear(outcome, "was lost during RetrievePropertiesEx", "request_timeout 4")
    assert calls.mutating() == []


def test_server_that_hangs_while_it_changes_something(play: PlaybookRunner, calls: Control) -> None:
    calls.fault("CreateFolder", delay_seconds=60, count=2)
    (outcome,) = run_both_ways(play, [folder(unique("hanging"), request_timeout=4)])
    calls.reset()  # they go on
    assert outcome.failed
    assert "CreateFolder" in outcome.msg
    assert "vCenter may have carried it out all the same; run again" in outcome.msg


@pytest.mark.smoke
def test_hostname_may_be_a_url(play: PlaybookRunner, connection: dict[str, str]) -> None:
    url = f"https://{connection['VMWARE_HOST']}:{connection['VMWARE_PORT']}/sdk"
    (outcome,) = run_both_ways(play, [folder(state="absent", hostname=url)], environment={"VMWARE_PORT": None})
    assert not outcome.failed, outcome.msg


def test_missing_password(play: PlaybookRunner) -> None:
    (refused,) = run_both_ways(play, [folder()], environment={"VMWARE_PASSWORD": None})
    assert refused.msg == "missing required arguments: password"


def test_defect_has_its_traceback_at_verbosity_three(play: PlaybookRunner) -> None:
    run = play(twice(folder(defect=True, token="hush-hush")), way=None, verbosity=3)
    assert len(run.outcomes) == len(WAYS)
    for outcome in run.outcomes:
        assert "ZeroDivisionError" in outcome["traceback"]
    assert "hush-hush" not in run.output


@pytest.mark.smoke
def test_no_secret_is_shown(play: PlaybookRunner, connection: dict[str, str]) -> None:
    task = folder(state="absent", token="hush-hush", echo="it is hush-hush")
    run = play(twice(task), way=None, verbosity=4)
    outcome = same(run.outcomes)
    assert not outcome.failed, outcome.msg
    for shown in (run.output, str(outcome.result)):
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
        play([folder(state="absent"), folder(state="absent"), folder("other", state="absent")]).ok()
        assert calls.methods() == ["RetrieveServiceContent", "Login", *["RetrievePropertiesEx"] * 3]

    def test_session_that_ended_meanwhile_is_replaced(self, play: PlaybookRunner, calls: Control) -> None:
        play(folder(state="absent")).ok()
        (file,) = (path for path in play.cache.iterdir() if path.name != "salt")
        text = file.read_text()
        file.write_text(text.replace('"cookie": "', '"cookie": "vmware_soap_session=gone; was '))
        calls.reset()
        play([folder(state="absent"), folder(state="absent")]).ok()
        wanted = ["RetrieveServiceContent", "Login", "RetrievePropertiesEx", "RetrievePropertiesEx"]
        assert calls.methods()[-len(wanted) :] == wanted
        calls.reset()
        play(folder(state="absent")).ok()  # as another run resumes it
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
        """Assert that a module's process logs out and that a worker keeps its session."""
        calls.reset()
        play(task, **options).ok()
        return "Logout" in calls.methods()

    def test_worker_by_default(self, play: PlaybookRunner, calls: Control) -> None:
        assert not self.used_module(play, calls, folder(state="absent"))

    def test_module_when_the_variable_says_so(self, play: PlaybookRunner, calls: Control) -> None:
        task = {**folder(state="absent"), "vars": {"wanted": True}}
        assert self.used_module(play, calls, task, extra_vars={"gantry_run_as_module": "{{ wanted }}"})

    def test_module_when_become(self, play: PlaybookRunner, calls: Control, connection: dict[str, str]) -> None:
        # A bare Debian has no sudo; a developer who is not root needs it for make setup, too.
        method = "su" if os.geteuid() == 0 else "sudo"
        # sudo removes what the controller has in its environment, but not what the task sets.
        task = {**folder(state="absent"), "become": True, "become_method": method, "environment": dict(connection)}
        assert self.used_module(play, calls, task)

    def test_module_when_async(self, play: PlaybookRunner, calls: Control) -> None:
        assert self.used_module(play, calls, {**folder(state="absent"), "async": 60, "poll": 1})

    def test_worker_sees_the_environment_of_the_task(
        self, play: PlaybookRunner, calls: Control, connection: dict[str, str]
    ) -> None:
        task = {**folder(state="absent"), "environment": dict(connection)}
        assert not self.used_module(play, calls, task, environment=dict.fromkeys(connection))

    def test_module_defaults_are_used(self, play: PlaybookRunner) -> None:
        defaults = {FOLDER: {"hostname": "vcenter.invalid"}}
        (outcome,) = run_both_ways(play, [folder(state="absent")], play={"module_defaults": defaults})
        assert "vcenter.invalid" in outcome.msg


@pytest.mark.smoke
def test_check_and_diff_are_the_same_both_ways(play: PlaybookRunner, calls: Control) -> None:
    name = unique("new")
    (result,) = run_both_ways(play, [folder(name, echo="hello")], check=True, diff=True)
    assert result["changed"]
    assert result["actions"] == [f"create the folder {name}"]
    assert result["diff"] == {"before": {}, "after": {"folders": {name: "present"}}}
    assert result["warnings"] == ["echo hello"]
    assert calls.mutating() == []


@pytest.mark.smoke
def test_change_converges(play: PlaybookRunner, calls: Control, way: Way) -> None:
    name = unique("made")
    absent = folder(name, state="absent")
    made, left, gone, none = play([folder(name), folder(name), absent, absent], way=way, diff=True).ok().outcomes
    assert made.changed
    assert made["folder"].endswith(f"/vm/{name}")
    assert not left.changed
    assert gone.changed
    assert gone["folder"] is None
    assert not none.changed


def test_failure_says_what_was_submitted(play: PlaybookRunner, calls: Control, way: Way) -> None:
    name = unique("submitted")
    calls.fault("WaitForUpdatesEx", delay_seconds=12)
    made, outcome = play([folder(name), folder(name, state="absent", request_timeout=4)], way=way).outcomes
    assert made.changed
    assert not made.failed
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
