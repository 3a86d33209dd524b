# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services beside the vSphere API that take the session of the vCenter: the catalog of disks, and storage policies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.settings import ConnectionSettings
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.stub import Stub

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


# Disks in one request.
PAGE = 500


def pages(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Divide the ids of disks among requests."""
    for start in range(0, len(ids), PAGE):
        yield ids[start : start + PAGE]


class CompanionStub(Stub):
    """The calls of a service, with the session of the vCenter. A subclass sets where it is, and the version it has."""

    service_path: ClassVar[str]
    service_version: ClassVar[str]

    def __init__(self, settings: ConnectionSettings, main: Stub, login_again: Callable[[int], None]) -> None:
        super().__init__(settings, login_again)
        self._main = main
        self.path = self.service_path
        self.ComputeVersionInfo(self.service_version)

    def InvokeMethod(self, mo: Any, info: Any, args: Any, outerStub: Any = None) -> Any:  # noqa: N802, N803 - pyVmomi's
        self.generation = self._main.generation
        return super().InvokeMethod(mo, info, args, outerStub)

    def _call(self, mo: Any, info: Any, args: Any, outer_stub: Any) -> Any:
        self.resume(self._main.cookie)
        # The service looks for the session in the header of the document.
        self.requestContext = {"vcSessionCookie": self._main.cookie.partition("=")[2].strip('"')}
        return super()._call(mo, info, args, outer_stub)


class Companion:
    """A service, for one task. It is a context manager, which closes its connections."""

    stub_type: ClassVar[type[CompanionStub]]

    def __init__(self, session: Session) -> None:
        session.content  # noqa: B018 - logs in
        self.stub = session.companion_stub(self.stub_type)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stub.DropConnections()
