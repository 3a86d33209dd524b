# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers that really boot: created by the modules, and accessed through the lab's published ports."""

from __future__ import annotations

import contextlib
import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.lab.direct import DirectRunner
from tests.support.lab.playbook import TaskResult

# A loaded machine without KVM may take this long from power on to a container that answers.
PATIENCE = 180
MEMORY = "128M"
# A task with these options waits until the program has made the file: it is "running" before its first instruction. The
# file is in memory, so that it is new after each start.
READY_FILE = "/dev/shm/ready"
READY: Mapping[str, Any] = {
    "state": "healthy",
    "healthcheck": {
        "test": f"test -e {READY_FILE}",
        "interval": "1m",
        "start_interval": "300ms",
        "start_period": f"{PATIENCE}s",
    },
}


@dataclass(frozen=True)
class Containers:
    """The modules, with the options that all containers of these tests have in common.

    They run without Ansible: what is tested is what boots, and a run of ansible-playbook takes as long as a boot.
    """

    lab: Mapping[str, Any]
    direct: DirectRunner

    def image(self, name: str) -> str:
        """Return the reference of an image of the lab; another name is a reference itself."""
        reference: str = self.lab["images"].get(name, name)
        return reference

    def run(self, name: str, **options: Any) -> TaskResult:
        """Run container_vm, which must succeed."""
        return self.try_to_run(name, **options).ok_result

    def try_to_run(self, name: str, **options: Any) -> Attempt:
        arguments = {"name": name, "wait_timeout": PATIENCE, **options}
        if "image" in arguments:
            arguments["image"] = self.image(arguments["image"])
            arguments = {"memory": MEMORY, "networks": [{"name": "VM Network"}], **arguments}
        run = self.direct({"gantry.vsphere.container_vm": arguments})
        return Attempt(run.last, run.output)

    def look(self, name: str, *, logs: bool = False) -> dict[str, Any]:
        """Return what container_vm_info reports for one container."""
        run = self.direct({"gantry.vsphere.container_vm_info": {"name": [name], "logs": logs}}).ok()
        (container,) = run.last["containers"]
        found: dict[str, Any] = container
        return found

    def wait_until_over(self, name: str) -> dict[str, Any]:
        """Wait until its VM is off, and return the container with the end of its log, which a task records."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            container = self.look(name, logs=True)
            if container["state"] == "stopped":
                return container
            if container["status"] in ("exited", "error"):
                self.run(name, state="present")
            time.sleep(1)
        raise AssertionError(f"{name} still runs after {PATIENCE} s: {container}")

    def remove(self, name: str) -> None:
        self.run(name, state="absent", force_kill=True)

    def publish(self, name: str, port: int) -> int:
        """Return a loopback port that is forwarded to a container's port."""
        body = json.dumps({"vm": name, "port": port, "host_port": 0}).encode()
        request = urllib.request.Request(self.lab["control"] + "/v1/publish", data=body, method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            host_port: int = json.load(answer)["host_port"]
        return host_port

    def get(self, port: int, path: str = "/") -> tuple[int, str]:
        """Return the status and body of a page."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""

    def first_page(self, port: int) -> tuple[int, str]:
        """Return the status and body of the first page, as soon as the container's program listens."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(ConnectionError, TimeoutError, urllib.error.URLError):
                return self.get(port)
            time.sleep(0.1)
        raise AssertionError(f"no page from port {port} within {PATIENCE} s")

    def redis(self, port: int, *words: str) -> str:
        """Send one command to a redis server and return its raw response."""
        command = f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(command.encode())
            return connection.recv(4096).decode()


@dataclass(frozen=True)
class Attempt:
    outcome: TaskResult
    output: str

    @property
    def ok_result(self) -> TaskResult:
        if self.outcome.status != "ok":
            raise AssertionError(f"container_vm {self.outcome.status}: {self.outcome.msg}\n{self.output}")
        return self.outcome
