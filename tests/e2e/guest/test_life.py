# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the life cycle of a container: serving, health, stopping, restarting, and its remaining data."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

from tests.e2e.guest.conftest import Boot
from tests.support.builders.web_server import make_certificate
from tests.support.guests.images import DHCP_NETWORK, ON_DISK, READ_ONLY, STATIC_NETWORK, make_disk, make_spec
from tests.support.guests.machine import PATIENCE, Machine

_SECRET = "Zm9yIHRoaXMgdGVzdCBvbmx5LCAzMiBieXRlcyBsb25n"
_SERVE = "httpd -p 8080 -h /www; trap 'echo asked; exit 143' TERM; while :; do sleep 1 & wait; done"


def _check(test: list[str], **changes: Any) -> dict[str, Any]:
    check = {"test": test, "interval": 0.3, "timeout": 5, "retries": 2, "start_period": 0, "start_interval": 0.3}
    return {**check, **changes}


def test_serves_becomes_healthy_and_stops_when_the_host_requests_it(boot: Boot) -> None:
    check = _check(["CMD-SHELL", "wget -q -O - http://127.0.0.1:8080/ && id -u"])
    spec = make_spec(
        ["sh", "-c", _SERVE], env=["PATH=/bin"], user="1000:1000", networks=[STATIC_NETWORK], healthcheck=check
    )
    spec["guest_operations"] = {"secret_sha256": hashlib.sha256(_SECRET.encode()).hexdigest()}
    spec["redirects"] = [{"protocol": "tcp", "port": 90, "to": 8080, "count": 1}]
    machine = boot(spec, forward=90)
    assert machine.wait_state("running")["health"] == "starting"
    healthy = machine.wait_status(lambda status: status["health"] == "healthy", "healthy")
    assert healthy["health_output"] == "hello from the image\n1000\n"
    assert machine.get() == "hello from the image\n"
    assert machine.wait_guest() == {
        "hostname": "test",
        "nics": [{"mac": "52:54:00:00:00:01", "addresses": ["10.0.2.15/24"]}],
    }
    assert machine.ask_tools("vmbackup.start 1") == "ERR this container VM offers no quiesced snapshots"
    assert machine.ask_tools("Set_Power_Policy 1") == "Unknown Command"
    _use_guest_operations(machine)
    before = list(machine.statuses)
    assert [item["state"] for item in before if item["state"] != "running"] == ["booting", "booting"]
    assert [item["sequence"] for item in before] == list(range(1, len(before) + 1))
    said = len(machine.console())
    machine.pause(2)
    # The host has forgotten everything, and the clock stood still.
    assert machine.wait_guest()["hostname"] == "test"
    assert machine.wait_status(lambda status: True, "a status after the pause")["sequence"] >= before[-1]["sequence"]
    step = re.search(r"the clock was set by ([\d.]+)s", machine.wait_log("the clock was set by ", after=said))
    # Each setting of the clock is wrong by up to half of the time that the host's answer takes, here and at the start.
    assert step
    assert float(step[1]) >= 1.5
    machine.request_shutdown()
    status = machine.wait_off()
    assert (status["state"], status["exit_code"]) == ("exited", 143)
    assert [item["state"] for item in machine.statuses[-2:]] == ["stopping", "exited"]
    assert machine.log().endswith("asked\n")


