# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container that counts in memory and on its disk, and reports both counters at its end, which reveals a loss."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from pyVmomi import vim, vmodl

from ansible_collections.gantry.vsphere.plugins.module_utils._guest.log_page import published_text
from tests.support.guests.containers import PATIENCE, READY, READY_FILE, Containers

_SCRIPT = f"""
i=0
trap 'echo counted $i, wrote $(cat /counted); exit 7' TERM
/bin/busybox httpd -p 80 -h /www
while :; do i=$((i + 1)); echo $i > /counted; : > {READY_FILE}; sleep 0.1; done
"""


def run_counter(containers: Containers, name: str) -> None:
    """Run a container that has begun to count and also serves the image's page."""
    containers.run(name, image="tiny", entrypoint=["/bin/sh", "-c"], command=[_SCRIPT], stop_timeout=30, **READY)


def options(vm: Any) -> dict[str, str]:
    return {option.key: option.value for option in vm.config.extraConfig}


def status(vm: Any) -> dict[str, Any]:
    """Return the last status that the container's init has published."""
    said: dict[str, Any] = json.loads(options(vm)["guestinfo.gantry.status"])
    return said


def stop_counter(content: Any, vm: Any) -> int:
    """Shut the guest down and return the container's final counters in memory and on disk."""
    vm.ShutdownGuest()
    # Power off drops what the guest has published. Until then the VM stays on for a while, or until it is asked again.
    deadline = time.monotonic() + PATIENCE
    while (end := status(vm))["state"] != "exited":
        assert time.monotonic() < deadline, end
        time.sleep(0.2)
    assert (end["state"], end["exit_code"], end["restart_count"]) == ("exited", 7, 0)
    log = published_text(options(vm)["guestinfo.gantry.log"]) or ""
    vm.ShutdownGuest()
    _wait_until_off(content, vm)
    said = re.fullmatch(r"counted (\d+), wrote (\d+)\n", log)
    assert said is not None, log
    assert said[1] == said[2]
    return int(said[1])


def reported_address(vm: Any) -> str:
    """Return the address of the guest; after a move, vCenter has none until the guest tools have reported it again."""
    deadline = time.monotonic() + PATIENCE
    while (address := vm.guest.ipAddress) is None:
        assert time.monotonic() < deadline, f"{vm.name} reports no address"
        time.sleep(0.2)
    return str(address)


def _wait_until_off(content: Any, vm: Any) -> None:
    collector, query = content.propertyCollector, vmodl.query.PropertyCollector
    properties = query.PropertySpec(type=vim.VirtualMachine, pathSet=["runtime.powerState"])
    spec = query.FilterSpec(objectSet=[query.ObjectSpec(obj=vm)], propSet=[properties])
    watched = collector.CreateFilter(spec, True)
    version = ""
    while vm.runtime.powerState != "poweredOff":
        update = collector.WaitForUpdatesEx(version, query.WaitOptions(maxWaitSeconds=PATIENCE))
        assert update is not None, f"{vm.name} is still on after {PATIENCE} s"
        version = update.version
    watched.Destroy()
