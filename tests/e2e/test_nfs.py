# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test containers that mount directories of an NFS server, which is a container itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.guests.containers import READY, READY_FILE, Containers

Shell = Callable[..., dict[str, Any]]

SERVER = "nfs-server"
# As /proc/net/tcp6 shows it.
LISTENS = f"grep -q ':{2049:04X} .* 0A ' /proc/net/tcp /proc/net/tcp6"


@pytest.fixture(scope="module")
def server(containers: Containers) -> Iterator[str]:
    """Run an NFS server and yield its address."""
    image = {"name": containers.lab["images"]["nfs"], "registry_tls_verify": False}
    containers.direct({"gantry.vsphere.container_image": {**image, "datastore": containers.lab["datastore"]}}).ok()
    started = containers.run(
        SERVER,
        image="nfs",
        memory="192M",
        tmpfs=["/srv"],
        capabilities=["DAC_READ_SEARCH"],
        state="healthy",
        healthcheck={**READY["healthcheck"], "test": LISTENS},
    )
    yield started["container"]["ip_addresses"][0]
    containers.remove(SERVER)


def mount(server: str, device: str = ":/srv", options: str = "", **more: Any) -> dict[str, Any]:
    values = {"type": "nfs", "device": device, "o": f"addr={server}{options}"}
    return {"target": "/shared", "volume_options": values, **more}


def test_a_directory_that_the_server_does_not_have_is_an_error(containers: Containers, name: str, server: str) -> None:
    mounts = [mount(server, ":/missing")]
    attempt = containers.try_to_run(name, image="tiny", command=["sleep", "1000"], mounts=mounts)
    assert attempt.outcome.status == "failed"
    assert f"/missing of the NFS server {server}: no such file or directory" in attempt.outcome.msg


@pytest.mark.timeout(900)
def test_containers_share_the_files_of_a_server_until_it_is_gone(
    containers: Containers, name: str, shell: Shell, server: str
) -> None:
    show = "grep ' /shared ' /proc/mounts"
    script = f"mkdir -m 700 /shared/sub && echo of-the-first > /shared/sub/file && chown -R 1000 /shared/sub && {show}"
    first = shell(script, mounts=[mount(server)])
    assert first["exit_code"] == 0, first
    assert all(text in first["log"] for text in (" nfs4 rw,", "vers=4.2,", f"addr={server}")), first["log"]

    # The next one is not root, and may not write.
    script = f"cat /shared/sub/file; touch /shared/sub/other 2>/dev/null || echo read-only; {show}"
    options = ",vers=4.1,soft,timeo=50"
    second = shell(script, user="1000", mounts=[mount(server, ":/srv", options, read_only=True)])
    # The log goes on from container to container.
    content, written, shown = second["log"].splitlines()[-3:]
    assert (content, written) == ("of-the-first", "read-only")
    assert all(text in shown for text in (" nfs4 ro,", "vers=4.1,", "soft,", "timeo=50,")), shown

    # What is in memory when a container is killed gets to the server.
    writing = {"image": "tiny", "entrypoint": ["/bin/sh", "-c"], "mounts": [mount(server)], "stop_timeout": 1, **READY}
    script = f"exec 3>>/shared/open; echo unsynced >&3; touch {READY_FILE}; sleep 1000"
    containers.run(name, command=[script], **writing)
    containers.run(name, state="stopped")
    assert shell("cat /shared/open", mounts=[mount(server)])["log"].endswith("unsynced\n")

    # The kernel does not end a process that has written to a server that does not answer. Its VM is powered off.
    containers.run(name, command=[script], **writing)
    containers.run(SERVER, state="stopped", force_kill=True)
    stopped = containers.run(name, state="stopped")["container"]
    assert (stopped["state"], stopped["exit_code"]) == ("stopped", None)