def _use_guest_operations(machine: Machine) -> None:
    """Run programs in a container of the user 1000 by guest operations."""

    def run(*command: str, **arguments: Any) -> dict[str, Any]:
        answer = machine.exec(_SECRET, *command, **arguments)
        assert answer.startswith("{"), answer
        result: dict[str, Any] = json.loads(answer)
        return {**result, **{name: base64.b64decode(result[name]).decode() for name in ("stdout", "stderr")}}

    machine.wait_operations()
    nothing = {"signal": None, "timed_out": False, "stdout_truncated": False, "stderr_truncated": False, "error": None}
    assert run("true") == {"rc": 0, "stdout": "", "stderr": "", **nothing}
    script = "id -u; pwd; echo $A; cat; hostname >&2; exit 3"
    stdin = base64.b64encode(b"in\n" * 20_000).decode()[:40_000]
    assert run("sh", "-c", script, env={"A": "b"}, working_dir="/www", stdin=stdin) == {
        "rc": 3,
        "stdout": f"1000\n/www\nb\n{base64.b64decode(stdin).decode()}",
        "stderr": "test\n",
        **nothing,
    }
    assert run("id", "-u", user="0")["stdout"] == "0\n"
    # The redirected port is also that of the container's own addresses.
    for address in ("127.0.0.1", "10.0.2.15"):
        assert run("wget", "-q", "-O", "-", f"http://{address}:90/")["stdout"] == "hello from the image\n"
    assert run("head", "-c", "102400", "/dev/zero")["stdout"] == "\0" * 102_400
    assert run("head", "-c", "102400", "/dev/zero", limit=100) == {
        **nothing, "rc": 0, "stdout": "\0" * 100, "stderr": "", "stdout_truncated": True
    }  # fmt: skip
    killed = run("sleep", "1000", timeout=0.5)
    assert (killed["rc"], killed["signal"], killed["timed_out"]) == (137, 9, True)
    for failing, code, error in (
        ({"command": ("absent",)}, 127, "start_failed"),
        ({"command": ("/www",)}, 126, "start_failed"),
        ({"command": ("true",), "user": "ghost"}, 126, "user_unknown"),
        ({"command": ("true",), "working_dir": "/ghost"}, 126, "cwd_failed"),
    ):
        failed = run(*failing.pop("command"), **failing)
        assert (failed["rc"], failed["error"]["code"]) == (code, error), failed
    # As the health check, it is a process of the container with its limits, and not one of the machine.
    assert run("cat", "/proc/self/cgroup")["stdout"] == "0::/\n"
    assert "httpd" in run("ps", "-o", "comm")["stdout"]
    assert machine.exec(_SECRET, "true", file="/etc/passwd").startswith("refused 4: There is no file")
    assert machine.exec("guessed", "true").startswith("refused 35: ")
    machine.wait_status(lambda status: status["guest_operations"] == {"refused": 1}, "the refusal")


def test_failing_check_makes_unhealthy_and_the_power_button_kills_an_unresponsive_process(boot: Boot) -> None:
    # As in Docker, PID 1 of a namespace ignores signals that it does not handle.
    spec = make_spec(
        ["sleep", "1000"],
        healthcheck=_check(["CMD", "sh", "-c", "echo broken; exit 1"]),
        stop={"signal": "SIGTERM", "timeout": 0.5},
    )
    machine = boot(spec)
    unhealthy = machine.wait_status(lambda status: status["health"] == "unhealthy", "unhealthy")
    assert unhealthy["health_output"] == "broken\n"
    machine.press_power_button()
    status = machine.wait_off()
    assert (status["state"], status["exit_code"]) == ("exited", 137)


def test_check_that_hangs_is_killed(boot: Boot) -> None:
    spec = make_spec(
        ["sleep", "1000"],
        healthcheck=_check(["CMD", "sleep", "999"], timeout=0.5, retries=1),
        stop={"signal": "SIGKILL", "timeout": 10},
    )
    machine = boot(spec)
    unhealthy = machine.wait_status(lambda status: status["health"] == "unhealthy", "unhealthy")
    assert unhealthy["health_output"] == "Health check exceeded timeout (500ms)"
    machine.request_shutdown()
    assert machine.wait_off()["exit_code"] == 137


def test_restarts_on_failure_up_to_the_limit(boot: Boot) -> None:
    spec = make_spec(
        ["sh", "-c", "echo run >> /runs; cat /runs; exit 7"], restart={"policy": "on-failure", "max_retries": 2}
    )
    machine = boot(spec)
    status = machine.wait_off()
    assert (status["state"], status["exit_code"], status["restart_count"]) == ("exited", 7, 2)
    restarting = [item for item in machine.statuses if item["state"] == "restarting"]
    assert [(item["exit_code"], item["restart_count"]) for item in restarting] == [(7, 0), (7, 1)]
    # The writable layer stays over restarts.
    assert machine.log() == "run\n" * (1 + 2 + 3)


