# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start and stop the lab. For tests: `Lab(state_dir, overrides).up()` and `.down()`."""

from __future__ import annotations

import json
import os
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit.console import say, step
from lab import artifacts, namespace, ports, vcenter_service
from lab.config import Config, load
from lab.connection import connection_environment
from lab.registry import Registry
from lab.state import State, default_state_dir
from lab.vcenter_service import Running, VCenter

# The process that ends its child processes; it is ended first.
_FIRST = "vcenter"


@dataclass(frozen=True)
class Status:
    state: str  # "up", "down", or "broken": only some processes run
    info: Mapping[str, Any] | None
    processes: Mapping[str, bool]  # whether each process runs, by name
    namespace: bool


class Lab:
    """Control one lab. Several labs can be up at the same time in different state directories."""

    def __init__(
        self, state_dir: Path | None = None, overrides: Mapping[str, Any] | None = None, *, bound: bool = False
    ) -> None:
        """Load the configuration. A bound lab ends when the calling process ends in any way."""
        self.state = State(state_dir or default_state_dir())
        self.config: Config = load(overrides)
        self._bound = bound

    def needs_sudo(self) -> bool:
        """Return whether the lab has machines that boot, which needs root, and this process is not root."""
        return self.config.hypervisor != "none" and os.geteuid() != 0

    def up(self) -> dict[str, Any]:
        """Start the lab unless it is up, and return the content of lab.json."""
        self.state.create()
        with self.state.locked():
            status = self.status()
            if status.state == "up" and status.info is not None:
                return dict(status.info)
            if status.state == "broken":
                say("Removing what is left of a lab that was not stopped.")
            self._clean()
            built = artifacts.build(self.config)
            try:
                info = self._start(built)
                self._publish_info(info)
            except BaseException:
                self._clean()
                raise
            return info

    def down(self) -> bool:
        """Stop the lab and remove the files of its run. Return whether there was anything to stop."""
        if not self.state.directory.exists():
            return False
        with self.state.locked():
            found = self.status().state != "down"
            self._clean()
            self.state.hand_over_rest()
            return found

    def status(self) -> Status:
        """Return the state of the lab and of its processes."""
        processes = {name: record.alive() for name, record in self.state.records().items()}
        info = self.state.info()
        has_namespace = namespace.namespace_exists(self.state.namespace)
        if info is not None and processes.get("vcenter") and processes.get("registry"):
            state = "up"
        elif info is not None or any(processes.values()) or has_namespace:
            state = "broken"
        else:
            state = "down"
        return Status(state, info, processes, has_namespace)

    def _start(self, built: artifacts.Artifacts) -> dict[str, Any]:
        chosen = ports.choose(self.config)
        registry = Registry(self.state.directory, chosen.services["registry"])
        with step("registry"):
            registry.start(bound=self._bound)
        with step("vCenter"):
            passwords = {name: secrets.token_urlsafe(18) for name in ("vcenter", "second")}
            running = vcenter_service.start(self.state, self.config, built, chosen, passwords, bound=self._bound)
        with step(f"images: {', '.join(built.images) or 'none'}"):
            references = {name: registry.push(layout, f"gantry/{name}:1") for name, layout in built.images.items()}
        site = running.first.site
        return {
            **self._access(running.first, chosen.services["vcenter"], passwords["vcenter"]),
            "control": f"http://127.0.0.1:{chosen.services['control']}",
            "registry": registry.address,
            "images": references,
            "datacenter": self.config.inventory.datacenter,
            "cluster": self.config.inventory.cluster,
            "hosts": list(site.clusters[self.config.inventory.cluster]),
            "clusters": {name: list(hosts) for name, hosts in site.clusters.items()},
            "datastore": self.config.inventory.datastore,
            "datastores": {name: list(hosts) for name, hosts in site.datastores.items()},
            "networks": dict(self.config.networks),
            "publish": {str(port): target for port, target in chosen.published.items()},
            "accelerator": running.accelerator,
            "bootstrap_iso": str(built.bootstrap_iso) if built.bootstrap_iso else None,
            "pid": running.pid,
            "log": str(self.state.logs / "vcenter.log"),
            "second": self._second(running, chosen, passwords["second"]),
        }

    def _second(self, running: Running, chosen: ports.Ports, password: str) -> dict[str, Any] | None:
        """Return the entry of the second vCenter in lab.json."""
        if self.config.second is None or running.second is None:
            return None
        inventory = self.config.second.inventory
        return {
            **self._access(running.second, chosen.services["second"], password),
            "control": f"http://127.0.0.1:{chosen.services['second_control']}",
            "datacenter": inventory.datacenter,
            "cluster": inventory.cluster,
            "hosts": list(running.second.site.hosts),
            "datastore": inventory.datastore,
        }

    def _access(self, vcenter: VCenter, port: int, password: str) -> dict[str, Any]:
        return {
            "vcenter": {
                "hostname": "127.0.0.1",
                "port": port,
                "username": self.config.username,
                "password": password,
                "ca_path": str(vcenter.ca_path),
            },
            "thumbprint": vcenter.thumbprint,
            "thumbprint_sha1": vcenter.thumbprint_sha1,
        }

    def _publish_info(self, info: Mapping[str, Any]) -> None:
        """Write the files for the lab's users. lab.json comes last, because the lab counts as up when it exists."""
        variables = connection_environment(info)
        if info["bootstrap_iso"]:
            variables["GANTRY_LAB_BOOTSTRAP_ISO"] = info["bootstrap_iso"]
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
        self.state.write(self.state.env, "".join(lines))
        self.state.write(self.state.lab_json, json.dumps(info, indent=2) + "\n")
        self.state.hand_over(vcenter_service.PROBE)

    def _clean(self) -> None:
        """End all processes of the lab, also those of an earlier run, and remove the files of the run."""
        records = self.state.records()
        for name in sorted(records, key=lambda name: name != _FIRST):
            records[name].end()
        namespace.remove_namespace(self.state.namespace)
        self.state.wipe()
