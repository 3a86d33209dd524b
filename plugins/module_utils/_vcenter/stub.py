# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SOAP calls to vCenter on own connections, with one new login if a session has ended, and explained errors."""

from __future__ import annotations

import contextlib
import gzip
import http
import http.client
import ssl
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from xml.parsers.expat import ExpatError

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.api_versions import (
    FIRST_VERSION,
    VERSIONS_PATH,
    best_version,
    common_version,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.connection import (
    ConnectionLostError,
    HttpsConnection,
    connect,
    tls_context,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.property_decoder import (
    UnusualAnswerError,
    decoder_of,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import (
    SoapAdapter,
    VmomiSupport,
    available,
    moid_of,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.settings import ConnectionSettings

USER_AGENT = "gantry.vsphere"
_POOL_SIZE = 12
# vCenter closes idle connections after minutes; a connection that was idle for this long is not reused.
_POOL_SECONDS = 20
# A list of API versions has some hundred bytes.
_MAX_LIST_BYTES = 1 << 16
# What returns so much that the time to decode it matters.
_BULK_READS = frozenset({"RetrievePropertiesEx", "ContinueRetrievePropertiesEx"})
_WITHOUT_SESSION = frozenset({"RetrieveServiceContent", "Login", "Logout"})
# Calls that change nothing, which can be repeated after a lost connection. The lease of an export expires by itself.
_READS = (
    "Retrieve", "ContinueRetrieve", "Query", "Find", "Fetch", "Check", "Validate", "Browse", "List", "Search",
    "Has", "Place", "Recommend", "Current", "WaitForUpdates", "Get", "InitiateFileTransferFromGuest",
    "CreateFilter", "CreateContainerView", "CreateListView", "ModifyListView", "CreatePropertyCollector",
    "DestroyView", "DestroyPropertyFilter", "DestroyPropertyCollector", "ExportVm", "HttpNfcLeaseAbort",
    "VslmList", "VslmRetrieve", "PbmRetrieve", "PbmQuery", "PbmCheck",
)  # fmt: skip


# Without pyVmomi the module can still be imported, to report that it is missing.
_SoapStubAdapter: Any = SoapAdapter.SoapStubAdapter if available() else object


class Stub(_SoapStubAdapter):  # type: ignore[misc]
    """A SOAP stub: every call of every managed object goes through ``InvokeMethod``."""

    def __init__(self, settings: ConnectionSettings, login_again: Callable[[int], None]) -> None:
        self._settings = settings
        self._tls: ssl.SSLContext | None = None
        self._login_again = login_again
        self._local = threading.local()
        self._cookie = ""
        self.generation = 0  # the number of logins
        self.changes = 0  # the number of requests that may have changed something
        self.lost = False  # whether a request got no response
        super().__init__(
            host=settings.hostname,
            port=settings.port,
            path="/sdk",
            version=FIRST_VERSION,
            poolSize=_POOL_SIZE,
            connectionPoolTimeout=_POOL_SECONDS,
            customHeaders={"User-Agent": USER_AGENT},
        )

    @property
    def cookie(self) -> str:
        return self._cookie

    @cookie.setter
    def cookie(self, value: str) -> None:
        # A server may return a cookie of a new, empty session with any error; accepting it from another thread's call
        # would discard the session that was just logged in. So only a login sets it.
        if getattr(self._local, "logging_in", False):
            self._cookie = value.split(";", 1)[0]

    def login(self, call: Callable[[], Any]) -> None:
        """Make the login call and keep the session cookie that it returns."""
        self._cookie = ""
        self._local.logging_in = True
        try:
            call()
        finally:
            self._local.logging_in = False
        self.generation += 1

    def resume(self, cookie: str) -> None:
        self._cookie = cookie

    def use_version(self, api_version: str) -> None:
        self.ComputeVersionInfo(best_version(api_version))

    def negotiate(self) -> bool:
        """Use the newest version that both pyVmomi and the server's list have; return whether it is another one."""
        connection = self.GetConnection()
        try:
            connection.request("GET", VERSIONS_PATH, headers={"User-Agent": USER_AGENT})
            listed = connection.getresponse().read(_MAX_LIST_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionLostError(
                f"The connection to vCenter {self._settings.address} was lost while its API versions were read: "
                f"{type(error).__name__}: {error}. Run again."
            ) from error
        finally:
            connection.close()
        version = common_version(listed)
        if version is None or version == self.version:
            return False
        self.ComputeVersionInfo(version)
        return True

    def hurry(self, seconds: float) -> None:
        """Limit all further waits for a response."""
        self.DropConnections()
        self._settings = replace(
            self._settings,
            connect_timeout=min(seconds, self._settings.connect_timeout),
            request_timeout=min(seconds, self._settings.request_timeout),
        )

    def tls(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = tls_context(self._settings)
        return self._tls

    def GetConnection(self) -> HttpsConnection:  # noqa: N802 - pyVmomi's name
        with self.lock:
            self._CloseIdleConnections()
            if self.pool:
                self._local.reused = True
                connection: HttpsConnection = self.pool.pop(0)[0]
                return connection
        self._local.reused = False
        return connect(self._settings, self.tls())

    def InvokeMethod(self, mo: Any, info: Any, args: Any, outerStub: Any = None) -> Any:  # noqa: N802, N803 - pyVmomi's
        generation = self.generation
        try:
            return self._call(mo, info, args, outerStub)
        except FaultError as error:
            if error.kind != "NotAuthenticated" or info.wsdlName in _WITHOUT_SESSION:
                raise
        self._login_again(generation)
        return self._call(mo, info, args, outerStub)

    def _call(self, mo: Any, info: Any, args: Any, outer_stub: Any) -> Any:
        try:
            return self._send(mo, info, args, outer_stub)
        except ConnectionLostError as error:
            # A kept connection may have been closed in the meantime; a read is repeated on a new one.
            if error.silent or not self._local.reused or _may_change(info.wsdlName):
                raise
            self.DropConnections()
            return self._send(mo, info, args, outer_stub)

    def _send(self, mo: Any, info: Any, args: Any, outer_stub: Any) -> Any:
        started = time.monotonic()
        try:
            if info.wsdlName in _BULK_READS:
                answer = self._read_properties(mo, info, args)
            else:
                answer = super().InvokeMethod(mo, info, args, outer_stub)
        except GantryError:
            raise
        except VmomiSupport.GetVmodlType("vmodl.MethodFault") as fault:
            raise FaultError(_doing(mo, info), fault) from fault
        except (ExpatError, EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise GantryError(self._no_vcenter("its answer is not SOAP")) from error
        except http.client.RemoteDisconnected as error:
            raise self._lost(mo, info, "the other side closed the connection") from error
        except TimeoutError as error:
            waited = time.monotonic() - started
            why = f"no answer within {waited:.0f} s (request_timeout {self._settings.request_timeout:g})"
            raise self._lost(mo, info, why, silent=True) from error
        except (OSError, http.client.IncompleteRead, http.client.BadStatusLine) as error:
            raise self._lost(mo, info, f"{type(error).__name__}: {error}") from error
        except http.client.HTTPException as error:
            raise GantryError(self._http_failure(str(error))) from error
        self.changes += _may_change(info.wsdlName)
        return answer

    def _read_properties(self, mo: Any, info: Any, args: Any) -> Any:
        """Make the call as pyVmomi does, and decode the answer by our own decoder, which is faster."""
        headers = {"Cookie": self.cookie, "SOAPAction": self.versionId, "User-Agent": USER_AGENT}
        headers |= {"Content-Type": "text/xml; charset=UTF-8", "Accept-Encoding": "gzip"}
        request = self.SerializeRequest(mo, info, args)
        connection = self.GetConnection()
        try:
            connection.request("POST", self.path, request, headers)
            response = connection.getresponse()
            content = response.read()
            if response.getheader("Content-Encoding", "").lower() == "gzip":
                content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error, http.client.HTTPException):
            connection.close()
            self.DropConnections()
            raise
        if response.status not in (http.HTTPStatus.OK, http.HTTPStatus.INTERNAL_SERVER_ERROR):
            connection.close()
            raise http.client.HTTPException(f"{response.status} {response.reason}")
        self.ReturnConnection(connection)
        is_fault = response.status == http.HTTPStatus.INTERNAL_SERVER_ERROR
        if not is_fault:
            with contextlib.suppress(UnusualAnswerError):
                return decoder_of(self.version).decode(content, info.result, self)
        answer = SoapAdapter.SoapResponseDeserializer(self).Deserialize(content, info.result)
        if not is_fault:
            return answer
        if not isinstance(answer, Exception):
            raise http.client.HTTPException(f"{response.status} {response.reason}")
        raise answer

    def _lost(self, mo: Any, info: Any, why: str, *, silent: bool = False) -> ConnectionLostError:
        self.lost = True
        message = f"The connection to vCenter {self._settings.address} was lost during {_doing(mo, info)}: {why}."
        if _may_change(info.wsdlName):
            self.changes += 1
            message += " vCenter may have carried it out all the same; run again: every run starts from what is there."
        return ConnectionLostError(message, silent=silent)

    def _http_failure(self, status: str) -> str:
        if status.startswith(("502", "503", "504")):
            return (
                f"vCenter {self._settings.address} answers HTTP {status}: its services may be starting or overloaded. "
                "Try again in some minutes."
            )
        return self._no_vcenter(f"it answers HTTP {status}")

    def _no_vcenter(self, why: str) -> str:
        return f"{self._settings.address} does not look like a vCenter: {why}. Check hostname and port."


def _may_change(method: str) -> bool:
    return not method.startswith(_READS) and method not in _WITHOUT_SESSION


def _doing(mo: Any, info: Any) -> str:
    return f"{info.wsdlName} on {moid_of(mo)}"
