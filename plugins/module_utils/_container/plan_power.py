# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan when a container is started, stopped and removed: what every other plan for it builds on. Pure."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import (
    AwaitStatus,
    ContainerChange,
    Destroy,
    PowerOn,
    Stop,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_files import ReplaceFiles
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_suspend import Suspend
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    DEFAULT_STOP_TIMEOUT,
    OFF,
    ON,
    SUSPENDED,
    DesiredContainer,
    Machine,
    ObservedContainer,
    guest_state,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import COMPLETED
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_files import FILE_OPTIONS
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan_volumes import (
    detachment,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target_files import target_delivery
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.delivery import FilesToDeliver


class PowerPlanner:
    """Builds the changes one by one and updates the model after each."""

    def __init__(self, desired: DesiredContainer, observed: ObservedContainer) -> None:
        self.desired = desired
        self.seen = observed
        self.changes: list[ContainerChange] = []
        # Whether the container runs, or ran when an earlier run that was interrupted has stopped it.
        self.was_running = False

    def _do(self, change: ContainerChange) -> None:
        self.changes.append(change)
        self.seen = change.project(self.seen)

    def _machine(self) -> Machine:
        if self.seen.machine is None:
            raise ValueError("the plan has lost its machine")
        return self.seen.machine

    def _again(self, machine: Machine) -> Machine:
        """Return one of the VMs as it is after the changes so far."""
        return next(one for one in self.seen.machines if one.moid == machine.moid)

    @property
    def _starts_again(self) -> bool:
        """Return whether the container must run after the plan only because it ran before."""
        return self.was_running and self.desired.state == "present"

    def _with_start(self, target: Machine) -> Machine:
        """Return the target without the mark of a start that an earlier run owes, unless the plan makes that start.

        A container that has completed is marked when it is changed, so that it runs again if this run is interrupted.
        """
        if target.power == SUSPENDED:
            return target
        if self.desired.state == COMPLETED and target.has_completed and not self.desired.restart:
            return replace(target, start_pending=True)
        starts = self.desired.wants_running or self._starts_again
        return replace(target, start_pending=target.start_pending and not target.is_up and starts)

    def _awaited(self, machine: Machine) -> str:
        """Return the state that a container that is started is to reach."""
        state = self.desired.state
        checked = bool((machine.document or {}).get("healthcheck"))
        if state == "ready":
            state = "healthy" if checked else "started"
        if state == "healthy" and not checked:
            raise GantryError(
                f"Container {self.desired.name} has no health check, so it cannot be waited for as healthy. "
                "Give healthcheck, or use state: started."
            )
        return state if state in ("healthy", COMPLETED) else "running"

    def _power_on(self, machine: Machine, wait_for: str | None) -> None:
        timeout, health = self.desired.wait_timeout, self.desired.healthy_wait_timeout
        files = self._files(machine)
        self._do(PowerOn(self.desired.name, machine, wait_for, timeout, files, healthy_wait_timeout=health))

    def _set_power(self) -> None:
        machine = self._machine()
        wait_for, stops = self._awaited(machine), self.desired.state == "stopped"
        if stops or machine.has_ended:
            self._stop(machine)
            machine = self._machine()
        if stops:
            return
        if (self.desired.wants_running or self.was_running) and machine.power != ON:
            self._power_on(machine, wait_for if self.desired.wait else None)
        elif self.desired.wants_running and (self.desired.wait or machine.waits_for_files):
            self._await(machine, wait_for)

    def _await(self, machine: Machine, wait_for: str) -> None:
        """Wait for a container whose VM is on but which may not be running yet."""
        reached = machine.health if wait_for == "healthy" else guest_state(machine)
        if reached != wait_for:
            timeout, health = self.desired.wait_timeout, self.desired.healthy_wait_timeout
            files = self._files(machine)
            self._do(AwaitStatus(self.desired.name, machine, wait_for, timeout, files, healthy_wait_timeout=health))

    def _replace_files(self) -> None:
        """Give a container that runs the contents of its files that it lacks."""
        machine, config = self._machine(), self.desired.config
        files = self._files(machine)
        if files is None or config is None or not machine.lacks_contents:
            return
        options = tuple(name for name in FILE_OPTIONS if config.values[name])
        self._do(ReplaceFiles(self.desired.name, machine, files, self.desired.wait_timeout, options))

    def _stop_without_contents(self) -> None:
        """Stop a container that could not get contents of its files while it runs: it gets them at its start."""
        if self._machine().contents_failed and self._files(self._machine()) is not None:
            self._stop(self._machine(), causes=FILE_OPTIONS)

    def _files(self, machine: Machine) -> FilesToDeliver | None:
        delivery, key = target_delivery(self.desired), self.desired.guest_key
        if delivery is None or key is None:
            return None
        return FilesToDeliver(delivery, key, machine.container_id or "")

    def _suspend(self) -> None:
        machine = self._machine()
        if machine.power == SUSPENDED:
            return
        if not machine.is_up:
            raise GantryError(
                f"Container {self.desired.name} is not running, and only a running container can be suspended. Start "
                "it with state: started first."
            )
        self._do(Suspend(self.desired.name, machine))

    def _stop_for_restart(self) -> None:
        """Stop a running container that the task restarts. What it changes is then changed while it is off."""
        if self.desired.restart and self._machine().running:
            self._stop(self._machine(), causes=("restart",))

    def _stop(self, machine: Machine, *, records: bool = True, causes: tuple[str, ...] = ()) -> None:
        if machine.power != OFF:
            timeout = self.desired.stop_timeout
            if timeout is None:
                timeout = int(((machine.document or {}).get("stop") or {}).get("timeout", DEFAULT_STOP_TIMEOUT))
            force = self.desired.force_kill
            again = self._starts_again and machine.power == ON
            stop = Stop(self.desired.name, machine, timeout, force=force, records=records, starts_again=again)
            self._do(replace(stop, causes=causes))

    def _detach(self, machine: Machine, ids: tuple[str, ...]) -> None:
        self._do(detachment(self.desired.name, machine, ids, self.seen.place))

    def _destroy(self, machine: Machine, successor: Machine | None = None) -> None:
        if not machine.ours:
            raise ValueError("only container VMs of this collection are removed")
        if machine.power != OFF:
            self._stop(machine, records=False)
            machine = self._again(machine)
        if machine.volumes:
            # A volume is never removed with a VM.
            self._detach(machine, tuple(one.id for one in machine.volumes))
            machine = self._again(machine)
        self._do(Destroy(self.desired.name, machine, successor))
