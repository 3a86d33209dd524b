# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's control API: the requests that its vCenter has received, and faults to inject."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote


@dataclass(frozen=True)
class Control:
    url: str

    def reset(self) -> None:
        """Discard what was recorded, the injected faults and the chosen behavior."""
        self.forget()
        self.release()
        self._call("DELETE", "/v1/behavior")
        self._call("DELETE", "/v1/operations")

    def forget(self) -> None:
        """Discard the recorded requests."""
        self._call("DELETE", "/v1/calls")

    def release(self) -> None:
        """Discard the injected faults. The requests that are being delayed go on, or fail, at once."""
        self._call("DELETE", "/v1/faults")

    def all(self) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = self._call("GET", "/v1/calls")["calls"]
        return calls

    def methods(self) -> list[str]:
        return [call["method"] for call in self.all()]

    def mutating(self) -> list[str]:
        return [call["method"] for call in self.all() if call["mutating"]]

    def fault(
        self,
        method: str,
        fault: str | None = None,
        *,
        delay_seconds: float = 0,
        count: int = 1,
        skip: int = 0,
        name: str = "*",
        in_task: bool = False,
    ) -> None:
        """Let the next ``count`` calls of the method, after ``skip`` of them, fail with the fault, or only delay them.

        ``name`` is that of the called object. With ``in_task`` the calls succeed and their tasks fail or are delayed.
        """
        rule: dict[str, Any] = {"method": method, "type": "*", "name": name, "count": count, "skip": skip}
        rule |= {"delay_seconds": delay_seconds, "in_task": in_task}
        if fault is not None:
            rule["fault"] = fault
        self._call("POST", "/v1/faults", rule)

    def behave(self, **choices: Any) -> None:
        """Choose what differs between real vCenters (lab/vcenter/internal/vsim/behavior.go), until ``reset``."""
        self._call("PATCH", "/v1/behavior", choices)

    def operations(self, when: Literal["now", "most"] = "most") -> dict[str, Any]:
        """Return how much of vCenter's limits is in use, or the most that was at a time since ``reset``.

        ``hosts``, ``datastores`` and ``networks`` have units by name, ``all`` counts tasks, ``queued`` those that wait.
        """
        operations: dict[str, Any] = self._call("GET", "/v1/operations")[when]
        return operations

    def advance(self, seconds: float) -> None:
        """Move vCenter's clock forward: sessions that were idle, tickets and finished tasks end by it.

        The clocks of guests stay as they are, and so does that of vCenter at ``reset``.
        """
        self._call("PATCH", "/v1/clock", {"advance_seconds": seconds})

    def add_vms(self, count: int, prefix: str, extra_config: Mapping[str, str] | None = None) -> None:
        """Add VMs that are off, all with the same extraConfig."""
        self._call("POST", "/v1/vms", {"count": count, "prefix": prefix, "extra_config": dict(extra_config or {})})

    def sample(self) -> None:
        """Let the lab measure its VMs and hosts now, as it does every 20 seconds."""
        self._call("POST", "/v1/samples")

    def add_user(self, name: str, password: str, groups: Sequence[str] = ()) -> None:
        """Add a user, who can log in once a permission applies to the user or to one of the groups."""
        self._call("POST", "/v1/users", {"name": name, "password": password, "groups": list(groups)})

    def remove_user(self, name: str) -> None:
        """Remove a user and the user's permissions."""
        self._call("DELETE", f"/v1/users/{quote(name, safe='')}")

    def set_services(self, cluster: str, kind: str) -> None:
        """Set the kind of vSphere Cluster Services of a cluster: ``none``, ``external`` or ``embedded``."""
        self._call("PUT", f"/v1/clusters/{quote(cluster, safe='')}/services", {"kind": kind})

    def limit_datastore(self, name: str, free_bytes: int) -> None:
        self._call("PATCH", f"/v1/datastores/{name}", {"free_bytes": free_bytes})

    def set_stepwise(self, cluster: str, stepwise: bool) -> None:
        """Refuse, or accept again, changes of rules and groups in one reconfiguration that depend on each other."""
        self._call("PATCH", f"/v1/clusters/{quote(cluster, safe='')}", {"stepwise": stepwise})

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = response.read()
        return json.loads(answer) if answer.strip() else None
