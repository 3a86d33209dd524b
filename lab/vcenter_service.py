# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start the lab's vCenter process with its configuration (lab/vcenter/internal/config), and wait until it is ready."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from devkit.console import CACHE
from lab.artifacts import Artifacts
from lab.config import Config
from lab.errors import LabError
from lab.ports import Ports
from lab.processes import spawn
from lab.site import Site, plan, settings
from lab.state import State

# The first start after a boot of this machine includes the KVM probe, which may take twenty seconds.
_READY_SECONDS = 120.0
# Whether the processor's virtualization works here, which takes a while to find out.
PROBE = CACHE / "lab" / "kvm-probe.json"
# The number of log lines that are shown when the start fails.
_LOG_LINES = 30


@dataclass(frozen=True)
class VCenter:
    """A vCenter of the process, with the data that it reported when it was ready."""

    ca_path: Path
    thumbprint: str  # SHA-256 of its certificate
    thumbprint_sha1: str
    site: Site


@dataclass(frozen=True)
class Running:
    pid: int
    accelerator: str
    first: VCenter
    second: VCenter | None


def start(
    state: State, config: Config, built: Artifacts, ports: Ports, passwords: Mapping[str, str], *, bound: bool
) -> Running:
    """Start the vCenter, or both, and wait until the API answers. passwords has "vcenter" and "second"."""
    site = plan(config.inventory, config.networks, host_prefix="esx")
    second = None if config.second is None else plan(config.second.inventory, config.networks, host_prefix="remote")
    configuration = state.directory / "vcenter.json"
    ready = state.directory / "ready.json"
    content = _configuration(state, config, built, ports, ready)
    content.update(settings(site, config.inventory, config.networks), password=passwords["vcenter"])
    if config.second is not None and second is not None:
        content["second"] = {
            "listen": f"127.0.0.1:{ports.services['second']}",
            "control": f"127.0.0.1:{ports.services['second_control']}",
            "username": config.username,
            "password": passwords["second"],
            **settings(second, config.second.inventory, config.networks),
        }
    state.write(configuration, json.dumps(content, indent=2))
    log = state.logs / "vcenter.log"
    if log.exists():
        # The log of a lab that crashed is often needed after the next start.
        log.replace(log.with_suffix(".log.1"))
    record = state.processes / "vcenter.json"
    process = spawn([str(built.vcenter), "-config", str(configuration)], log, record, bound=bound)
    found = _wait_until_ready(process, ready, log)
    return Running(
        process.pid,
        _accelerator(state, config),
        _vcenter(found, site),
        None if second is None else _vcenter(found["second"], second),
    )


def _vcenter(found: Mapping[str, Any], site: Site) -> VCenter:
    return VCenter(Path(found["ca_path"]), found["thumbprint"], found["thumbprint_sha1"], site)


def _configuration(state: State, config: Config, built: Artifacts, ports: Ports, ready: Path) -> dict[str, Any]:
    """Return the configuration without the inventory."""
    content: dict[str, Any] = {
        "state_dir": str(state.directory),
        "listen": f"127.0.0.1:{ports.services['vcenter']}",
        "control": f"127.0.0.1:{ports.services['control']}",
        "ready_file": str(ready),
        "username": config.username,
        "users": [asdict(user) for user in config.users],
        "hypervisor": config.hypervisor,
        "network_pool": config.network_pool,
        "publish": {str(port): target for port, target in ports.published.items()},
    }
    if config.hypervisor != "none":
        content["hypervisor_config"] = {
            "state_dir": str(state.directory),
            "namespace": state.namespace,
            "networks": [{"name": name, "subnet": subnet} for name, subnet in config.networks.items()],
            "network_pool": config.network_pool,
            "accelerator": config.accelerator,
            "start_slots": config.start_slots,
            "bootstrap_iso": str(built.bootstrap_iso),
            "probe_cache": str(PROBE),
        }
    return content


def _wait_until_ready(process: subprocess.Popen[bytes], ready: Path, log: Path) -> dict[str, Any]:
    deadline = time.monotonic() + _READY_SECONDS
    while not ready.exists():
        if process.poll() is not None:
            raise LabError(f"The lab's vCenter ended with exit code {process.returncode}. {_tail(log)}")
        if time.monotonic() > deadline:
            raise LabError(f"The lab's vCenter was not ready after {_READY_SECONDS:.0f} seconds. {_tail(log)}")
        time.sleep(0.05)
    found: dict[str, Any] = json.loads(ready.read_text())
    return found


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
    return "\n".join([f"The end of {log}:", *lines])


def _accelerator(state: State, config: Config) -> str:
    if config.hypervisor == "none":
        return "none"
    return str(json.loads((state.directory / "hypervisor.json").read_text())["accelerator"])
