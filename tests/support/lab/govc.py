# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""govc, logged in to the lab's vCenter: a third-party client as an independent check."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools import govc


class Govc:
    """The govc program, which is built at the first use."""

    def __init__(self, lab: Mapping[str, Any], home: Path) -> None:
        vcenter = lab["vcenter"]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GOVC_")}
        self._program = govc.build()
        self._environment = {
            **inherited,
            "HOME": str(home),
            "GOVC_URL": f"https://{vcenter['hostname']}:{vcenter['port']}",
            "GOVC_USERNAME": vcenter["username"],
            "GOVC_PASSWORD": vcenter["password"],
            "GOVC_TLS_CA_CERTS": vcenter["ca_path"],
            "GOVC_DATACENTER": lab["datacenter"],
        }

    def __call__(self, command: str, *arguments: str) -> str:
        done = subprocess.run(
            [self._program, command, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def read(self, command: str, *arguments: str) -> Any:
        return json.loads(self(command, "-json", *arguments))
