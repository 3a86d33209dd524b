# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Query vCenter about moves: the host that DRS recommends, and the results of CheckRelocate. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import Blocker
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import PlacementView, VmFacts
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError, fault_kind, fault_text
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, moid_or_none
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job, TaskLimits

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

# The code for each fault of vCenter's compatibility checks; any other fault is "incompatible".
_CODES = {
    "CannotAccessLocalSource": "datastore_not_shared",
    "CannotAccessNetwork": "network_missing",
    "CannotAccessVmConfig": "datastore_not_shared",
    "CannotAccessVmDisk": "datastore_not_shared",
    "CannotAccessVmNetwork": "network_missing",
    "CpuIncompatible": "evc",
    "DestinationSwitchFull": "network_missing",
    "FeatureRequirementsNotMet": "evc",
    "HostNotConnected": "host_disconnected",
    "HostNotReachable": "host_disconnected",
    "InsufficientCpuResourcesFault": "capacity",
    "InsufficientFailoverResourcesFault": "capacity",
    "InsufficientHostCapacityFault": "capacity",
    "InsufficientMemoryResourcesFault": "capacity",
    "InsufficientResourcesFault": "capacity",
    "InsufficientStorageSpace": "capacity",
    "InvalidHostConnectionState": "host_disconnected",
    "InvalidDatastore": "datastore_not_shared",
    "InvalidHostState": "host_maintenance",
    "NoDiskSpace": "capacity",
    "VmHostAffinityRuleViolation": "mandatory_rule",
    "VmHostMustRuleViolation": "mandatory_rule",
}
# Faults of devices, for which one of these codes has a more specific message.
_DEVICE_FAULTS = frozenset(
    {"CannotAccessVmDevice", "DeviceBackingNotSupported", "DeviceNotSupported", "RemoteDeviceNotSupported"}
)
_DEVICE_CODES = frozenset({"bootstrap_not_shared", "cd_attached", "serial_connected", "passthrough"})
_REMEDIES = {
    "capacity": "Free resources there, or choose another destination.",
    "datastore_not_shared": "Give a datastore that the host sees, or choose another host.",
    "evc": "Power it off and move it cold, or raise the cluster's EVC mode.",
    "host_maintenance": "Let the host leave maintenance mode, or choose another.",
    "host_disconnected": "Connect the host to vCenter again, or choose another.",
    "incompatible": "Fix what vCenter reports, or choose another destination.",
    "mandatory_rule": "Choose a host that the rule allows, or make the rule a preference (a should rule).",
    "network_missing": "Create the port group on the host, or map the network to one that it has with network_mapping.",
}


@dataclass(frozen=True)
class CheckAnswer:
    """One blocker that vCenter reports; ``kind`` is the fault's type."""

    kind: str
    blocker: Blocker


def place(
    session: Session, vm: VmFacts, after: VmFacts, cluster: str, wanted: Any, view: PlacementView
) -> str | Blocker:
    """Return the host that DRS recommends, or a blocker with the reason if there is none.

    ``wanted`` is the PlacementSpec, and ``after`` is the VM after the move.
    """
    try:
        result = session.ref("ClusterComputeResource", cluster).PlaceVm(wanted)
    except FaultError as error:
        return _blocker(vm, None, error.cause)
    host, others = recommended_host(result, after)
    if host is not None:
        return host
    if others:
        stores = listed(sorted(view.datastore_name(moid) for moid in others))
        return Blocker(
            vm.path,
            "not_enough_hosts",
            f"DRS recommends a host only for other datastores than those of the move: {stores}.",
            "Give a host, or move the VM to what DRS recommends with datastore.",
        )
    faults = [
        fault for one in getattr(result.drsFault, "faultsByVm", None) or () for fault in one.fault or ()
    ] if result.drsFault else []  # fmt: skip
    why = "; ".join(f"{fault_kind(fault)}: {fault_text(fault)}" for fault in faults) or "no reason given"
    return Blocker(
        vm.path,
        "not_enough_hosts",
        f"DRS recommends no host ({why}).",
        "Give a host, or free resources in the cluster.",
    )


def recommended_host(result: Any, after: VmFacts) -> tuple[str | None, frozenset[str]]:
    """Return the first recommended host for the VM's datastores, and the other datastores of the recommendations."""
    others: frozenset[str] = frozenset()
    for recommendation in result.recommendations or ():
        for action in recommendation.action or ():
            host = getattr(action, "targetHost", None)
            if host is None:
                continue
            different = _other_datastores(action.relocateSpec, after)
            if not different:
                return moid_of(host), frozenset()
            others |= different
    return None, others


def _other_datastores(recommended: Any, after: VmFacts) -> frozenset[str]:
    """Return the recommended datastores where the VM's files will not be; a recommendation need not name any."""
    if recommended is None:
        return frozenset()
    disks = {disk.key: disk.datastore for disk in after.disks}
    pairs = [(moid_of(one.datastore), disks.get(one.diskId)) for one in recommended.disk or ()]
    if recommended.datastore is not None and after.home is not None:
        pairs.append((moid_of(recommended.datastore), after.home))
    return frozenset(recommendation for recommendation, goal in pairs if recommendation != goal)


def check(
    session: Session, checks: Sequence[tuple[VmFacts, Any]], view: PlacementView, report: Callable[[str], None]
) -> tuple[dict[str, list[CheckAnswer]], dict[str, list[str]]]:
    """Return the results of vCenter's provisioning checker: blockers and warnings, by the VM's MoID."""
    checker = session.content.vmProvisioningChecker

    def starter(vm: VmFacts, spec: Any) -> Callable[[], Any]:
        return lambda: checker.CheckRelocate_Task(vm=session.ref("VirtualMachine", vm.moid), spec=spec)

    jobs = [Job(vm.name, "check the move of", starter(vm, spec), mutates=False) for vm, spec in checks]
    answers: dict[str, list[CheckAnswer]] = {}
    warnings: dict[str, list[str]] = {}
    for (vm, _spec), outcome in zip(checks, session.run(jobs, report, limits=TaskLimits()), strict=True):
        if isinstance(outcome.error, FaultError):
            answers[vm.moid] = [CheckAnswer(outcome.error.kind, _blocker(vm, None, outcome.error.cause))]
            continue
        if outcome.error is not None:
            raise GantryError(
                f"Checking with vCenter whether {vm.path} can move failed: {outcome.error.message} "
                "Nothing has been moved. Set precheck to skip to move without this check."
            )
        for result in outcome.result or ():
            host = view.host_name(moid_or_none(result.host))
            answers.setdefault(vm.moid, []).extend(
                CheckAnswer(fault_kind(fault), _blocker(vm, host, fault)) for fault in result.error or ()
            )
            warnings.setdefault(vm.moid, []).extend(fault_text(fault) for fault in result.warning or ())
    return answers, warnings


def _blocker(vm: VmFacts, host: str | None, fault: Any) -> Blocker:
    kind = fault_kind(fault)
    code = _CODES.get(kind, "incompatible")
    return Blocker(vm.path, code, f"vCenter reports {kind}: {fault_text(fault)}", _REMEDIES[code], host)


def beyond(ours: Sequence[Blocker], theirs: Sequence[CheckAnswer]) -> list[Blocker]:
    """Return the blockers from vCenter that the collection's own checks have not already reported."""
    known = {blocker.code for blocker in ours}
    found: dict[str, Blocker] = {}
    for answer in theirs:
        reported = answer.blocker.code in known or (answer.kind in _DEVICE_FAULTS and known & _DEVICE_CODES)
        if not reported:
            found.setdefault(answer.blocker.message, answer.blocker)
    return list(found.values())