def test_success_is_no_failure_and_a_killed_process_has_its_signal(boot: Boot) -> None:
    script = "if [ -e /second ]; then exit 0; fi; touch /second; sleep 1000 & kill -9 $!; wait $!; exit $?"
    machine = boot(make_spec(["sh", "-c", script], restart={"policy": "on-failure", "max_retries": 0}))
    status = machine.wait_off()
    assert (status["exit_code"], status["restart_count"]) == (0, 1)
    assert next(item for item in machine.statuses if item["state"] == "restarting")["exit_code"] == 137


def test_writable_layer_survives_stop_and_power_cut(boot: Boot, tmp_path: Path) -> None:
    scratch = make_disk(tmp_path / "scratch.img", 2 << 30)
    script = "cat /kept /www/from-image; echo data >> /kept; echo changed > /www/from-image; sync; echo synced; "
    spec = make_spec(["sh", "-c", script], root=ON_DISK)

    first = boot(spec, scratch=scratch)
    assert first.wait_off()["exit_code"] == 0
    assert first.log() == "cat: can't open '/kept': No such file or directory\noriginal\nsynced\n"
    _assert_clean(scratch)
    assert _blocks(scratch) * 4096 == 2 << 30

    spec["process"]["args"][2] += "while :; do sleep 1; done"
    second = boot(spec, scratch=scratch)
    # At the beginning of a line, because the console has the command too.
    second.wait_log("\nsynced")
    second.power_cut()

    # The disk has been enlarged, and the file system grows with it.
    with scratch.open("r+b") as file:
        file.truncate(3 << 30)
    spec["process"]["args"][2] = "cat /kept; grep overlay /proc/mounts"
    third = boot(spec, scratch=scratch)
    assert third.wait_off()["exit_code"] == 0
    log = third.log()
    assert log.endswith("data\ndata\n" + log.splitlines()[-1] + "\n")
    # The log includes the earlier runs.
    assert log.startswith("cat: can't open '/kept'")
    _assert_clean(scratch)
    assert _blocks(scratch) * 4096 == 3 << 30

    # Another container, with its own disk, has none of it.
    fresh = boot(make_spec(["cat", "/kept"], root=ON_DISK), scratch=make_disk(tmp_path / "other.img"))
    assert fresh.wait_off()["exit_code"] == 1


