# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create, change or remove a port group on its switch or its hosts, and verify what it is then."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch_result import (
    DONE,
    FAILED,
    SubjectResult,
    raise_failures,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.changes import (
    ChangePortGroup,
    MakePortGroup,
    PortGroupChange,
    RemovePortGroup,
    SetSwitchMtu,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.encode import (
    encode_distributed,
    encode_new_distributed,
    encode_standard,
    encode_switch_mtu,
    encode_virtual_switch,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.model import (
    DesiredPortGroup,
    ObservedPortGroup,
    PortGroupPlace,
    refuse_users,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.observe import observe_port_group
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import encode_name
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def apply_port_group(
    session: Session,
    desired: DesiredPortGroup,
    observed: ObservedPortGroup,
    plan: Plan[PortGroupChange],
    report: Report,
) -> ObservedPortGroup:
    """Make the changes, on many hosts at a time, and return the port group as it is then."""
    if not desired.present:
        # Something may have been connected to it since the plan was made.
        refuse_users(desired.name, observe_port_group(session, desired).users)
    by_place = [(place, [change for change in plan.changes if change.where == place.path]) for place in observed.places]
    if desired.distributed:
        for place, changes in by_place:
            for job in _distributed_jobs(session, observed, place, changes):
                session.run_one(job, report)
    else:
        _run_on_hosts(
            session, [_host_job(session, observed, place, changes) for place, changes in by_place if changes], report
        )
    session.forget_inventory()
    return _verified(desired, observed, plan, observe_port_group(session, desired))


def _distributed_jobs(
    session: Session, observed: ObservedPortGroup, place: PortGroupPlace, changes: Sequence[PortGroupChange]
) -> list[Job]:
    """Return the jobs in their order. Each reads what it changes, so that changes of others are not undone."""
    switch = session.ref("DistributedVirtualSwitch", place.moid)

    def group() -> Any:
        return session.ref("DistributedVirtualPortgroup", str(observed.moid))

    def set_mtu(mtu: int) -> Any:
        return switch.ReconfigureDvs_Task(encode_switch_mtu(mtu, _config(session, switch, place.path).configVersion))

    def make(change: MakePortGroup) -> Any:
        defaults = _config(session, switch, place.path).defaultPortConfig
        spec = encode_new_distributed(encode_name(change.name), change.given, change.values, defaults)
        return switch.AddDVPortgroup_Task([spec])

    def write(values: dict[str, Any]) -> Any:
        spec = encode_distributed(values, _config(session, group(), observed.name))
        return group().ReconfigureDVPortgroup_Task(spec)

    jobs = []
    for kind, alike in groupby(changes, type):
        ones = list(alike)
        match ones[0]:
            case SetSwitchMtu() as change:
                jobs.append(Job(place.path, "set the MTU of", partial(set_mtu, change.new)))
            case MakePortGroup() as change:
                jobs.append(Job(change.name, "create", partial(make, change)))
            case ChangePortGroup():
                jobs.append(Job(observed.name, "change", partial(write, _changed(ones))))
            case RemovePortGroup():
                jobs.append(Job(observed.name, "remove", group().Destroy_Task))
            case _:
                raise TypeError(f"a port group has no change of type {kind}")
    return jobs


def _config(session: Session, ref: Any, what: str) -> Any:
    rows = session.read([ref], ["config"])
    if not rows:
        raise GantryError(f"{what} was removed while this task changed it. Run again.")
    return rows[0]["config"]


def _host_job(
    session: Session, observed: ObservedPortGroup, place: PortGroupPlace, changes: Sequence[PortGroupChange]
) -> Job:
    """Return the job that makes all changes of one host."""
    name, switch = observed.name, observed.switch
    system = session.ref("HostNetworkSystem", place.moid)

    def start() -> None:
        for change in changes:
            match change:
                case SetSwitchMtu():
                    current = _named(session, system, "vswitch", switch, place)
                    system.UpdateVirtualSwitch(switch, encode_virtual_switch(current.spec, change.new))
                case MakePortGroup():
                    system.AddPortGroup(encode_standard(name, switch, change.given))
                case RemovePortGroup():
                    system.RemovePortGroup(name)
        values = _changed(changes)
        if values:
            current = _named(session, system, "portgroup", name, place)
            system.UpdatePortGroup(name, encode_standard(name, switch, values, current.spec))

    return Job(place.path, f"change {name} on", start, has_task=False)


def _named(session: Session, system: Any, kind: str, name: str, place: PortGroupPlace) -> Any:
    """Return a host's virtual switch or port group as it is now: it is written as a whole."""
    property_path = f"networkInfo.{kind}"
    rows = session.read([system], [property_path])
    for one in rows[0].get(property_path) or () if rows else ():
        if name == (one.name if kind == "vswitch" else one.spec.name):
            return one
    raise GantryError(f"{name} was removed from {place.path} while this task changed it. Run again.")


def _changed(changes: Sequence[PortGroupChange]) -> dict[str, Any]:
    return {change.option: change.new for change in changes if isinstance(change, ChangePortGroup)}


def _run_on_hosts(session: Session, jobs: Sequence[Job], report: Report) -> None:
    outcomes = session.run(jobs, report)
    results = [
        SubjectResult(outcome.job.subject, DONE if outcome.error is None else FAILED, error=outcome.error)
        for outcome in outcomes
    ]
    raise_failures(results, "hosts")


def _verified(
    desired: DesiredPortGroup, observed: ObservedPortGroup, plan: Plan[PortGroupChange], now: ObservedPortGroup
) -> ObservedPortGroup:
    """Return the port group as vCenter has it; what was written must be there."""
    if not desired.present:
        return plan.project(observed)
    for place in now.places:
        found = {} if place.group is None else place.group.values
        differing = {key: value for key, value in desired.values.items() if found.get(key) != value}
        if place.group is None or differing or desired.mtu not in (None, place.mtu):
            raise GantryError(
                f"vCenter accepted the changes of {desired.name} on {place.path}, but these values still differ: "
                f"{', '.join(differing) or 'mtu'}. Somebody else changed it at the same time, or this version of "
                "vSphere does not know them. Run again."
            )
    return now
