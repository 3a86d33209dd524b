# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One session with one vCenter, through which every operation reads and changes it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter import (
    collector,
    disk_export,
    guest_files,
    transfer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.api_versions import is_at_least
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.collector import Row
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import SoapAdapter, require_pyvmomi, vim
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session_cache import CachedSession, CookieCache
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.settings import ConnectionSettings
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.task_runner import TaskRunner
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import (
    DEFAULT_TIMEOUT,
    Job,
    JobOutcome,
    TaskLimits,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.updates import Updates

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.stub import Stub

Report = Callable[[str], None]

# Logout timeout for an unresponsive vCenter.
_LOGOUT_SECONDS = 5.0
# The maximum duration of one wait for tasks, which must be shorter than the time-out of the request.
_WAIT_SECONDS = 20
# The maximum age of an inventory by which a task may find nothing to do. A loop reads it once, not for each item.
_KEPT_SECONDS = 5.0


class Session:
    """A session that logs in at the first use, and once again if vCenter has ended the session."""

    def __init__(self, settings: ConnectionSettings, cookies: CookieCache | None = None) -> None:
        require_pyvmomi()
        from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.stub import Stub

        self.settings = settings
        self.stub: Stub = Stub(settings, self._login_again)
        self.warnings: list[str] = []
        self.submitted: list[dict[str, str]] = []
        self._cookies = cookies
        self._cached = False
        self._content: Any = None
        self._inventory: Inventory | None = None
        self._read_at = 0  # the number of changes made when it was read
        self._read_time = 0.0
        self._read_before = False  # whether an earlier task has read it
        self._uses_earlier_inventory = False
        self._changes_before = 0  # the number of changes made before this task
        self._lock = threading.Lock()

    # -- the session itself

    @property
    def content(self) -> Any:
        """Return the ServiceInstanceContent; the first use logs in."""
        if self._content is None:
            with self._lock:
                self._begin()
        return self._content

    def speaks(self, api_version: str) -> bool:
        """Return whether both pyVmomi and vCenter know what is new in this API version."""
        self.content  # noqa: B018 - logs in, which negotiates the version
        return is_at_least(self.stub.version, api_version)

    @property
    def cached(self) -> bool:
        """Return whether the session outlives this process because its cookie is kept on disk."""
        return self._cached

    @property
    def has_changed(self) -> bool:
        """Return whether this task may have changed anything in vCenter."""
        return self.stub.changes > self._changes_before

    def begin_task(self) -> None:
        """Discard the state of the previous task, except an inventory that was read just before."""
        self.warnings = []
        self.submitted = []
        if time.monotonic() - self._read_time > _KEPT_SECONDS:
            self._inventory = None
        self._read_before = True
        self._uses_earlier_inventory = False
        self._changes_before = self.stub.changes
        self.stub.lost = False

    @property
    def uses_earlier_inventory(self) -> bool:
        """Return whether this task uses an earlier task's inventory, which is sufficient only for an empty plan."""
        return self._uses_earlier_inventory

    def forget_inventory(self) -> None:
        """Discard the inventory that was read before."""
        self._inventory = None
        self._uses_earlier_inventory = False

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def close(self) -> None:
        """Log out, unless the session is kept for the next task."""
        if self._content is not None and not self._cached:
            if self.stub.lost:
                self.stub.hurry(_LOGOUT_SECONDS)
            # The task has succeeded or failed with its own error, and vCenter ends idle sessions by itself.
            with contextlib.suppress(GantryError):
                self._content.sessionManager.Logout()
        self._content = None
        self.stub.DropConnections()

    def _begin(self) -> None:
        if self._content is None and not self._resume():
            self._login()

    def _resume(self) -> bool:
        cached = None if self._cookies is None else self._cookies.load(self.settings)
        if cached is None:
            return False
        self.stub.use_version(cached.api_version)
        self._content = SoapAdapter.Deserialize(cached.content, vim.ServiceInstanceContent, self.stub)
        self.stub.resume(cached.cookie)
        self._cached = True
        return True

    def _login(self) -> None:
        self.stub.login(self._retrieve_content_and_login)
        if self._cookies is not None:
            self._cached = self._cookies.store(
                self.settings,
                CachedSession(
                    cookie=self.stub.cookie,
                    api_version=self._content.about.apiVersion,
                    content=SoapAdapter.SerializeToStr(self._content, version=self.stub.version),
                ),
            )

    def _retrieve_content_and_login(self) -> None:
        content = self._retrieve_content()
        about = getattr(content, "about", None)
        if about is None:
            raise GantryError(
                f"{self.settings.address} does not look like a vCenter: it does not describe itself as one. "
                "Check hostname and port."
            )
        if about.apiType != "VirtualCenter":
            raise GantryError(
                f"{self.settings.address} is {about.fullName}, not a vCenter. Give the vCenter that manages it."
            )
        self.stub.use_version(about.apiVersion)
        try:
            content.sessionManager.Login(self.settings.username, self.settings.password)
        except FaultError as error:
            if error.kind == "InvalidLogin":
                raise GantryError(
                    f"vCenter {self.settings.address} does not accept user {self.settings.username!r} with this "
                    "password. Check username (it usually has a domain, as administrator@vsphere.local) and password.",
                    fault=error.fault,
                ) from error
            raise
        self._content = content

    def _retrieve_content(self) -> Any:
        """Return vCenter's description of itself, by an API version that it accepts."""
        instance = vim.ServiceInstance("ServiceInstance", self.stub)
        try:
            return instance.RetrieveContent()
        except FaultError:
            # A version that is not accepted is answered by a fault without a type.
            if not self.stub.negotiate():
                raise
        return instance.RetrieveContent()

    def _login_again(self, generation: int) -> None:
        with self._lock:
            if self.stub.generation != generation:
                return  # another thread has already logged in
            if self._cached and self._cookies is not None:
                self._cookies.discard(self.settings, self.stub.cookie)
                self._cached = False
            self._login()

    def companion_stub(self, make: Callable[[ConnectionSettings, Stub, Callable[[int], None]], Stub]) -> Stub:
        """Return the stub of a service beside the vCenter that takes its sessions."""
        return make(self.settings, self.stub, self._login_again)

    # -- reading

    def ref(self, type_name: str, moid: str) -> Any:
        """Return the managed object with this MoID. Makes no request, so it may not exist."""
        self.content  # noqa: B018 - logs in, so that the object is usable
        return getattr(vim, type_name)(moid, self.stub)

    def inventory(
        self,
        *,
        vms: bool = False,
        properties: Mapping[str, Sequence[str]] | None = None,
        refresh: bool = False,
    ) -> Inventory:
        """Return all objects with name, parent and the requested properties by type; read again after own changes."""
        wanted = {name: frozenset(paths) for name, paths in (properties or {}).items()}
        known = self._inventory
        if known is None or refresh or self._read_at != self.stub.changes or not known.covers(vms, wanted):
            if known is not None:
                vms = vms or known.vms_included
                wanted = {
                    name: wanted.get(name, frozenset()) | known.properties.get(name, frozenset())
                    for name in wanted.keys() | known.properties.keys()
                }
            self._read_at, self._read_time, self._read_before = self.stub.changes, time.monotonic(), False
            self._inventory = known = Inventory.read(self.content, vms=vms, properties=wanted)
        self._uses_earlier_inventory = self._uses_earlier_inventory or self._read_before
        return known

    def read(self, objects: Sequence[Any], properties: Sequence[str] | Mapping[str, Sequence[str]]) -> list[Row]:
        return collector.read_objects(self.content.propertyCollector, objects, properties)

    def read_all(self, type_name: str, properties: Sequence[str], *, root: Any = None) -> list[Row]:
        return collector.read_type(self.content, getattr(vim, type_name), properties, root)

    # -- changing

    def run(
        self,
        jobs: Sequence[Job],
        report: Report,
        *,
        limits: TaskLimits | None = None,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> list[JobOutcome]:
        """Run the jobs in parallel within the limits. A job's failure is in its outcome and is not raised."""
        with self.tasks(report, limits=limits, timeout=timeout, single=len(jobs) == 1) as runner:
            return runner.run(jobs)

    @contextlib.contextmanager
    def tasks(
        self, report: Report, *, limits: TaskLimits | None = None, timeout: float | None = None, single: bool = False
    ) -> Iterator[TaskRunner]:
        """Run jobs as they are submitted. ``timeout`` is for all together; ``single``: only one runs at a time."""
        updates = Updates(self.content, leave_no_trace=self._cached, single=single)
        runner = TaskRunner(
            updates,
            report,
            self.submitted,
            limits=limits or TaskLimits(),
            timeout=timeout,
            wait_seconds=max(1, min(_WAIT_SECONDS, int(self.settings.request_timeout / 2))),
        )
        try:
            with runner:
                yield runner
        finally:
            self._inventory = None  # an inventory read while the tasks ran may show only a part of their changes

    def run_one(self, job: Job, report: Report, *, timeout: float = DEFAULT_TIMEOUT) -> Any:
        (outcome,) = self.run([job], report, timeout=timeout)
        if outcome.error is not None:
            raise outcome.error
        return outcome.result

    # -- file transfers

    def upload_file(self, source: Path, *, datastore: Entry, path: str, report: Report | None = None) -> None:
        self.stub.changes += 1
        # An upload is not a SOAP call, so it would not notice that the session has ended; this request does.
        vim.ServiceInstance("ServiceInstance", self.stub).CurrentTime()
        transfer.upload_file(self._transport(), source, self._file_url(datastore, path), report)

    def download_file(self, *, datastore: Entry, path: str, max_bytes: int) -> bytes | None:
        return transfer.download_file(self._transport(), self._file_url(datastore, path), max_bytes)

    def download_guest_file(self, url: str, host_config_of: Callable[[str], Any], max_bytes: int) -> bytes:
        return guest_files.download_guest_file(self._transport(), url, host_config_of, max_bytes)

    def received_guest_file(
        self, url: str, host_config_of: Callable[[str], Any]
    ) -> AbstractContextManager[Iterator[bytes]]:
        return guest_files.received_guest_file(self._transport(), url, host_config_of)

    def upload_guest_file(
        self, url: str, host_config_of: Callable[[str], Any], content: guest_files.Upload, answer_seconds: float
    ) -> None:
        guest_files.upload_guest_file(self._transport(), url, host_config_of, content, answer_seconds)

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Do not count what is called here as a change. Its calls cannot be told from others, but only read."""
        before = self.stub.changes
        try:
            yield
        finally:
            self.stub.changes = before

    def import_disks(self, lease: Any, disks: Sequence[Path], report: Report, stop: threading.Event) -> Any:
        return transfer.import_disks(self._transport(), self.content.propertyCollector, lease, disks, report, stop)

    def find_disk_beginning(self, vm: Any, *, unit: int, size: int, accept: Callable[[bytes], bool]) -> bytes | None:
        """Return the beginning of the disk that is accepted, of a VM that is off; the disk of this unit comes first."""
        return disk_export.find_disk_beginning(
            self._transport(), self.content.propertyCollector, vm, unit, size, accept
        )

    def _transport(self) -> transfer.Transport:
        self.content  # noqa: B018 - logs in
        return transfer.Transport(self.settings, self.stub.tls(), self.stub.cookie)

    def _file_url(self, datastore: Entry, path: str) -> str:
        datacenter = None if datastore.datacenter is None else self.inventory().entry(datastore.datacenter)
        if datacenter is None:
            raise GantryError(f"The datacenter of the datastore {datastore.path} cannot be read. Check the privileges.")
        return transfer.file_url(datacenter.path, datastore.name, path)


def open_session(params: Mapping[str, Any]) -> AbstractContextManager[Session]:
    """Open a session for one task; it is logged out at its end."""
    return session_with(ConnectionSettings.from_params(params))


@contextlib.contextmanager
def session_with(settings: ConnectionSettings) -> Iterator[Session]:
    """Open a session with this vCenter; it is logged out at the end."""
    session = Session(settings)
    try:
        yield session
    finally:
        session.close()
