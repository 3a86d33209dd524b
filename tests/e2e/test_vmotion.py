# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that a container in use keeps its process, its memory and open connections during moves between hosts."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle
from typing import Any

from pyVmomi import vim

from tests.support.guests.containers import PATIENCE, Containers
from tests.support.guests.counting import reported_address
from tests.support.guests.vcenter import find, session
from tests.support.lab.drive import drive

MOVES = 20
# The stop-copy phase takes a tenth of a second under TCG; a busy machine must not fail the test.
_LONGEST_PAUSE = 30.0


class Counting:
    """A connection to a redis server that increments a counter as fast as responses arrive."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connect()
        self._over = threading.Event()
        self.counted = 0

    @contextmanager
    def going_on(self) -> Iterator[Future[None]]:
        """Count in the background; the future ends only by a failure, or with the block."""
        with ThreadPoolExecutor(1) as pool:
            counting = pool.submit(self._count)
            try:
                yield counting
            finally:
                self._over.set()
            counting.result(PATIENCE)

    def _connect(self) -> None:
        self._connection = socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE)
        self._answers = self._connection.makefile("rb")

    def wait(self) -> None:
        """Wait until the server responds: it runs before it listens, and listens before it has read its disk."""
        deadline = time.monotonic() + PATIENCE
        while (answer := self._ping()) != "+PONG":
            assert time.monotonic() < deadline, answer
            time.sleep(0.1)
            self.close()
            self._connect()

    def _ping(self) -> str:
        try:
            return self.ask("PING")
        except ConnectionError as error:
            return str(error)

    def ask(self, *words: str) -> str:
        """Return the response to one command, while nothing is counted."""
        self._send(*words)
        line = self._answers.readline().decode()
        return self._answers.read(int(line[1:]) + 2).decode() if line.startswith("$") else line.strip()

    def _count(self) -> None:
        while not self._over.is_set():
            answer = self.ask("INCR", "counter")
            assert answer == f":{self.counted + 1}", f"the server counted {answer} after {self.counted}"
            self.counted += 1

    def _send(self, *words: str) -> None:
        command = f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        self._connection.sendall(command.encode())

    def close(self) -> None:
        self._answers.close()
        self._connection.close()


def _identity(server: Counting) -> dict[str, str]:
    """Return the values that differ after any restart of the server."""
    lines = (line.split(":", 1) for line in server.ask("INFO", "server").splitlines() if ":" in line)
    known = {key: value.strip() for key, value in lines}
    return {key: known[key] for key in ("run_id", "process_id")}


def _moves(lab: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{lab['control']}/v1/vms/{name}", timeout=30) as answer:
        moves: list[dict[str, Any]] = json.load(answer)["moves"]
    return moves


def _status(vm: Any) -> dict[str, Any]:
    (text,) = (option.value for option in vm.config.extraConfig if option.key == "guestinfo.gantry.status")
    status: dict[str, Any] = json.loads(text)
    return status


def _move(lab: Mapping[str, Any], name: str, host: str) -> None:
    result = drive("vm_vmotion", {**lab["vcenter"], "vms": [name], "host": host, "mode": "live", "timeout": PATIENCE})
    assert "failed" not in result, result
    (vm,) = result["vms"]
    assert (vm["status"], vm["to"]["host"]) == ("moved", host)


def test_counting_server_is_moved_twenty_times(containers: Containers, name: str) -> None:
    containers.run(name, image="redis")
    server = Counting(containers.publish(name, 6379))
    try:
        server.wait()
        with session(containers.lab) as content:
            vm = find(content, vim.VirtualMachine, name)
            hosts = [find(content, vim.HostSystem, host) for host in containers.lab["hosts"]]
            before, address, at_first = _status(vm), vm.guest.ipAddress, _identity(server)
            away = cycle(host for host in hosts if host != vm.runtime.host)
            with server.going_on() as counting:
                heard = 0
                for _number in range(MOVES):
                    target = next(host for host in away if host != vm.runtime.host)
                    _move(containers.lab, name, target.name)
                    assert vm.runtime.host == target
                    heard = _hear_more(server, counting, heard)
            assert _identity(server) == at_first
            assert server.ask("GET", "counter").strip() == str(server.counted)
            assert reported_address(vm) == address
            after = _status(vm)
            assert (after["pid"], after["started_at"], after["restart_count"]) == (
                before["pid"],
                before["started_at"],
                0,
            )
    finally:
        server.close()
    moves = _moves(containers.lab, name)
    pauses = sorted(move["pause_seconds"] for move in moves)
    print(f"{MOVES} moves ({moves[0]['mode']}) while the server counted to {server.counted}: pauses of")
    print(f"{pauses[0]:.3f} to {pauses[-1]:.3f} s, half of them up to {pauses[len(pauses) // 2]:.3f} s")
    assert [move["from"] for move in moves[1:]] == [move["to"] for move in moves[:-1]]
    assert len(moves) == MOVES
    assert 0 < pauses[-1] < _LONGEST_PAUSE
    stopped = containers.run(name, state="stopped")
    assert stopped["container"]["exit_code"] == 0
    # Data from before the first move and after the last one.
    log = containers.look(name, logs=True)["log"]
    assert "Ready to accept connections" in log
    assert "bye bye" in log


def _hear_more(server: Counting, counting: Future[None], heard: int) -> int:
    """Wait until the server has counted further after its migration."""
    deadline = time.monotonic() + PATIENCE
    while server.counted == heard:
        assert not counting.done(), counting.exception()
        assert time.monotonic() < deadline, f"the server has counted no further than {heard}"
        time.sleep(0.01)
    return server.counted
