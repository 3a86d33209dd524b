# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guest operations by the vSphere API alone, as any client can use them (docs/developers/contracts.md, section 9)."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import time
import urllib.request
from dataclasses import dataclass
from typing import Any

from pyVim.task import WaitForTask
from pyVmomi import vim

from tests.support.guests.containers import PATIENCE

# pyVmomi's classes have constructors without types.
_TYPES: Any = vim
_SPEC_KEYS = ("guestinfo.gantry.spec", "gantry.spec")


def offer_operations(vm: Any, secret: str) -> None:
    """Let the container of a VM that is off offer guest operations from its next start on."""
    values = {option.key: option.value for option in vm.config.extraConfig}
    document = json.loads(values[_SPEC_KEYS[0]])
    document["guest_operations"] = {"secret_sha256": hashlib.sha256(secret.encode()).hexdigest()}
    options = [_TYPES.option.OptionValue(key=key, value=json.dumps(document)) for key in _SPEC_KEYS]
    WaitForTask(vm.ReconfigVM_Task(_TYPES.vm.ConfigSpec(extraConfig=options)))


@dataclass(frozen=True)
class GuestOperations:
    """Programs in one container."""

    content: Any
    vm: Any
    secret: str

    def wait_ready(self) -> None:
        """Wait until vCenter shows that the guest is ready for guest operations."""
        deadline = time.monotonic() + PATIENCE
        while not self.vm.guest.guestOperationsReady:
            assert time.monotonic() < deadline, self.vm.guest
            time.sleep(0.2)

    def run(self, *command: str, **arguments: Any) -> dict[str, Any]:
        """Run a program and return its result, with the streams decoded."""
        auth = _TYPES.vm.guest.NamePasswordAuthentication(
            username="gantry", password=self.secret, interactiveSession=False
        )
        spec = _TYPES.vm.guest.ProcessManager.ProgramSpec(
            programPath="/gantry/exec", arguments=json.dumps({"command": command, **arguments})
        )
        operations = self.content.guestOperationsManager
        pid = operations.processManager.StartProgramInGuest(self.vm, auth, spec)
        deadline = time.monotonic() + PATIENCE
        while not (shown := operations.processManager.ListProcessesInGuest(self.vm, auth, [pid])[0]).endTime:
            assert time.monotonic() < deadline, shown
            time.sleep(0.05)
        file = operations.fileManager.InitiateFileTransferFromGuest(self.vm, auth, f"/gantry/exec/{pid}")
        unverified = ssl._create_unverified_context()  # the host has a certificate of its own
        with urllib.request.urlopen(file.url, timeout=PATIENCE, context=unverified) as answer:
            content = answer.read()
        assert len(content) == file.size
        result: dict[str, Any] = json.loads(content)
        assert result["rc"] == shown.exitCode
        return {**result, **{name: base64.b64decode(result[name]) for name in ("stdout", "stderr")}}
