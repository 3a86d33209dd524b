# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-inventory with a file of the inventory plugin and return the hosts and groups."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.lab.playbook import ansible_environment

# The ansible-inventory of the environment that runs the tests.
PROGRAM = Path(sys.executable).parent / "ansible-inventory"
PLUGIN = "gantry.vsphere.container_vms"
FILE = "test.container_vms.yml"


@dataclass(frozen=True)
class Listing:
    """What ansible-inventory --list returned. ``messages`` is its standard error, in one line."""

    code: int
    document: Mapping[str, Any]
    messages: str

    @property
    def hosts(self) -> dict[str, dict[str, Any]]:
        hosts: dict[str, dict[str, Any]] = self.document["_meta"]["hostvars"]
        return hosts

    @property
    def groups(self) -> dict[str, list[str]]:
        """The hosts of each group that has some, without those that Ansible makes."""
        return {
            name: sorted(group["hosts"])
            for name, group in self.document.items()
            if name not in ("_meta", "all", "ungrouped") and "hosts" in group
        }


@dataclass
class InventoryRunner:
    """Runs ansible-inventory against one vCenter, with a home directory of its own."""

    home: Path
    connection: Mapping[str, str]

    def write(self, name: str = FILE, **options: Any) -> Path:
        """Write an inventory file and return its path."""
        path = self.home / name
        path.write_text(json.dumps({"plugin": PLUGIN, **options}))  # JSON is YAML
        return path

    def __call__(self, *arguments: str, environment: Mapping[str, str | None] | None = None, **options: Any) -> Listing:
        """List the inventory of a file with these options. A source that cannot be read is not an error of its own."""
        return self.list([self.write(**options)], *arguments, environment=environment)

    def list(
        self, paths: Sequence[Path], *arguments: str, environment: Mapping[str, str | None] | None = None
    ) -> Listing:
        """List the inventory that several files are together."""
        sources = [word for path in paths for word in ("-i", str(path))]
        process = subprocess.run(
            [str(PROGRAM), *sources, "--list", *arguments],
            env=ansible_environment(self.home, self.connection, environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        document = json.loads(process.stdout, object_hook=_plain) if process.returncode == 0 else {}
        return Listing(process.returncode, document, " ".join(process.stderr.split()))


def _plain(value: dict[str, Any]) -> Any:
    """Return a text that ansible-inventory shows as one that is no template."""
    return value["__ansible_unsafe"] if value.keys() == {"__ansible_unsafe"} else value
