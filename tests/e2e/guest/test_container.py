# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test a container's environment from inside: one boot as a user, one as root, many checks in each."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.e2e.guest.conftest import Boot
from tests.support.guests.images import ON_DISK, READ_ONLY, STATIC_NETWORK, make_disk, make_spec

# Each result follows the line with its name.
_QUESTIONS = """
ask() { echo "== $1"; shift; "$@" 2>&1; }
ask id id
ask pwd pwd
ask environment env
ask capabilities grep Cap /proc/self/status
ask hostname hostname
ask hosts cat /etc/hosts
ask resolver cat /etc/resolv.conf
ask mounts cat /proc/mounts
ask processes ps -o pid,args
ask programs ps -o pid,comm
ask orphans sh -c '(sleep 0.2 &); sleep 1; grep -h State /proc/[0-9]*/status'
ask touch-etc touch /etc/new
ask touch-cache touch /cache/new
ask touch-sysctl sh -c 'echo 1 > /proc/sys/vm/overcommit_memory'
ask kcore head -c 1 /proc/kcore
ask stdout sh -c 'echo reopened > /dev/stdout'
ask limits sh -c 'ulimit -n; ulimit -Hn; ulimit -u; ulimit -Hu; ulimit -i'
ask locked sh -c 'ulimit -l; ulimit -Hn'
ask settings cat /proc/sys/net/core/somaxconn /proc/sys/kernel/msgmax /proc/sys/vm/swappiness
ask machine-limits cat /proc/sys/kernel/threads-max /proc/sys/fs/file-max /sys/fs/cgroup/pids.max
ask oom cat /proc/self/oom_score_adj
ask devices stat -c '%n %t %T %a' /dev/null /dev/urandom /dev/pts/ptmx
ask cwd-owner stat -c '%u %g' .
"""


def _answers(output: str) -> dict[str, str]:
    parts = output.split("== ")[1:]
    return {part.split("\n", 1)[0]: part.split("\n", 1)[1].strip() for part in parts}


@pytest.fixture(scope="module")
def as_user(boot_for_module: Boot, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], dict[str, Any]]:
    """Run a container as a named user with its root on a disk, exiting with 3; return the results and last status."""
    spec = make_spec(
        ["sh", "-c", _QUESTIONS + "exit 3"],
        user="web",
        groups=["spare", "1234"],
        env=["PATH=/bin", "GREETING=hello there", "EMPTY="],
        cwd="/not/there/yet",
        hostname="box.example.com",
        networks=[STATIC_NETWORK],
        dns={"servers": ["10.0.2.3"], "search": ["example.com"], "options": ["ndots:2"]},
        hosts={"db": "10.0.2.77"},
        root=ON_DISK,
        tmpfs=[{"target": "/cache", "size": 1 << 20, "mode": "0700"}],
        shm_size=3 << 20,
    )
    scratch = make_disk(tmp_path_factory.mktemp("scratch") / "scratch.img")
    machine = boot_for_module(spec, scratch=scratch)
    status = machine.wait_off()
    return _answers(machine.log()), status


@pytest.fixture(scope="module")
def as_root(boot_for_module: Boot) -> tuple[dict[str, str], dict[str, Any]]:
    """Run the same as root with some capabilities, a read-only root and no network; the process exits with 0."""
    spec = make_spec(
        ["sh", "-c", _QUESTIONS], capabilities=["CHOWN", "NET_BIND_SERVICE"], root=READ_ONLY, tmpfs=[{"target": "/tmp"}]
    )
    spec["tmpfs"][0].update(size=None, mode="1777")
    spec["process"]["init"] = True
    spec["process"]["ulimits"] = {"nofile": {"soft": 64, "hard": 128}, "memlock": {"soft": -1, "hard": -1}}
    spec["sysctls"] = {"net.core.somaxconn": "777", "kernel.msgmax": "16384", "vm.swappiness": "11"}
    machine = boot_for_module(spec)
    status = machine.wait_off()
    return _answers(machine.log()), status


def test_exit_code_is_the_process_own(as_user: Any, as_root: Any) -> None:
    assert (as_user[1]["state"], as_user[1]["exit_code"]) == ("exited", 3)
    assert (as_root[1]["state"], as_root[1]["exit_code"]) == ("exited", 0)


def test_status_describes_the_machine(as_user: Any) -> None:
    status = as_user[1]
    assert status["error"] is None
    assert status["pid"] == 0
    assert status["memory_available"] > 32 << 20
    assert status["kernel"].startswith("6.")
    assert status["started_at"] < status["finished_at"]


def test_user_has_its_groups_and_the_added_ones(as_user: Any) -> None:
    assert as_user[0]["id"] == "uid=1000(web) gid=1000(web) groups=4(adm),50(logs),77(spare),1000(web),1234"


def test_root_is_root(as_root: Any) -> None:
    assert as_root[0]["id"].startswith("uid=0(root) gid=0(root)")


def test_missing_working_directory_is_created(as_user: Any) -> None:
    assert as_user[0]["pwd"] == "/not/there/yet"
    assert as_user[0]["cwd-owner"] == "0 0"


