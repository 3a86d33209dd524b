# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test container_vm_exec with the lab's vCenter and a guest whose programs follow a script, with nothing booted."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import GuestKey
from tests.support.lab.containers import IMAGE, PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.direct import DirectRunner
from tests.support.lab.playbook import WAYS, TaskResult

EXEC = "gantry.vsphere.container_vm_exec"
VM = "gantry.vsphere.container_vm"
SET = "gantry.vsphere.container_set"
NAME = f"{PREFIX}exec"
KEY, OTHER_KEY = "integration-key-1", "integration-key-2"
BUDGET = 10
Run = Callable[..., TaskResult]


@pytest.fixture
def container(builder: VmBuilder, direct: DirectRunner, lab: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Start a container that permits guest operations, and yield the options of its task."""
    place = {"datacenter": lab["datacenter"], "cluster": lab["cluster"]}
    options = {"name": NAME, "image": IMAGE, "guest_operations": True, "guest_key": KEY, **place}
    direct({VM: options}).ok()
    yield options
    builder.clear()


@pytest.fixture
def run(container: Mapping[str, Any], direct: DirectRunner, calls: Control) -> Run:
    """Return a function that runs a program in the container and returns the task's result."""

    def task(*argv: str, check: bool = False, **options: Any) -> TaskResult:
        given = {"name": container["name"], "guest_key": KEY, "argv": list(argv), **options}
        calls.forget()
        return direct({EXEC: given, "ignore_errors": True}, check=check).last

    return task


def script(**steps: Any) -> list[str]:
    """Return a command that the guest of a lab without a hypervisor runs as this says."""
    return ["lab-exec", json.dumps(steps)]


def test_a_program_returns_its_output_and_its_exit_code(run: Run) -> None:
    done = run(*script(exit_code=3, stdout="one\ntwo\n", stderr="oh\n"))
    assert (done.status, done.changed) == ("ok", True)
    assert done["actions"] == [f"run lab-exec in {NAME}"]
    assert (done["rc"], done["stdout"], done["stderr"]) == (3, "one\ntwo", "oh")
    assert (done["stdout_lines"], done["stderr_lines"], done["truncated"]) == (["one", "two"], ["oh"], False)


def test_the_options_reach_the_guest(run: Run) -> None:
    done = run(*script(show=True), chdir="/srv", user="www", env={"A": "\u00fc"}, stdin="hello", timeout=7)
    seen = json.loads(done["stdout"])
    assert (seen["working_dir"], seen["user"], seen["env"], seen["timeout"]) == ("/srv", "www", {"A": "\u00fc"}, 7)
    assert base64.b64decode(seen["stdin"]) == b"hello\n"


def test_a_program_that_was_ended_by_a_signal_has_its_exit_code(run: Run) -> None:
    assert run(*script(signal=15))["rc"] == 128 + 15


@pytest.mark.parametrize(
    "behavior",
    [
        {"host_thumbprint": "sha1"},
        {"host_thumbprint": "sha256"},
        {"host_thumbprint": "none", "api": "9.0.0.0"},
        {"upload_url": "vcenter"},
    ],
    ids=lambda behavior: "-".join(behavior.values()),
)
def test_the_output_is_read_from_the_host_or_from_vcenter(run: Run, calls: Control, behavior: dict[str, Any]) -> None:
    calls.behave(**behavior)
    text = "\n".join(str(number) for number in range(5000))
    assert run(*script(stdout=text))["stdout"] == text


def test_the_host_must_have_the_certificate_that_vcenter_reports(run: Run, calls: Control) -> None:
    calls.behave(host_thumbprint="none")
    refused = run("true")
    assert (
        f"true has ended in container {NAME}, and its result could not be read: Cannot connect to the ESX"
        in refused.msg
    )
    assert "vCenter reports no thumbprint of it. Add the CA of the host to ca_path" in refused.msg
    assert refused.changed


def test_a_program_that_runs_too_long_is_killed(run: Run) -> None:
    begin = time.monotonic()
    done = run(*script(run_ms=60_000, stdout="so far\n"), timeout=1)
    assert time.monotonic() - begin < 30
    assert done.failed
    assert f"lab-exec in container {NAME} did not end within 1 s (timeout) and was killed" in done.msg
    assert done["rc"] == 137


def test_a_detached_program_is_started_and_not_waited_for(
    run: Run, direct: DirectRunner, container: dict[str, Any], calls: Control
) -> None:
    begin = time.monotonic()
    started = run(*script(run_ms=60_000, stdout="later"), detach=True)
    assert time.monotonic() - begin < 30
    assert started["actions"] == [f"start lab-exec in {NAME}"]
    assert started["pid"] > 0
    assert "rc" not in started.result
    assert "InitiateFileTransferFromGuest" not in calls.methods()
    # The guest knows it by this number, and kills it at its timeout.
    short = run(*script(run_ms=60_000), detach=True, timeout=1)
    assert short["pid"] != started["pid"]
    failed = run("no-such-program", detach=True)
    assert failed.failed
    assert failed.msg.startswith(f"Could not run no-such-program in container {NAME}: ")


def test_a_program_that_does_not_exist_fails_with_the_reason(run: Run) -> None:
    done = run("no-such-program")
    assert done.failed
    assert done.msg.startswith(f"Could not run no-such-program in container {NAME}: ")
    assert done["rc"] == 127


def test_check_mode_skips_the_task_without_a_request(run: Run, calls: Control) -> None:
    skipped = run("true", check=True)
    assert (skipped["skipped"], skipped["changed"]) == (True, False)
    assert calls.methods() == []


def test_a_task_needs_few_requests_and_a_loop_logs_in_once(
    container: Mapping[str, Any], direct: DirectRunner, calls: Control
) -> None:
    task = {EXEC: {"name": container["name"], "guest_key": KEY, "argv": ["true"]}}
    for way in WAYS:
        calls.forget()
        direct(task, way=way).ok()
        assert len(calls.methods()) <= BUDGET, calls.methods()
    calls.forget()
    direct([task] * 5, way="action").ok()
    methods = calls.methods()
    assert methods.count("Login") <= 1
    assert methods.count("StartProgramInGuest") == 5
    assert len(methods) <= 5 * 6 + 2


def test_neither_the_key_nor_the_secret_is_in_results_in_the_configuration_or_in_the_record_of_calls(
    container: Mapping[str, Any], builder: VmBuilder, run: Run, direct: DirectRunner, calls: Control
) -> None:
    vm = builder.vm(NAME)
    secret = GuestKey(KEY).secret(vm.spec["id"])
    seen = [run(*script(show=True)).result, run("no-such-program").result, dict(vm.config)]
    seen += [direct({VM: {**container, **more}}, diff=True).last.result for more in ({}, {"guest_key": OTHER_KEY})]
    seen += [calls.all(), dict(builder.vm(NAME).config)]
    text = json.dumps(seen)
    for hidden in (KEY, OTHER_KEY, secret, GuestKey(OTHER_KEY).secret(vm.spec["id"])):
        assert hidden not in text
    # The search would find what is there.
    assert GuestKey(KEY).guest_field(vm.spec["id"])["secret_sha256"] in text


def test_another_key_is_refused_before_the_guest_is_asked_and_an_outdated_one_by_the_guest(
    container: Mapping[str, Any], builder: VmBuilder, run: Run, direct: DirectRunner, calls: Control
) -> None:
    refused = run("true", guest_key=OTHER_KEY)
    assert f"Container {NAME} has the secret of another guest_key" in refused.msg
    assert not refused.changed
    assert "StartProgramInGuest" not in calls.methods()

    # The document is changed while the container runs, as another client may do: its guest has read the former one.
    vm = builder.vm(NAME)
    changed = json.dumps({**vm.spec, "guest_operations": GuestKey(OTHER_KEY).guest_field(vm.spec["id"])})
    builder.set_config(vm.moid, {"guestinfo.gantry.spec": changed, "gantry.spec": changed})
    refused = run("true", guest_key=OTHER_KEY)
    assert f"Could not start true in container {NAME}: " in refused.msg
    assert "Restart the container" in refused.msg
    assert refused["fault"]["type"] == "InvalidGuestLogin"

    # A task with the key of the document restarts nothing, and one with another key restarts it.
    restarted = direct({VM: {**container, "guest_key": KEY}}).ok().last
    assert restarted["actions"] == [f"stop {NAME}", f"reconfigure {NAME}: guest_operations", f"start {NAME}"]
    assert run("true")["rc"] == 0


def test_a_container_that_permits_nothing_is_told_how_to_permit_it(
    container: Mapping[str, Any], run: Run, direct: DirectRunner
) -> None:
    disabled = direct({VM: {**container, "guest_operations": False}}).ok().last
    assert disabled["container"]["guest_operations"] is False
    assert "permits no guest operations. Enable them with guest_operations: true" in run("true").msg
    assert "There is no guest_key" not in run("true", guest_key=None).msg
    # A task without the option and without a key leaves it as it is.
    plain = {key: value for key, value in container.items() if not key.startswith("guest_")}
    direct({VM: container}).ok()
    assert not direct({VM: plain}).ok().last.changed
    assert "There is no guest_key" in run("true", guest_key=None).msg
    assert run("true")["rc"] == 0


def test_a_container_that_is_not_running_is_not_asked(
    container: Mapping[str, Any], run: Run, direct: DirectRunner, calls: Control
) -> None:
    direct({VM: {"name": NAME, "state": "stopped"}}).ok()
    refused = run("true")
    assert f"Container {NAME} is not running: its VM is poweredOff" in refused.msg
    assert calls.mutating() == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": f"{PREFIX}nothing"}, f"There is no container '{PREFIX}nothing'"),
        ({"folder": "nowhere"}, "nowhere"),
        ({"datacenter": "DC9"}, "DC9"),
    ],
)
def test_a_wrong_selection_is_one_clear_message(run: Run, options: dict[str, Any], message: str) -> None:
    refused = run("true", **options)
    assert message in refused.msg
    assert not refused.changed