def _assert_clean(disk: Path) -> None:
    result = subprocess.run(["e2fsck", "-fn", str(disk)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def _blocks(disk: Path) -> int:
    output = subprocess.run(["dumpe2fs", "-h", str(disk)], capture_output=True, text=True, check=True).stdout
    return int(next(line for line in output.splitlines() if line.startswith("Block count:")).split()[-1])


def test_interrupted_formatting_is_repeated(boot: Boot, tmp_path: Path) -> None:
    spec = make_spec(["true"], root=ON_DISK)
    scratch = make_disk(tmp_path / "scratch.img")
    with scratch.open("r+b") as file:
        file.write(b"GANTRYFORMAT1\n" + spec["id"].encode())
        # Where the group descriptors go.
        file.seek(4096)
        file.write(b"half of a block")
    assert boot(spec, scratch=scratch).wait_off()["exit_code"] == 0
    _assert_clean(scratch)


def test_image_without_mount_points_runs_read_only(boot: Boot, bare_image: Path) -> None:
    spec = make_spec(
        ["/bin/busybox", "sh", "-c", "cat /etc/hostname; ls -d /proc/1 /dev/null /cache /; touch /new"],
        env=["PATH=/bin"],
        root=READ_ONLY,
        tmpfs=[{"target": "/cache/deep", "size": None, "mode": "1777"}],
    )
    machine = boot(spec, disk=bare_image)
    assert machine.wait_off()["exit_code"] == 1
    assert machine.log() == "test\n/\n/cache\n/dev/null\n/proc/1\ntouch: /new: Read-only file system\n"


def test_log_is_bounded_and_its_end_published(boot: Boot) -> None:
    script = "i=0; while [ $i -lt 4000 ]; do echo line $i of a long log; i=$((i+1)); done"
    machine = boot(make_spec(["sh", "-c", script], log={"max_bytes": 8192}))
    assert machine.wait_off()["exit_code"] == 0
    log = machine.log()
    # Each line takes 21 bytes more than its text.
    assert 4096 <= len(log) + 21 * log.count("\n") <= 8192
    assert log.endswith("line 3999 of a long log\n")


def test_boots_from_the_iso_by_bios_with_dhcp(boot: Boot, tmp_path: Path) -> None:
    spec = make_spec(["sh", "-c", "cat /etc/resolv.conf; httpd -f -p 8080 -h /www"], networks=[DHCP_NETWORK])
    spec["stop"]["timeout"] = 0
    certificate = make_certificate(tmp_path, name="logs")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.server)
    with socket.create_server(("127.0.0.1", 0)) as server:
        # QEMU forwards 10.0.2.2 to this machine.
        spec["hosts"] = {"logs": "10.0.2.2"}
        spec["log"]["syslog"] = {
            "transport": "tls", "address": f"logs:{server.getsockname()[1]}", "ca": certificate.ca.read_text(),
            "facility": 3, "micro": True, "tag": "web",
        }  # fmt: skip
        machine = boot(spec, boot="bios", forward=8080, isolated=False)
        assert machine.get() == "hello from the image\n"
        server.settimeout(PATIENCE)
        accepted, _address = server.accept()
        accepted.settimeout(PATIENCE)
        with context.wrap_socket(accepted, server_side=True) as connection, connection.makefile("rb") as stream:
            size = int(b"".join(iter(lambda: stream.read(1).strip(), b"")))
            message = stream.read(size).decode()
    assert re.fullmatch(r"<30>1 \S+\.\d{6}Z test web - - - nameserver 10\.0\.2\.3", message), message
    # After a while there is also the address of the prefix that QEMU's network advertises.
    assert "10.0.2.15/24" in machine.wait_guest()["nics"][0]["addresses"]
    machine.press_power_button()
    assert machine.wait_off()["exit_code"] == 137
    assert "nameserver 10.0.2.3" in machine.log()


def test_boots_from_the_iso_by_uefi(boot: Boot) -> None:
    machine = boot(make_spec(["sh", "-c", "exit 5"]), boot="uefi", memory_mib=256)
    assert machine.wait_off()["exit_code"] == 5


def test_runs_on_virtio_with_two_networks_and_a_spec_disk(boot: Boot, tmp_path: Path) -> None:
    networks = [
        # QEMU's network advertises the prefix fec0::/64.
        {"mac": "52:54:00:00:00:02", "dhcp": True, "ipv6": {"mode": "auto"}},
        {
            "mac": "52:54:00:00:00:01",
            "dhcp": False,
            "address": "10.0.2.15/24",
            "gateway": None,
            "ipv6": {"mode": "static", "address": "fec0::77/64", "gateway": "fe80::2"},
        },
    ]
    show = "cat /sys/class/net/eth0/address; grep ^fec0 /proc/net/if_inet6; grep ^0.*fe80.*eth1 /proc/net/ipv6_route"
    spec = make_spec(["sh", "-c", f"{show}; exit 4"], networks=networks, root=ON_DISK)
    machine = boot(
        spec,
        disk_bus="virtio",
        nic="virtio-net-pci",
        networks=2,
        spec_by="disk",
        scratch=make_disk(tmp_path / "scratch.img"),
    )
    assert machine.wait_off()["exit_code"] == 4
    mac, *lines = machine.log().splitlines()
    assert mac == "52:54:00:00:00:02"
    addresses = [(words[-1], words[0]) for words in map(str.split, lines[:-1])]
    # The adapter with a static address takes no other one.
    assert sorted(addresses) == [
        ("eth0", "fec0000000000000505400fffe000002"),
        ("eth1", "fec00000000000000000000000000077"),
    ]
    assert lines[-1].split()[4] == "fe800000000000000000000000000002"
    assert machine.wait_guest()["nics"] == [
        {"mac": "52:54:00:00:00:01", "addresses": ["10.0.2.15/24", "fec0::77/64"]},
        {"mac": "52:54:00:00:00:02", "addresses": ["10.0.3.15/24", "fec0::5054:ff:fe00:2/64"]},
    ]