def test_environment_is_the_specs_and_dockers(as_user: Any) -> None:
    environment = set(as_user[0]["environment"].splitlines())
    assert {"PATH=/bin", "GREETING=hello there", "EMPTY=", "HOME=/home/web", "HOSTNAME=box.example.com"} <= environment


def test_default_path(as_root: Any) -> None:
    assert "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" in as_root[0]["environment"]


def _capabilities(answer: str) -> dict[str, int]:
    return {name.rstrip(":"): int(value, 16) for name, value in (line.split() for line in answer.splitlines())}


def test_user_has_no_capability_but_the_bounding_set(as_user: Any) -> None:
    docker_default = 0x00000000A80425FB
    assert _capabilities(as_user[0]["capabilities"]) == {
        "CapInh": 0,
        "CapPrm": 0,
        "CapEff": 0,
        "CapBnd": docker_default,
        "CapAmb": 0,
    }


def test_root_has_exactly_the_requested_capabilities(as_root: Any) -> None:
    asked = 1 << 0 | 1 << 10
    assert _capabilities(as_root[0]["capabilities"]) == {
        "CapInh": 0,
        "CapPrm": asked,
        "CapEff": asked,
        "CapBnd": asked,
        "CapAmb": 0,
    }


def test_names_are_resolved(as_user: Any) -> None:
    answers = as_user[0]
    assert answers["hostname"] == "box.example.com"
    assert "10.0.2.77\tdb" in answers["hosts"]
    assert "10.0.2.15\tbox.example.com box" in answers["hosts"]
    assert answers["resolver"] == "nameserver 10.0.2.3\nsearch example.com\noptions ndots:2"


def test_process_has_its_own_pid_namespace(as_user: Any) -> None:
    processes = [line.split(None, 1) for line in as_user[0]["processes"].splitlines()[1:]]
    assert processes[0][0] == "1"
    assert processes[0][1].startswith("sh -c")
    assert not [line for line in processes if "init" in line[1]]


def test_first_process_on_request_runs_the_program_and_reaps_orphans(as_root: Any) -> None:
    assert re.search(r"^ +1 .*gantry-first /bin/sh sh -c", as_root[0]["processes"], re.MULTILINE)
    assert re.search(r"^ +([2-9]|\d\d+) +sh$", as_root[0]["programs"], re.MULTILINE)
    assert "State:" in as_root[0]["orphans"]
    assert "zombie" not in as_root[0]["orphans"]


def test_root_on_a_disk_is_writable_for_root_only(as_user: Any) -> None:
    assert "Permission denied" in as_user[0]["touch-etc"]
    assert any(line.split()[1:3] == ["/", "overlay"] for line in as_user[0]["mounts"].splitlines())


def test_read_only_root_is_the_image(as_root: Any) -> None:
    assert "Read-only file system" in as_root[0]["touch-etc"]
    assert "/tmp tmpfs" in as_root[0]["mounts"]


def test_tmpfs_has_its_size_and_mode(as_user: Any) -> None:
    line = next(line for line in as_user[0]["mounts"].splitlines() if line.split()[1] == "/cache")
    assert "size=1024k" in line
    assert "mode=700" in line
    assert "Permission denied" in as_user[0]["touch-cache"]


@pytest.mark.parametrize(("answers", "size"), [("as_user", "3072k"), ("as_root", "65536k")])
def test_shared_memory_has_its_size_or_dockers(request: pytest.FixtureRequest, answers: str, size: str) -> None:
    mounts = request.getfixturevalue(answers)[0]["mounts"]
    line = next(line for line in mounts.splitlines() if line.split()[1] == "/dev/shm")
    assert f"size={size}" in line
    assert "noexec" in line


def test_kernel_settings_are_protected(as_root: Any) -> None:
    assert "Read-only file system" in as_root[0]["touch-sysctl"]
    assert as_root[0]["kcore"] == ""


def test_output_can_be_reopened(as_user: Any) -> None:
    assert as_user[0]["stdout"] == "reopened"


def test_limits_are_dockers(as_user: Any) -> None:
    assert as_user[0]["limits"].split() == ["1024", "524288", "unlimited", "unlimited", "unlimited"]
    assert as_user[0]["oom"] == "0"


def test_requested_limits_replace_dockers(as_root: Any) -> None:
    assert as_root[0]["limits"].split() == ["64", "128", "unlimited", "unlimited", "unlimited"]
    # Only a privileged process can raise this one, and the program's capabilities are less than that.
    assert as_root[0]["locked"].split() == ["unlimited", "128"]


def test_requested_kernel_settings_are_those_of_the_machine_and_of_its_namespaces(as_root: Any) -> None:
    assert as_root[0]["settings"].split() == ["777", "16384", "11"]


def test_limits_do_not_depend_on_the_memory_of_the_machine(as_user: Any) -> None:
    assert as_user[0]["machine-limits"].split() == ["32768", str((1 << 63) - 1), "32000"]


def test_devices_are_there(as_user: Any) -> None:
    assert as_user[0]["devices"].splitlines() == [
        "/dev/null 1 3 666",
        "/dev/urandom 1 9 666",
        "/dev/pts/ptmx 5 2 666",
    ]
