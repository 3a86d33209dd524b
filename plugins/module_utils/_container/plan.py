# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan the changes between desired and observed state. Pure, so that properties of it can be tested.

Whatever can be changed in place is, with a stop and a start if it only takes effect at the next start: the VM keeps
its identity (rules, permissions, MACs) and its writable layer. A new image or another size of the scratch disk
requires a new VM: the successor is created first, and only when it exists is the old VM stopped and removed and the
successor put in its place. Each state in between is one that the next run recognizes and continues from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import AssignedAddress
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError, raise_all
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import (
    Clone,
    ContainerChange,
    MoveFolder,
    MovePool,
    Promote,
    Reconfigure,
    RehomeTemplate,
    Relocate,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_replacement import (
    Discard,
    Drain,
    Reinstate,
    Retire,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_view import differing_views
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_volumes import AttachVolume
from ansible_collections.gantry.vsphere.plugins.module_utils._container.drift import (
    in_other_cluster,
    in_other_datastore,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    OFF,
    ON,
    SUSPENDED,
    ContainerPlace,
    DesiredContainer,
    Image,
    Machine,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_config import (
    Config,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import COMPLETED, DRIFT_RELOCATE
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan_admission import admission_problems
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan_checks import (
    entry_name,
    is_usable,
    refuse_firmware,
    refuse_foreign,
    same_entry,
    start_first_obstacle,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan_names import plan_names
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan_power import PowerPlanner
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan_volumes import (
    attachments,
    reattachments,
    refuse_held_volumes,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target import (
    BOOT,
    LIVE,
    OFFLINE,
    differing,
    for_successor,
    new_machine,
    repaired_machine,
    replace_causes,
    replace_reason,
    restart_aspects,
    restart_causes,
    target_machine,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target_comparisons import compared
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target_volumes import (
    missing_volumes,
    surplus_volumes,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.keys import SUCCESSOR_SUFFIX


def plan_containers(pairs: Sequence[tuple[DesiredContainer, ObservedContainer]]) -> Plan[ContainerChange]:
    """Return the plan for any number of containers."""
    each = [(observed, plan_container(desired, observed)) for desired, observed in pairs]
    raise_all(list(admission_problems(each)))
    planned, updates = plan_names(each)
    made = [change for changes in planned for change in changes]
    return Plan((*template_moves(made), *made, *updates))


def template_moves(planned: Iterable[ContainerChange]) -> list[RehomeTemplate]:
    """Return the move of each template that is to be cloned and cannot be where it is: once for all containers."""
    images = [change.image for change in planned if isinstance(change, Clone)]
    moves = {image.rehoming.moid: image.rehoming for image in images if image.rehoming is not None}
    return [RehomeTemplate(rehoming.name, rehoming) for rehoming in moves.values()]


def plan_container(desired: DesiredContainer, observed: ObservedContainer) -> tuple[ContainerChange, ...]:
    """Return the changes for one container, in their order."""
    refuse_foreign(observed)
    desired = compared(desired, observed)
    if desired.state == COMPLETED and observed.machine is not None and observed.machine.has_completed:
        changes = _planned(replace(desired, state="present"), observed)
        if not desired.restart and not any(map(_changes_the_run, changes)):
            return changes
    return _planned(desired, observed)


def _changes_the_run(change: ContainerChange) -> bool:
    """Return whether a container runs something else after a change."""
    if isinstance(change, Reconfigure):
        return change.machine.document != change.target.document
    return isinstance(change, Clone | Promote | AttachVolume)


def _planned(desired: DesiredContainer, observed: ObservedContainer) -> tuple[ContainerChange, ...]:
    planner = _Planner(desired, observed)
    if desired.state == "absent":
        planner.remove()
    elif desired.config is None:
        planner.set_state()
    else:
        planner.converge(desired.config)
    return tuple(planner.changes)


class _Planner(PowerPlanner):
    """Plans the state and the configuration of one container."""

    def remove(self) -> None:
        if self.seen.machine is not None:
            self._drained(self.seen.machine)
        for machine in self.seen.machines:
            self._destroy(machine)

    def set_state(self) -> None:
        """Plan the power state of an existing container, without a configuration."""
        self._adopt_lone_successor()
        if self.seen.machine is None:
            raise GantryError(
                f"There is no container {self.desired.name} whose state could be managed. Give image to create it."
            )
        self._discard_successors()
        if self.desired.state == "suspended":
            self._suspend()
            return
        self.was_running = self._machine().should_run
        resumes = self._machine().power == SUSPENDED
        if self.desired.wants_running:
            self._stop_for_restart()
            self._reattach()
            self._repair()
        else:
            if self._starts_again and self._machine().power == OFF:
                self._reattach()
            self._converge_to(self._with_start)
        self._set_power()
        if resumes and self._machine().running:
            # A suspended VM cannot be reconfigured.
            self._repair()

    def converge(self, config: Config) -> None:
        image, place = self.seen.image, self.seen.place
        if image is None or place is None:
            raise ValueError("a configuration is planned without its image and place")
        refuse_firmware(config, image)
        refuse_held_volumes(self.seen, place)
        self._adopt_lone_successor()
        self._settle_predecessors()
        machine = self.seen.machine
        self.was_running = machine is not None and machine.should_run
        reason = "" if machine is None else replace_reason(self.desired, config, machine, image.digest)
        if machine is not None and reason and self._is_undone(config, machine, image, place):
            self._take_back(config, machine, reason)
            machine, reason = self._machine(), ""
            # The update has stopped it, and owes it a start.
            self.was_running = self.was_running or machine.should_run
        if machine is None:
            self._do(self._clone(config, self.desired.name, image, place, starts=self.desired.wants_running))
            self._attach(place)
        elif reason:
            self._replace(config, machine, image, place, reason)
            self._attach(place)
        else:
            self._discard_successors()
            self._move(place)
            if self.desired.state == "stopped":
                # Not every repair is possible while the VM is on.
                self._stop(self._machine())
            self._stop_for_restart()
            self._stop_without_contents()
            self._reconfigure(config, image, place)
        resumes = self._machine().power == SUSPENDED
        self._set_power()
        if resumes and self._machine().running:
            self._reconfigure(config, image, place)
        self._replace_files()
        self._discard_predecessors()

    def _adopt_lone_successor(self) -> None:
        """Continue a run that was killed before the VM that is to have the container's name had it."""
        if self.seen.machine is None and self.seen.successors:
            self._do(Promote(self.desired.name, self.seen.successors[0]))
        elif self.seen.machine is None and self.seen.predecessors:
            self._do(Reinstate(self.desired.name, self.seen.predecessors[0]))

    def _discard_successors(self) -> None:
        """Remove the successors of a run that was killed before it removed the old VM, if they are not needed."""
        for successor in self.seen.successors:
            self._destroy(successor)

    def _clone(
        self, config: Config, name: str, image: Image, place: ContainerPlace, *, reason: str = "", starts: bool
    ) -> Clone:
        if place.folder is None or place.pool is None or place.datastore is None or place.bootstrap is None:
            raise ValueError("a clone is planned without a complete place")
        target = new_machine(self.desired, config, name, image, place)
        target = replace(target, start_pending=self._starts_again)
        return Clone(
            self.desired.name,
            target=target,
            image=image,
            place=place,
            reason=reason,
            starts=starts,
            guest_key=self.desired.guest_key if self.desired.guest_operations else None,
        )

    def _replace(self, config: Config, machine: Machine, image: Image, place: ContainerPlace, reason: str) -> None:
        self.desired = for_successor(self.desired, machine)
        obstacle = start_first_obstacle(machine, config, place)
        starts_first = self.desired.replacement.starts_first and machine.is_up and not obstacle
        if self.desired.replacement.starts_first and machine.is_up:
            reason = f"{reason}; start-first" if starts_first else f"{reason}; stop-first, because {obstacle}"
        self._prepare_successor(config, machine, image, place, reason)
        causes = replace_causes(config, machine, reason.partition(";")[0])
        if self.desired.replacement.retires and machine.ours and not self.seen.predecessors:
            self._retire(machine, causes, starts_first=starts_first)
            return
        # A VM of an update that is not over is not kept: the one from before the update is.
        if starts_first:
            self._power_on(self.seen.successors[0], self._awaited(self.seen.successors[0]))
        self._destroy(self._drained(machine), self.seen.successors[0])
        self._do(Promote(self.desired.name, self.seen.successors[0], causes))

    def _is_undone(self, config: Config, machine: Machine, image: Image, place: ContainerPlace) -> bool:
        """Return whether an update that is not over has replaced the VM that is wanted by this one, and kept it."""
        if not self.seen.predecessors or not machine.ours:
            return False
        starts_first = self.desired.replacement.starts_first and machine.is_up
        if starts_first and not start_first_obstacle(machine, config, place):
            return False
        return not replace_reason(self.desired, config, self.seen.predecessors[0], image.digest)

    def _take_back(self, config: Config, machine: Machine, reason: str) -> None:
        """Remove the VM of the update, and give its place to the one that it has replaced."""
        self._discard_successors()
        self._destroy(self._drained(machine), self.seen.predecessors[0])
        causes = replace_causes(config, machine, reason)
        self._do(Reinstate(self.desired.name, self.seen.predecessors[0], causes))

    def _prepare_successor(
        self, config: Config, machine: Machine, image: Image, place: ContainerPlace, reason: str
    ) -> None:
        """Create the VM that replaces the machine, or use the one that an interrupted run has created."""
        usable = [one for one in self.seen.successors if is_usable(one, config, image, place)]
        for successor in self.seen.successors:
            if successor not in usable[:1]:
                self._destroy(successor)
        if usable:
            target = replace(self._target(usable[0], config, image, place), start_pending=self._starts_again)
            if differing(usable[0], target, OFFLINE + LIVE):
                self._do(Reconfigure(self.desired.name, usable[0], target, place.claims))
        else:
            name = self.desired.name + SUCCESSOR_SUFFIX
            starts = self.desired.wants_running or self.was_running
            self._do(self._clone(config, name, image, place, reason=reason, starts=starts))

    def _retire(self, machine: Machine, causes: tuple[str, ...], *, starts_first: bool) -> None:
        """Let the successor take the machine's place, which is kept until the end of the plan or of the update."""
        policy = self.desired.replacement
        if starts_first:
            successor = self.seen.successors[0]
            self._power_on(successor, self._awaited(successor))
        self._do(Retire(self.desired.name, machine, self.seen.successors[0]))
        if starts_first:
            self._do(Promote(self.desired.name, self.seen.successors[0], causes))
        if policy.drain and machine.is_up:
            self._do(Drain(self.desired.name, self.seen.predecessors[0], policy.drain))
        self._settle_predecessors()
        if not starts_first:
            self._do(Promote(self.desired.name, self.seen.successors[0], causes))

    def _settle_predecessors(self) -> None:
        """Stop the VMs that were replaced, and take their volumes from them."""
        for one in self.seen.predecessors:
            self._stop(one, records=False)
            volumes = tuple(volume.id for volume in one.volumes)
            if volumes:
                self._detach(self._again(one), volumes)

    def _discard_predecessors(self) -> None:
        for one in self.seen.predecessors:
            self._do(Discard(self.desired.name, one))

    def _move(self, place: ContainerPlace) -> None:
        """Move the VM to the folder, pool and datastore of the task, unless that requires another cluster."""
        machine = self._machine()
        relocates = self.desired.placement.drift == DRIFT_RELOCATE
        if relocates and in_other_cluster(machine, place):
            raise GantryError(
                f"Container {self.desired.name} is in cluster {entry_name(machine.cluster)}, while cluster is "
                f"{entry_name(place.cluster)}. placement_drift: relocate does not move a container between clusters. "
                f"Move it with vm_vmotion, or set cluster: {entry_name(machine.cluster)}."
            )
        if place.folder is not None and not same_entry(machine.folder, place.folder):
            self._do(MoveFolder(self.desired.name, machine, place.folder))
        machine = self._machine()
        if place.pool is not None and not in_other_cluster(machine, place) and not same_entry(machine.pool, place.pool):
            self._do(MovePool(self.desired.name, machine, place.pool))
        machine = self._machine()
        if relocates and place.datastore is not None and in_other_datastore(machine, place):
            shares_image = place.datastore.moid in self.seen.image_datastores
            self._do(Relocate(self.desired.name, machine, place.datastore, shares_image))

    def _target(self, machine: Machine, config: Config, image: Image, place: ContainerPlace) -> Machine:
        target = self._with_start(target_machine(self.desired, config, machine, image, place))
        return repaired_machine(target, firmware=image.firmware, spare_bootstrap=self.seen.spare_bootstrap)

    def _reconfigure(self, config: Config, image: Image, place: ContainerPlace) -> None:
        machine = self._machine()
        surplus = surplus_volumes(machine, place)
        if surplus or missing_volumes(machine, place):
            # A guest mounts its volumes only when it starts.
            self._stop(machine, causes=("volumes",))
        if surplus:
            self._detach(self._machine(), surplus)
        self._converge_to(lambda machine: self._target(machine, config, image, place), place.claims)
        self._attach(place)

    def _attach(self, place: ContainerPlace) -> None:
        """Attach the volumes that the VM lacks."""
        for volume, unit in attachments(self._machine(), place):
            self._do(AttachVolume(self.desired.name, self._machine(), volume, unit))

    def _reattach(self) -> None:
        """Attach the volumes again that were detached from the VM, which mounts them only when it starts."""
        lost = reattachments(self.desired.name, self.seen, self._machine())
        if lost:
            self._stop(self._machine(), causes=("volumes",))
        for volume, unit in lost:
            self._do(AttachVolume(self.desired.name, self._machine(), volume, unit))

    def _repair(self) -> None:
        """Plan the repair of what the VM needs to start, without a configuration."""
        spare = self.seen.spare_bootstrap
        self._converge_to(
            lambda machine: repaired_machine(self._with_start(machine), firmware=None, spare_bootstrap=spare)
        )

    def _converge_to(self, target_of: Callable[[Machine], Machine], claims: tuple[AssignedAddress, ...] = ()) -> None:
        """Change the VM to its target, with a stop and a start if required."""
        machine = self._machine()
        target = target_of(machine)
        if self._needs_stop(machine, target, target_of):
            self._stop(machine, causes=restart_causes(machine, target, differing_views(machine, target)[1]))
            machine = self._machine()
            target = target_of(machine)
        if differing(machine, target, OFFLINE + LIVE):
            self._do(Reconfigure(self.desired.name, machine, target, claims))

    def _needs_stop(self, machine: Machine, target: Machine, target_of: Callable[[Machine], Machine]) -> bool:
        offline = set(restart_aspects(machine, target))
        if self.desired.placement.bootstrap is None:
            # An ISO is reinserted into the drive while the container runs.
            offline.discard("bootstrap")
        if offline or machine.power != ON or machine.has_reported:
            return bool(offline)
        # The VM is on and its guest has not reported: if its boot media is missing, the VM has to be restarted.
        return bool(differing(machine, target_of(replace(machine, power=OFF)), BOOT))
