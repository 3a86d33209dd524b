# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run playbooks against a lab that is started for the benchmark and boots no VMs."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.connection import connection_environment
from lab.controller import Lab
from tests.support.lab.control import Control

Task = Mapping[str, Any]


@dataclass(frozen=True)
class Bench:
    """A lab. ``info`` is the content of lab.json, and ``environment`` has the variables for ansible-playbook."""

    folder: Path
    info: Mapping[str, Any]
    environment: Mapping[str, str]
    control: Control

    def playbook(self, name: str, tasks: Sequence[Task], variables: Mapping[str, Any] | None = None) -> list[str]:
        """Return the command that runs these tasks."""
        path = self.folder / f"{name}.yml"
        path.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": list(tasks)}]))
        program = str(Path(sys.executable).parent / "ansible-playbook")
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        return [program, "-i", "localhost,", "-e", json.dumps({**local, **(variables or {})}), str(path)]

    def peers_connection(self) -> dict[str, Any]:
        """Return the connection options of community.vmware's modules, which cannot use a CA file."""
        vcenter = self.info["vcenter"]
        shared = {name: vcenter[name] for name in ("hostname", "port", "username", "password")}
        return {**shared, "validate_certs": False}


@contextmanager
def bench(*, images: Sequence[str] = (), **more: Any) -> Iterator[Bench]:
    """Start a lab whose registry has the given images, with more of its configuration, and stop it at the end."""
    with tempfile.TemporaryDirectory(prefix="gantry-bench-") as directory:
        folder = Path(directory)
        shape = {"hypervisor": "none", "ports": "free", "publish": {}, "images": list(images), **more}
        lab = Lab(folder / "lab", shape, bound=True)
        info = lab.up()
        # An empty configuration file: settings of this machine must have no effect.
        (folder / "ansible.cfg").touch()
        environment = {
            **connection_environment(info),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        }
        try:
            yield Bench(folder, info, environment, Control(info["control"]))
        finally:
            lab.down()
