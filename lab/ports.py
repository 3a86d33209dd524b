# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose the lab's ports on 127.0.0.1: the configured ones, which must be free, or any free ones."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from lab.config import SERVICES, Config
from lab.errors import LabError


@dataclass(frozen=True)
class Ports:
    services: Mapping[str, int]  # by service
    published: Mapping[int, str]  # "VM:port" by the published port


def choose(config: Config) -> Ports:
    """Return the ports of the services and the published ports."""
    # Ports are not published if VMs do not boot: nothing would answer.
    targets = {} if config.hypervisor == "none" else dict(config.publish)
    second: dict[str, int] = {}
    if config.second is not None:
        second = {"second": config.second.port, "second_control": config.second.control_port}
    if config.ports is None:
        names = [*SERVICES, *second]
        found = _free(len(names) + len(targets))
        services = dict(zip(names, found, strict=False))
        return Ports(services, dict(zip(found[len(names) :], targets.values(), strict=True)))
    for service, port in config.ports.items():
        _require_free(port, f"the lab's {service}", f"ports.{service}")
    for service, port in second.items():
        _require_free(port, "the lab's second vCenter", "second.port" if service == "second" else "second.control_port")
    for port, target in targets.items():
        _require_free(port, f"publishing {target}", "publish")
    return Ports({**config.ports, **second}, targets)


def _require_free(port: int, purpose: str, setting: str) -> None:
    if not _is_free(port):
        raise LabError(
            f"Port {port} of 127.0.0.1, for {purpose}, is in use by another program. "
            f'Stop that program, or set another {setting} or ports = "free" in a file that GANTRY_LAB_CONFIG names.'
        )


def _free(count: int) -> list[int]:
    """Return different free ports. Each is kept open until the last one is found."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # A connection that has just been closed does not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