@pytest.mark.parametrize("method", ["StartProgramInGuest", "ListProcessesInGuest", "InitiateFileTransferFromGuest"])
def test_a_fault_says_how_far_the_program_came(run: Run, calls: Control, method: str) -> None:
    calls.fault(method, "SystemError")
    failed = run("true")
    assert failed.failed
    assert {"StartProgramInGuest": "Could not start true", "ListProcessesInGuest": "its end was not observed"}.get(
        method, "its result could not be read"
    ) in failed.msg


def test_a_replaced_container_permits_them_with_the_secret_of_its_new_id(
    container: Mapping[str, Any], builder: VmBuilder, run: Run, direct: DirectRunner
) -> None:
    before = builder.vm(NAME).spec
    plain = {key: value for key, value in container.items() if key != "guest_operations"}
    direct({VM: {**plain, "recreate": True}}).ok()
    after = builder.vm(NAME).spec
    assert after["id"] != before["id"]
    assert after["guest_operations"] == GuestKey(KEY).guest_field(after["id"])
    assert run("true")["rc"] == 0
    keyless = {key: value for key, value in plain.items() if key != "guest_key"}
    refused = direct({VM: {**keyless, "recreate": True}, "ignore_errors": True}).last
    assert "must be replaced, its guest operations are enabled, and there is no guest_key" in refused.msg
    assert builder.vm(NAME).spec["id"] == after["id"]


def test_the_containers_of_a_set_have_secrets_of_their_own(
    builder: VmBuilder, direct: DirectRunner, lab: dict[str, Any]
) -> None:
    place = {"datacenter": lab["datacenter"], "cluster": lab["cluster"]}
    entry = {"name": f"{PREFIX}set", "image": IMAGE, "replicas": 2}
    options = {"project": "exec", "containers": [entry], "defaults": {"guest_operations": True}, "guest_key": KEY}
    direct({SET: {**options, **place}}).ok()
    tasks = [{EXEC: {"name": f"{PREFIX}set-{number}", "argv": ["true"], "guest_key": KEY}} for number in (1, 2)]
    assert [outcome["rc"] for outcome in direct(tasks).ok().outcomes] == [0, 0]
    hashes = {builder.vm(f"{PREFIX}set-{number}").spec["guest_operations"]["secret_sha256"] for number in (1, 2)}
    assert len(hashes) == 2
    assert not direct({SET: {**options, **place}}).ok().last.changed
    builder.clear()
